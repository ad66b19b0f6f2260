import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Presence, Watcher } from '#core/access/presence.ts';
import { type AccessRequest, openUntil, type Step } from '#core/access/request.ts';
import type {
  AccessCatalog,
  AccessOutbox,
  AccessRequests,
  RequestPage,
  RequestQuery,
  Termination,
  Terminations,
} from '#core/access/store.ts';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { openSqlite } from './sqlite.ts';

const FILE = 'access.sqlite';
const PAGE_MAX = 1_000;
/** `steps`: how many there are, `told`: how many news have been told, of `steps` + 1. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS requests (
    id TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, target TEXT NOT NULL,
    key TEXT, open_until INTEGER NOT NULL, request TEXT NOT NULL,
    steps INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS by_key ON requests (issuer, subject, key) WHERE key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS by_requester ON requests (issuer, subject, id);
  CREATE INDEX IF NOT EXISTS by_target ON requests (target, id);
  CREATE INDEX IF NOT EXISTS untold ON requests (id) WHERE told <= steps;
  CREATE TABLE IF NOT EXISTS terminations (session TEXT PRIMARY KEY, termination TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS presence (
    session TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL, until TEXT NOT NULL, watcher TEXT NOT NULL,
    PRIMARY KEY (session, issuer, subject)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS awaiting (session TEXT PRIMARY KEY, until TEXT NOT NULL) STRICT, WITHOUT ROWID;`;

export type AccessStore = AccessRequests & AccessCatalog & AccessOutbox & Terminations & Presence;

/**
 * Requests and terminations in SQLite: API and gateway are processes of one machine. Durable when a call returns. Throws
 * `state-damaged`.
 */
export function localAccessStore(folder: string): AccessStore & { close(): void } {
  const database = openSqlite(join(folder, FILE), 'the access requests', SCHEMA);
  const statements = new Map<string, StatementSync>();
  return {
    create: async (request, key) => create(database, request, key),
    append: async (id, after, steps) => append(database, id, after, steps),
    get: async (id) => get(database, id),
    list: async (query) => list(database, statements, query),
    untold: async (limit, id) => untold(database, limit, id),
    told: async (id, count) => told(database, id, count),
    ask: async (termination) => ask(database, termination),
    asked: async (sessions) => asked(database, sessions),
    ...presence(database),
    close: () => database.close(),
  };
}

function presence(database: DatabaseSync): Presence {
  return {
    renew: async (watcher) => {
      const { session, by, until } = watcher;
      // What is over is of no use to anybody.
      database.prepare('DELETE FROM presence WHERE until < ?').run(hourBefore(until));
      database
        .prepare(
          'INSERT OR REPLACE INTO presence (session, issuer, subject, until, watcher) VALUES (?, ?, ?, ?, ?)',
        )
        .run(session, by.issuer, by.subject, until, JSON.stringify(watcher));
    },
    watching: async (sessions) => {
      const sql = 'SELECT watcher FROM presence WHERE session IN (SELECT value FROM json_each(?))';
      const rows = database.prepare(sql).all(JSON.stringify(sessions));
      return rows.map(({ watcher }) => parseJson(watcher as string) as Watcher);
    },
    awaits: async (session, until) =>
      void database
        .prepare('INSERT OR REPLACE INTO awaiting (session, until) VALUES (?, ?)')
        .run(session, until),
    begins: async (session) => void database.prepare('DELETE FROM awaiting WHERE session = ?').run(session),
    waiting: async (now) =>
      database
        .prepare('SELECT session FROM awaiting WHERE until > ? ORDER BY session')
        .all(now.toISOString())
        .map(({ session }) => session as string),
  };
}

function hourBefore(time: string): string {
  return new Date(Date.parse(time) - 3_600_000).toISOString();
}

function create(database: DatabaseSync, request: AccessRequest, key: string | undefined): AccessRequest {
  const { issuer, subject } = request.requester;
  const values = [issuer, subject, request.target, key ?? null, openUntil(request), JSON.stringify(request)];
  const { changes } = database
    .prepare(
      `INSERT OR IGNORE INTO requests (id, issuer, subject, target, key, open_until, request, steps)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(request.id, ...values, request.steps.length);
  if (changes === 1) return request;
  const earlier = key === undefined ? undefined : byKey(database, issuer, subject, key);
  if (earlier !== undefined) return earlier;
  throw new CustodyError('already-exists', 'the request exists already', { detail: request.id });
}

function byKey(
  database: DatabaseSync,
  issuer: string,
  subject: string,
  key: string,
): AccessRequest | undefined {
  const sql = 'SELECT request FROM requests WHERE issuer = ? AND subject = ? AND key = ?';
  const row = database.prepare(sql).get(issuer, subject, key);
  return row === undefined ? undefined : parse(row['request']);
}

/** The number of steps is the version: SQLite makes the comparison and the change one. */
function append(database: DatabaseSync, id: string, after: number, added: readonly Step[]): void {
  const request = get(database, id);
  if (request.steps.length !== after) throw changedMeanwhile();
  const changed = { ...request, steps: [...request.steps, ...added] };
  const { changes } = database
    .prepare('UPDATE requests SET request = ?, open_until = ?, steps = ? WHERE id = ? AND steps = ?')
    .run(JSON.stringify(changed), openUntil(changed), changed.steps.length, id, after);
  if (changes !== 1) throw changedMeanwhile();
}

function changedMeanwhile(): CustodyError {
  return new CustodyError('conflict', 'somebody else changed the request', { hint: 'look at it again' });
}

function get(database: DatabaseSync, id: string): AccessRequest {
  const row = database.prepare('SELECT request FROM requests WHERE id = ?').get(id);
  if (row !== undefined) return parse(row['request']);
  throw new CustodyError('not-found', 'no such request', { hint: 'see yours: custody requests' });
}

/** `statements`: the few that there are, as each login asks. */
function list(
  database: DatabaseSync,
  statements: Map<string, StatementSync>,
  { requester, target, openAt, cursor, ...query }: RequestQuery,
): RequestPage {
  const limit = Math.max(1, Math.min(PAGE_MAX, Math.trunc(query.limit)));
  const filters: [sql: string, value: string | number][] = [];
  if (requester !== undefined)
    filters.push(['issuer = ?', requester.issuer], ['subject = ?', requester.subject]);
  if (target !== undefined) filters.push(['target = ?', target]);
  if (openAt !== undefined) filters.push(['open_until > ?', openAt.getTime()]);
  if (cursor !== undefined) filters.push(['id < ?', cursor]);
  const where = filters.length === 0 ? '' : `WHERE ${filters.map(([sql]) => sql).join(' AND ')}`;
  // `+`: for a bare parameter of LIMIT, SQLite compiles the statement anew each time that it is bound.
  const sql = `SELECT request FROM requests ${where} ORDER BY id DESC LIMIT +?`;
  const statement = statements.get(sql) ?? database.prepare(sql);
  statements.set(sql, statement);
  const rows = statement.all(...filters.map(([, value]) => value), limit + 1);
  const requests = rows.slice(0, limit).map(({ request }) => parse(request));
  return rows.length > limit ? { requests, next: requests.at(-1)!.id } : { requests };
}

function untold(database: DatabaseSync, limit: number, id: string | undefined) {
  const one = id === undefined ? '' : 'AND id = ?';
  const rows = database
    .prepare(
      `SELECT request, told FROM requests WHERE told <= steps ${one} ORDER BY id LIMIT ${Math.trunc(limit)}`,
    )
    .all(...(id === undefined ? [] : [id]));
  return rows.map(({ request, told: count }) => ({ request: parse(request), told: count as number }));
}

function told(database: DatabaseSync, id: string, count: number): void {
  database.prepare('UPDATE requests SET told = ? WHERE id = ? AND told < ?').run(count, id, count);
}

function ask(database: DatabaseSync, termination: Termination): void {
  database
    .prepare('INSERT OR IGNORE INTO terminations (session, termination) VALUES (?, ?)')
    .run(termination.session, JSON.stringify(termination));
}

function asked(database: DatabaseSync, sessions: readonly string[]): Termination[] {
  const sql = 'SELECT termination FROM terminations WHERE session IN (SELECT value FROM json_each(?))';
  const rows = database.prepare(sql).all(JSON.stringify(sessions));
  return rows.map(({ termination }) => parseJson(termination as string) as Termination);
}

function parse(json: unknown): AccessRequest {
  return parseJson(json as string) as AccessRequest;
}
