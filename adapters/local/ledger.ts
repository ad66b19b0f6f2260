import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { leafHash } from '#core/ledger/merkle.ts';
import type { LeafQueue, LedgerHead } from '#core/ledger/ports.ts';
import { type Commits, openSqlite } from './sqlite.ts';

export const LEDGER_FILE = 'ledger.sqlite';
/** As SQLite keeps them behind CREATE TABLE. */
export const HEAD_TABLE = 'head (one INTEGER PRIMARY KEY CHECK (one = 1), checkpoint TEXT NOT NULL) STRICT';
export const LEAVES_TABLE = 'leaves (id TEXT UNIQUE NOT NULL, leaf BLOB) STRICT';
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS ${HEAD_TABLE};
  CREATE TABLE IF NOT EXISTS ${LEAVES_TABLE};
  CREATE INDEX IF NOT EXISTS queued ON leaves (id) WHERE leaf IS NOT NULL;`;

/** The ledger's newest checkpoint, in SQLite: compare-and-swap holds between processes. Throws `state-damaged`. */
export function localLedgerHead(folder: string): LedgerHead & { close(): void } {
  const database = openSqlite(join(folder, LEDGER_FILE), 'the ledger', SCHEMA);
  const read = database.prepare('SELECT checkpoint FROM head');
  const first = database.prepare('INSERT OR IGNORE INTO head (one, checkpoint) VALUES (1, ?)');
  const next = database.prepare('UPDATE head SET checkpoint = ? WHERE checkpoint = ?');
  return {
    read: async () => {
      const checkpoint = read.get()?.['checkpoint'] as string | undefined;
      return checkpoint === undefined ? undefined : { checkpoint, version: checkpoint };
    },
    swap: async (expected, checkpoint) => {
      const { changes } = expected === undefined ? first.run(checkpoint) : next.run(checkpoint, expected);
      if (changes !== 1) throw new CustodyError('conflict', 'the ledger has another head by now');
      return checkpoint;
    },
    close: () => database.close(),
  };
}

export interface LocalLeafQueue extends LeafQueue {
  /** As `add`. */
  addNow(leaf: Uint8Array): void;
  close(): void;
}

/**
 * Leaves on their way into the ledger, in SQLite. What has left the queue stays known, so that it is never added again.
 * Throws `state-damaged`.
 */
export function localLeafQueue(folder: string, commits?: Commits): LocalLeafQueue {
  const database = openSqlite(join(folder, LEDGER_FILE), 'the ledger', SCHEMA, commits);
  const add = database.prepare('INSERT OR IGNORE INTO leaves (id, leaf) VALUES (?, ?)');
  const list = database.prepare('SELECT id, leaf FROM leaves WHERE leaf IS NOT NULL ORDER BY rowid LIMIT ?');
  const remove = database.prepare(
    'UPDATE leaves SET leaf = NULL WHERE id IN (SELECT value FROM json_each(?)) AND leaf IS NOT NULL',
  );
  const addNow = (leaf: Uint8Array): void => void add.run(leafHash(leaf).toString('hex'), leaf);
  return {
    addNow,
    add: async (leaf) => addNow(leaf),
    list: async (limit) =>
      list.all(limit).map(({ id, leaf }) => ({ id: id as string, leaf: leaf as Uint8Array })),
    remove: async (ids) => void remove.run(JSON.stringify(ids)),
    close: () => database.close(),
  };
}
