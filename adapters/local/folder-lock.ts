import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { type FileLock, takeLock } from './file-lock.ts';

const LOCK = 'gateway.lock';

/**
 * Makes sure that one gateway at a time uses a data folder. Throws `state-damaged` when another process has it, or the lock
 * cannot be had.
 */
export function lockFolder(folder: string): FileLock {
  const lock = tryLockFolder(folder);
  if (lock !== undefined) return lock;
  throw new CustodyError('state-damaged', `the data folder ${folder} is in use by another gateway`, {
    hint: 'stop the other one, or choose another folder with --data-dir',
  });
}

/** Undefined when another process has the folder. Throws `state-damaged` when the lock cannot be had at all. */
export function tryLockFolder(folder: string): FileLock | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return takeLock(join(folder, LOCK));
  } catch (cause) {
    throw new CustodyError(
      'state-damaged',
      `the data folder ${folder} cannot be locked: ${(cause as Error).message}`,
      { hint: `see whether the folder can be written; ${LOCK} holds nothing and can be removed`, cause },
    );
  }
}
