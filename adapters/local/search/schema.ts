/**
 * The tables of the search. Rows of `steps` are numbered by when their session began, a quarter of an hour after the other, so that
 * FTS5, which gives rows in the order of their numbers, gives what is newest first.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, slot INTEGER NOT NULL, first INTEGER NOT NULL, steps INTEGER NOT NULL, last INTEGER NOT NULL,
    rules TEXT, session TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS by_slot ON sessions (slot, id);
  CREATE TABLE IF NOT EXISTS chunks (id TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (id, at)) STRICT, WITHOUT ROWID;
  CREATE VIRTUAL TABLE IF NOT EXISTS steps USING fts5(words, marks, content='', contentless_delete=1,
    tokenize="ascii tokenchars '_'");
  -- What a crash of the machine takes is missing then, and is added again.
  PRAGMA synchronous = NORMAL;`;

const SLOT_MS = 15 * 60_000;
/** 2,000,000,000 steps of sessions that began within one slot. */
const SLOT_ROWS = 2 ** 31;

export function slotOf(ms: number): number {
  return Math.max(0, Math.min(2 ** 22 - 1, Math.floor(ms / SLOT_MS)));
}

export function firstRowOf(slot: number): number {
  return slot * SLOT_ROWS;
}

export function slotOfRow(row: number): number {
  return Math.floor(row / SLOT_ROWS);
}
