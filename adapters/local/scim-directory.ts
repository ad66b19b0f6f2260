import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { CustodyError } from '#core/errors.ts';
import type {
  Entry,
  Kind,
  Mark,
  ScimDirectory,
  ScimMarks,
  ScimOutbox,
  Write,
} from '#core/identity/scim/store.ts';
import { parseJson } from '#core/json.ts';
import { inTransaction, openSqlite } from './sqlite.ts';

const FILE = 'scim.sqlite';
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (
    directory TEXT, kind TEXT, id TEXT, version INTEGER NOT NULL, entry TEXT NOT NULL,
    PRIMARY KEY (directory, kind, id)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS names (
    directory TEXT, kind TEXT, name TEXT, id TEXT NOT NULL,
    PRIMARY KEY (directory, kind, name)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS marks (
    directory TEXT, user TEXT, mark TEXT NOT NULL, PRIMARY KEY (directory, user)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS owed (id TEXT PRIMARY KEY, leaf BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS changes (kind TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;`;

export type LocalScim = ScimDirectory & ScimOutbox & ScimMarks & { close(): void };

/** Directories in SQLite: the API and the gateway are processes of one machine. Throws `state-damaged`. */
export function localScim(folder: string): LocalScim {
  const database = openSqlite(join(folder, FILE), 'what directories told', SCHEMA);
  const one = database.prepare('SELECT entry FROM entries WHERE directory = ? AND kind = ? AND id = ?');
  const named = database.prepare(`
    SELECT entry FROM names JOIN entries USING (directory, kind, id)
    WHERE names.directory = ? AND names.kind = ? AND name = ?`);
  const some = database.prepare(
    'SELECT entry FROM entries WHERE directory = ? AND kind = ? ORDER BY id LIMIT ? OFFSET ?',
  );
  const total = database.prepare('SELECT count(*) AS total FROM entries WHERE directory = ? AND kind = ?');
  const owed = database.prepare('SELECT leaf FROM owed ORDER BY id LIMIT ?');
  const paid = database.prepare('DELETE FROM owed WHERE id = ?');
  const changes = database.prepare('SELECT count FROM changes WHERE kind = ?');
  const marks = database.prepare('SELECT mark FROM marks');
  const write = writing(database);
  return {
    get: async <K extends Kind>(directory: string, kind: K, id: string) =>
      entryIn<K>(one.get(directory, kind, id)),
    find: async <K extends Kind>(directory: string, kind: K, name: string) =>
      entryIn<K>(named.get(directory, kind, name)),
    page: async (directory, kind, from, count) => ({
      total: total.get(directory, kind)!['total'] as number,
      entries: some.all(directory, kind, count, from).map((row) => entryIn(row)!),
    }),
    write: async (change) => write(change),
    owed: async (limit) => owed.all(limit).map(({ leaf }) => leaf as Uint8Array),
    paid: async (leaves) => {
      for (const leaf of leaves) paid.run(idOf(leaf));
    },
    changes: async (kind) => (changes.get(kind)?.['count'] as number | undefined) ?? 0,
    marks: async () => marks.all().map(({ mark }) => parseJson(mark as string) as Mark),
    close: () => database.close(),
  };
}

/** One transaction, which begins with the lock: nobody else writes between the look and the change. */
function writing(database: DatabaseSync): (write: Write) => void {
  const version = database.prepare('SELECT version FROM entries WHERE directory = ? AND kind = ? AND id = ?');
  const put = database.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)');
  const remove = database.prepare('DELETE FROM entries WHERE directory = ? AND kind = ? AND id = ?');
  const forget = database.prepare('DELETE FROM names WHERE directory = ? AND kind = ? AND id = ?');
  const name = database.prepare('INSERT OR IGNORE INTO names VALUES (?, ?, ?, ?)');
  const mark = database.prepare('INSERT OR REPLACE INTO marks VALUES (?, ?, ?)');
  const unmark = database.prepare('DELETE FROM marks WHERE directory = ? AND user = ?');
  const owe = database.prepare('INSERT OR IGNORE INTO owed VALUES (?, ?)');
  const count = database.prepare(
    'INSERT INTO changes VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET count = count + 1',
  );

  function change({ before, after, marked, unmarked, owed }: Write): void {
    const { directory, kind, id } = (after ?? before)!;
    const found = version.get(directory, kind, id)?.['version'] as number | undefined;
    if (found !== before?.version) throw changedMeanwhile();
    forget.run(directory, kind, id);
    if (after === undefined) remove.run(directory, kind, id);
    else put.run(directory, kind, id, after.version, JSON.stringify(after));
    for (const own of after?.names ?? []) if (name.run(directory, kind, own, id).changes !== 1) throw taken();
    for (const one of unmarked) unmark.run(one.directory, one.externalId);
    for (const one of marked) mark.run(one.directory, one.externalId, JSON.stringify(one));
    for (const leaf of owed) owe.run(idOf(leaf), leaf);
    count.run(kind);
  }

  return (write) => inTransaction(database, () => change(write));
}

function entryIn<K extends Kind>(row: Record<string, unknown> | undefined): Entry<K> | undefined {
  return row === undefined ? undefined : (parseJson(row['entry'] as string) as Entry<K>);
}

function idOf(leaf: Uint8Array): string {
  return createHash('sha256').update(leaf).digest('hex');
}

function changedMeanwhile(): CustodyError {
  return new CustodyError('conflict', 'somebody else changed it', { hint: 'look at it again' });
}

function taken(): CustodyError {
  return new CustodyError('already-exists', 'another has this name already');
}
