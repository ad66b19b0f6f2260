import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from './sqlite.ts';

/** A lock that one process has at a time. The kernel lets go of it when that process dies, however it dies. */
export interface FileLock {
  release(): void;
}

/**
 * SQLite's lock on a file of its own, which stays there empty. Undefined when somebody else has it. Throws when it cannot be
 * had at all.
 */
export function takeLock(path: string): FileLock | undefined {
  let database: DatabaseSync | undefined;
  try {
    // For its owner alone: whoever may open it could keep it.
    closeSync(openSync(path, 'a', 0o600));
    database = new DatabaseSync(path);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return heldBy(database);
}

function heldBy(database: DatabaseSync): FileLock {
  // The listener keeps a reference: node:sqlite closes a database, and so lets go of the lock, when it is collected.
  const release = (): void => {
    process.off('exit', release);
    database.close();
  };
  process.once('exit', release);
  return { release };
}
