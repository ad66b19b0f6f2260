import type { DatabaseSync } from 'node:sqlite';
import { cannotOpen, inTransaction, openShared } from './sqlite.ts';

/** Which sealed sessions have no index of their steps yet: a note beside the session index, which costs nothing to ask. */
export interface UnindexedSessions {
  /** The newest first. */
  next(limit: number): readonly string[];
  /** It has one, or never will. */
  done(session: string): void;
  close(): void;
}

/**
 * Opens what `openSessionIndex` has made. `version`: of what is made now; sessions that have an index of another are without one.
 * Throws `store-unavailable` where it cannot be had.
 */
export function openUnindexedSessions(file: string, version: string): UnindexedSessions {
  const database = openDatabase(file, version);
  const next = database.prepare(
    'SELECT id FROM sessions WHERE outcome IS NOT NULL AND indexed IS NULL ORDER BY id DESC LIMIT ?',
  );
  const done = database.prepare('UPDATE sessions SET indexed = ? WHERE id = ?');
  return {
    next: (limit) => next.all(limit).map(({ id }) => String(id)),
    done: (session) => void done.run(version, session),
    close: () => database.close(),
  };
}

function openDatabase(file: string, version: string): DatabaseSync {
  try {
    return openShared(file, 'log', (database) => inTransaction(database, () => addNotes(database, version)));
  } catch (cause) {
    throw cannotOpen('the session index', file, cause);
  }
}

function addNotes(database: DatabaseSync, version: string): void {
  const columns = database.prepare('SELECT name FROM pragma_table_info(?)').all('sessions');
  if (!columns.some(({ name }) => name === 'indexed'))
    database.exec('ALTER TABLE sessions ADD COLUMN indexed TEXT');
  database.exec(
    'CREATE INDEX IF NOT EXISTS unindexed ON sessions (id) WHERE outcome IS NOT NULL AND indexed IS NULL',
  );
  database.prepare('UPDATE sessions SET indexed = NULL WHERE indexed IS NOT ?').run(version);
}
