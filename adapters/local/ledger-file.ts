/** The ledger's head and queue for whoever audits them: read alone, and only of a file that is what Custody makes. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { leafHash } from '#core/ledger/merkle.ts';
import { HEAD_TABLE, LEAVES_TABLE, LEDGER_FILE } from './ledger.ts';
import { plainFileSize } from './plain-files.ts';
import { cannotOpen } from './sqlite.ts';
import { readLogs } from './store-log/files.ts';

const BUSY_MS = 5_000;
/** What SQLite opens beside a database without asking what it is. */
const BESIDE = ['-shm', '-journal'];

/** The newest checkpoint, of at most `atMost` characters; undefined before the first. Rejects with `state-damaged` or `store-unavailable`. */
export async function readLedgerHead(folder: string, atMost: number): Promise<string | undefined> {
  const sql = 'SELECT checkpoint, length(checkpoint) > ? AS long FROM head LIMIT 1';
  const row = await asking(folder, (database) => database.prepare(sql).get(atMost));
  if (row === undefined) return undefined;
  if (typeof row['checkpoint'] === 'string' && row['long'] === 0) return row['checkpoint'];
  throw notOurs(folder, 'its checkpoint is none');
}

/**
 * Whether all of these leaves are still in the queue, or on their way there in the log of a machine that lost power. Rejects as
 * `readLedgerHead`.
 */
export async function areLeavesQueued(folder: string, ids: readonly string[]): Promise<boolean> {
  const wanted = [...new Set(ids)];
  const sql =
    'SELECT id, leaf IS NOT NULL AS queued FROM leaves WHERE id IN (SELECT value FROM json_each(?))';
  const rows = await asking(folder, (database) => database.prepare(sql).all(JSON.stringify(wanted)));
  const known = new Map(rows.map(({ id, queued }) => [String(id), queued === 1]));
  const others = wanted.filter((id) => !known.has(id));
  if ([...known.values()].includes(false)) return false;
  if (others.length === 0) return true;
  const logged = await loggedLeaves(join(folder, 'store'));
  return others.every((id) => logged.has(id));
}

async function loggedLeaves(root: string): Promise<ReadonlySet<string>> {
  const leaves = new Set<string>();
  for await (const { records } of readLogs(root))
    for (const { kind, bytes } of records) if (kind === 'leaf') leaves.add(leafHash(bytes).toString('hex'));
  return leaves;
}

async function asking<T>(folder: string, ask: (database: DatabaseSync) => T): Promise<T> {
  const file = join(folder, LEDGER_FILE);
  if (!(await isPlain(file))) throw new CustodyError('not-found', `${file} is not there`);
  for (const name of BESIDE) await isPlain(file + name);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(await addressOf(file), { readOnly: true, timeout: BUSY_MS });
    checkTables(folder, database);
    return ask(database);
  } catch (cause) {
    throw cause instanceof CustodyError ? cause : cannotOpen('the ledger', file, cause);
  } finally {
    database?.close();
  }
}

/** Where nobody has it open there is no log beside it: then SQLite puts nothing there, and reads it on a read-only disk as well. */
async function addressOf(file: string): Promise<URL> {
  const address = pathToFileURL(file);
  if (!(await isPlain(`${file}-wal`))) address.searchParams.set('immutable', '1');
  return address;
}

/** False where nothing is there. A pipe beside a database would keep SQLite waiting for ever. */
async function isPlain(path: string): Promise<boolean> {
  try {
    await plainFileSize(path);
    return true;
  } catch (cause) {
    const { code, message } = asCustodyError(cause);
    if (code === 'not-found') return false;
    throw new CustodyError(code, `${path} ${message}`, { cause });
  }
}

/** A view, or a column that is computed, can be made to take for ever. */
function checkTables(folder: string, database: DatabaseSync): void {
  const definition = database.prepare('SELECT type, sql FROM sqlite_schema WHERE name = ?');
  for (const [name, sql] of [
    ['head', HEAD_TABLE],
    ['leaves', LEAVES_TABLE],
  ] as const) {
    const found = definition.get(name);
    if (found?.['type'] !== 'table' || found['sql'] !== `CREATE TABLE ${sql}`)
      throw notOurs(folder, `it has ${found === undefined ? 'no' : 'another'} table ${name}`);
  }
}

function notOurs(folder: string, why: string): CustodyError {
  return new CustodyError('state-damaged', `${join(folder, LEDGER_FILE)} is not a ledger's: ${why}`, {
    hint: 'keep the folder as it is and look into it',
  });
}
