import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CustodyError } from '#core/errors.ts';

const LOCK = 'gateway.lock';
/** SQLITE_BUSY (https://sqlite.org/rescode.html). */
const BUSY = 5;

/**
 * Makes sure that one gateway at a time uses a data folder. The lock is SQLite's on a file of its own: the kernel lets
 * go of it when the process dies, however it dies. Throws `state-damaged` when another process holds it, or it cannot
 * be had.
 */
export function lockFolder(folder: string): { release(): void } {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    database = new DatabaseSync(join(folder, LOCK));
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    throw cannotLock(folder, cause as Error & { readonly errcode?: number });
  }
  const held = database;
  // The listener keeps a reference: node:sqlite closes a database, and so lets go of the lock, when it is collected.
  const release = (): void => {
    process.off('exit', release);
    held.close();
  };
  process.once('exit', release);
  return { release };
}

function cannotLock(folder: string, cause: Error & { readonly errcode?: number }): CustodyError {
  const inUse = (cause.errcode ?? 0) % 256 === BUSY;
  const what = inUse ? 'is in use by another gateway' : `cannot be locked: ${cause.message}`;
  return new CustodyError('state-damaged', `the data folder ${folder} ${what}`, {
    hint: inUse
      ? 'stop the other one, or choose another folder with --data-dir'
      : `see whether the folder can be written; ${LOCK} holds nothing and can be removed`,
    cause,
  });
}
