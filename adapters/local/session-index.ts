import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type {
  SessionCatalog,
  SessionIndex,
  SessionOutcome,
  SessionQuery,
  SessionRecord,
} from '#core/recording/session-index.ts';
import { takePage } from '#core/recording/session-page.ts';
import { cannotOpen, type Commits, isDamage, openShared } from './sqlite.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, target TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL,
    record TEXT NOT NULL, outcome TEXT) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS approvers (
    issuer TEXT NOT NULL, subject TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (issuer, subject, id)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS unsealed ON sessions (id) WHERE outcome IS NULL;
  CREATE INDEX IF NOT EXISTS by_target ON sessions (target, id);
  CREATE INDEX IF NOT EXISTS by_subject ON sessions (issuer, subject, id);`;

interface Row {
  readonly id: string;
  readonly record: string;
  readonly outcome: string | null;
}

type Opened = Omit<SessionRecord, 'state' | 'outcome'>;

/**
 * The index in SQLite: the gateway writes, the API reads, each in its own process. Durable when a call returns.
 * Throws `state-damaged` when the file is not a database or fails its check, and `store-unavailable` when it cannot be had.
 */
export function openSessionIndex(
  file: string,
  commits: Commits = 'durable',
): SessionIndex & SessionCatalog & { close(): void } {
  const database = openDatabase(file, commits);
  const writes = prepared(database);
  return {
    opened: async (record) => insert(writes, record),
    closed: async (id, outcome) => setOutcome(database, writes, id, outcome),
    unsealed: async () => select(database, 'WHERE outcome IS NULL ORDER BY id').map(toRecord),
    get: async (id) => getRecord(database, id),
    list: async (query) => takePage(newestFirst(database, query), query),
    close: () => database.close(),
  };
}

function openDatabase(file: string, commits: Commits): DatabaseSync {
  try {
    return openShared(file, commits, (database) => {
      database.exec(SCHEMA);
      if (database.prepare('PRAGMA quick_check').get()?.['quick_check'] !== 'ok')
        throw damaged(file, 'quick_check failed');
    });
  } catch (cause) {
    if (cause instanceof CustodyError) throw cause;
    throw isDamage(cause)
      ? damaged(file, (cause as Error).message, cause)
      : cannotOpen('the session index', file, cause);
  }
}

function damaged(file: string, detail: string, cause?: unknown): CustodyError {
  return new CustodyError('state-damaged', `the session index ${file} is damaged`, {
    hint: 'move it away and start again: evidence is not affected, but old sessions leave the list',
    detail,
    cause,
  });
}

/** What is written for each session. */
interface Writes {
  readonly session: StatementSync;
  readonly approver: StatementSync;
  readonly outcome: StatementSync;
}

function prepared(database: DatabaseSync): Writes {
  return {
    session: database.prepare(
      'INSERT OR IGNORE INTO sessions (id, target, issuer, subject, record) VALUES (?, ?, ?, ?, ?)',
    ),
    approver: database.prepare('INSERT OR IGNORE INTO approvers (issuer, subject, id) VALUES (?, ?, ?)'),
    outcome: database.prepare('UPDATE sessions SET outcome = ? WHERE id = ? AND outcome IS NULL'),
  };
}

/** Who approved it first: whatever is listed, its approvers find. */
function insert(writes: Writes, record: Opened): void {
  const { id, target, principal, approvedBy = [] } = record;
  for (const { issuer, subject } of approvedBy) writes.approver.run(issuer, subject, id);
  const done = writes.session.run(id, target, principal.issuer, principal.subject, JSON.stringify(record));
  if (done.changes === 0)
    throw new CustodyError('already-exists', 'the session exists already', { detail: id });
}

function setOutcome(database: DatabaseSync, writes: Writes, id: string, outcome: SessionOutcome): void {
  const done = writes.outcome.run(JSON.stringify(outcome), id);
  if (done.changes === 0) getRecord(database, id);
}

function getRecord(database: DatabaseSync, id: string): SessionRecord {
  const [row] = select(database, 'WHERE id = ?', id);
  if (row === undefined) throw new CustodyError('not-found', 'no such session', { detail: id });
  return toRecord(row);
}

/** Newest first: session ids sort by time. */
function* newestFirst(database: DatabaseSync, query: SessionQuery): Generator<SessionRecord> {
  const { target, subject, approver, cursor, from } = query;
  const filters: [sql: string, value: string][] = [];
  if (target !== undefined) filters.push(['target = ?', target]);
  if (subject !== undefined) filters.push(['issuer = ?', subject.issuer], ['subject = ?', subject.subject]);
  if (cursor !== undefined) filters.push(['id < ?', cursor]);
  if (from !== undefined) filters.push(['id >= ?', from]);
  const conditions = filters.map(([sql]) => sql);
  const values = filters.map(([, value]) => value);
  if (approver !== undefined) {
    conditions.push('id IN (SELECT id FROM approvers WHERE issuer = ? AND subject = ?)');
    values.push(approver.issuer, approver.subject);
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  for (const row of iterate(database, `${where} ORDER BY id DESC`, values)) yield toRecord(row);
}

function select(database: DatabaseSync, rest: string, ...values: readonly string[]): Row[] {
  return [...iterate(database, rest, values)];
}

function iterate(database: DatabaseSync, rest: string, values: readonly string[]): Iterable<Row> {
  return database
    .prepare(`SELECT id, record, outcome FROM sessions ${rest}`)
    .iterate(...values) as unknown as Iterable<Row>;
}

function toRecord({ record, outcome }: Row): SessionRecord {
  const opened = parseJson(record) as Opened;
  if (outcome === null) return { ...opened, state: 'open' };
  const parsed = parseJson(outcome) as SessionOutcome;
  return { ...opened, state: parsed.recovered ? 'recovered' : 'closed', outcome: parsed };
}
