import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Logouts, MarkedLogout } from '#core/identity/logouts.ts';
import { inTransaction, openSqlite } from './sqlite.ts';

const FILE = 'logouts.sqlite';
/** `at`: milliseconds since 1970. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS taken (token TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS marks (mark TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;`;

/** Logouts in SQLite, for ever: API and gateway are processes of one machine. Throws `state-damaged`. */
export function localLogouts(folder: string): Logouts & { close(): void } {
  const database = openSqlite(join(folder, FILE), 'the logouts', SCHEMA);
  return {
    take: async (logout) => take(database, logout),
    newest: async (marks) => newest(database, marks),
    close: () => database.close(),
  };
}

function take(database: DatabaseSync, { token, at, marks }: MarkedLogout): boolean {
  return inTransaction(database, () => {
    const { changes } = database.prepare('INSERT OR IGNORE INTO taken (token) VALUES (?)').run(token);
    const mark = database.prepare(
      'INSERT INTO marks (mark, at) VALUES (?, ?) ON CONFLICT (mark) DO UPDATE SET at = max(at, excluded.at)',
    );
    if (changes === 1) for (const name of marks) mark.run(name, at.getTime());
    return changes === 1;
  });
}

function newest(database: DatabaseSync, marks: readonly string[]): Map<string, Date> {
  const sql = 'SELECT mark, at FROM marks WHERE mark IN (SELECT value FROM json_each(?))';
  const rows = database.prepare(sql).all(JSON.stringify(marks));
  return new Map(rows.map(({ mark, at }) => [mark as string, new Date(at as number)]));
}
