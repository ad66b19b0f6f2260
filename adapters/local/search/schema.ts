/**
 * The tables of the search. Rows are numbered so that what is newest comes first: by the second in which a session began, counted
 * backwards, and a session's steps upwards. FTS5 gives rows in the order of their numbers, and seeks well in that direction alone.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, first INTEGER NOT NULL, steps INTEGER NOT NULL, last INTEGER NOT NULL, span INTEGER NOT NULL,
    rules TEXT, session TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS by_row ON sessions (first);
  CREATE INDEX IF NOT EXISTS lasting ON sessions (span, last);
  CREATE TABLE IF NOT EXISTS chunks (at INTEGER PRIMARY KEY, steps INTEGER NOT NULL, least INTEGER NOT NULL,
    upto INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
  CREATE VIRTUAL TABLE IF NOT EXISTS steps USING fts5(words, marks, content='', contentless_delete=1,
    tokenize="ascii tokenchars '_'");
  -- What a crash of the machine takes is missing then, and is added again.
  PRAGMA synchronous = NORMAL;
  PRAGMA user_version = 2;`;

/** Of tables that were made otherwise, nothing is kept: all is added again. */
export const FORGET = `
  DROP TABLE IF EXISTS sessions; DROP TABLE IF EXISTS chunks; DROP TABLE IF EXISTS steps;`;
export const SCHEMA_VERSION = 2;

const EPOCH = Date.UTC(2020, 0, 1);
const SLOTS = 2 ** 31;
/** Steps of sessions that began within one second. */
const SLOT_BITS = 32n;

/** The later, the lower. */
export function slotOf(ms: number): bigint {
  const second = Math.floor((ms - EPOCH) / 1000);
  return BigInt(SLOTS - 1 - Math.max(0, Math.min(SLOTS - 1, second)));
}

export function firstRowOf(slot: bigint): bigint {
  return slot << SLOT_BITS;
}

export function lastRowOf(slot: bigint): bigint {
  return firstRowOf(slot) + (1n << SLOT_BITS) - 1n;
}

export function slotOfRow(row: bigint): bigint {
  return row >> SLOT_BITS;
}

export const OLDEST_ROW = lastRowOf(BigInt(SLOTS - 1));

/** How long something lasted, to a power of two that is no less: sessions of one span that lasted until a moment began near it. */
export function spanOf(ms: number): number {
  return Math.ceil(Math.log2(Math.max(1, ms)));
}
