import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { decodeOutputs, encodeOutputs } from '#core/tasks/output-digests.ts';
import type { Run, RunStep } from '#core/tasks/run.ts';
import {
  isUnsettled,
  type RunPage,
  type RunQuery,
  type RunStore,
  type UntoldRun,
} from '#core/tasks/store.ts';
import { openSqlite } from './sqlite.ts';

const FILE = 'runs.sqlite';
const PAGE_MAX = 1_000;
/** `steps`: how many there are, `told`: how many news have been told, of `steps` + 1. `once`: the starter's idempotency key. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, workflow TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL,
    once TEXT, key BLOB NOT NULL, run TEXT NOT NULL,
    steps INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0, unsettled INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS by_key ON runs (issuer, subject, once) WHERE once IS NOT NULL;
  CREATE INDEX IF NOT EXISTS by_workflow ON runs (workflow, id);
  CREATE INDEX IF NOT EXISTS untold ON runs (id) WHERE told <= steps;
  CREATE INDEX IF NOT EXISTS unsettled ON runs (id) WHERE unsettled = 1;
  CREATE TABLE IF NOT EXISTS outputs (
    run TEXT NOT NULL, session TEXT NOT NULL, outputs BLOB NOT NULL, PRIMARY KEY (run, session)) STRICT;`;

/** Runs in SQLite: API and gateway are processes of one machine. Durable when a call returns. Throws `state-damaged`. */
export function localRunStore(folder: string): RunStore & { close(): void } {
  const database = openSqlite(join(folder, FILE), 'the runs of workflows', SCHEMA);
  return {
    create: async (run, key, once) => create(database, run, key, once),
    append: async (id, after, steps) => append(database, id, after, steps),
    get: async (id) => get(database, id),
    keyOf: async (id) => keyOf(database, id),
    list: async (query) => list(database, query),
    unsettled: async (limit, after) => unsettled(database, limit, after),
    untold: async (limit, id) => untold(database, limit, id),
    told: async (id, count) => told(database, id, count),
    outputs: {
      put: async (run, session, outputs) => putOutputs(database, run, session, encodeOutputs(outputs)),
      get: async (run, session) => outputsOf(database, run, session),
    },
    close: () => database.close(),
  };
}

function create(database: DatabaseSync, run: Run, key: Uint8Array, once: string | undefined): Run {
  const { issuer, subject } = run.startedBy;
  const { changes } = database
    .prepare(
      `INSERT OR IGNORE INTO runs (id, workflow, issuer, subject, once, key, run, steps, unsettled)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)`,
    )
    .run(run.id, run.workflow, issuer, subject, once ?? null, key, JSON.stringify(run), run.steps.length);
  if (changes === 1) return run;
  const earlier = once === undefined ? undefined : byKey(database, issuer, subject, once);
  if (earlier !== undefined) return earlier;
  throw new CustodyError('already-exists', 'the run exists already', { detail: run.id });
}

function byKey(database: DatabaseSync, issuer: string, subject: string, once: string): Run | undefined {
  const sql = 'SELECT run FROM runs WHERE issuer = ? AND subject = ? AND once = ?';
  const row = database.prepare(sql).get(issuer, subject, once);
  return row === undefined ? undefined : parse(row['run']);
}

/** The number of steps is the version: SQLite makes the comparison and the change one. */
function append(database: DatabaseSync, id: string, after: number, added: readonly RunStep[]): void {
  const run = get(database, id);
  if (run.steps.length !== after) throw changedMeanwhile();
  const changed = { ...run, steps: [...run.steps, ...added] };
  const { changes } = database
    .prepare('UPDATE runs SET run = ?, steps = ?, unsettled = ? WHERE id = ? AND steps = ?')
    .run(JSON.stringify(changed), changed.steps.length, isUnsettled(changed) ? 1 : 0, id, after);
  if (changes !== 1) throw changedMeanwhile();
}

function changedMeanwhile(): CustodyError {
  return new CustodyError('conflict', 'somebody else changed the run', { hint: 'look at it again' });
}

function get(database: DatabaseSync, id: string): Run {
  const row = database.prepare('SELECT run FROM runs WHERE id = ?').get(id);
  if (row !== undefined) return parse(row['run']);
  throw noSuchRun();
}

function keyOf(database: DatabaseSync, id: string): Uint8Array {
  const row = database.prepare('SELECT key FROM runs WHERE id = ?').get(id);
  if (row !== undefined) return row['key'] as Uint8Array;
  throw noSuchRun();
}

function noSuchRun(): CustodyError {
  return new CustodyError('not-found', 'no such run', { hint: 'see them: custody run list' });
}

function list(database: DatabaseSync, { workflow, cursor, ...query }: RunQuery): RunPage {
  const limit = Math.max(1, Math.min(PAGE_MAX, Math.trunc(query.limit)));
  const filters: [sql: string, value: string][] = [];
  if (workflow !== undefined) filters.push(['workflow = ?', workflow]);
  if (cursor !== undefined) filters.push(['id < ?', cursor]);
  const where = filters.length === 0 ? '' : `WHERE ${filters.map(([sql]) => sql).join(' AND ')}`;
  const rows = database
    .prepare(`SELECT run FROM runs ${where} ORDER BY id DESC LIMIT ${limit + 1}`)
    .all(...filters.map(([, value]) => value));
  const runs = rows.slice(0, limit).map(({ run }) => parse(run));
  return rows.length > limit ? { runs, next: runs.at(-1)!.id } : { runs };
}

function unsettled(database: DatabaseSync, limit: number, after = ''): string[] {
  const sql = `SELECT id FROM runs WHERE unsettled = 1 AND id > ? ORDER BY id LIMIT ${Math.trunc(limit)}`;
  return database
    .prepare(sql)
    .all(after)
    .map(({ id }) => id as string);
}

function untold(database: DatabaseSync, limit: number, id: string | undefined): UntoldRun[] {
  const one = id === undefined ? '' : 'AND id = ?';
  const rows = database
    .prepare(`SELECT run, told FROM runs WHERE told <= steps ${one} ORDER BY id LIMIT ${Math.trunc(limit)}`)
    .all(...(id === undefined ? [] : [id]));
  return rows.map(({ run, told: count }) => ({ run: parse(run), told: count as number }));
}

function told(database: DatabaseSync, id: string, count: number): void {
  database.prepare('UPDATE runs SET told = ? WHERE id = ? AND told < ?').run(count, id, count);
}

function putOutputs(database: DatabaseSync, run: string, session: string, outputs: Uint8Array): void {
  database
    .prepare('INSERT OR IGNORE INTO outputs (run, session, outputs) VALUES (?, ?, ?)')
    .run(run, session, outputs);
}

function outputsOf(database: DatabaseSync, run: string, session: string) {
  const sql = 'SELECT outputs FROM outputs WHERE run = ? AND session = ?';
  const row = database.prepare(sql).get(run, session);
  return row === undefined ? undefined : decodeOutputs(row['outputs'] as Uint8Array);
}

function parse(json: unknown): Run {
  return parseJson(json as string) as Run;
}
