import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { type FileLock, takeLock } from './file-lock.ts';

const LOCK = 'gateway.lock';
const PROCESS_LOCK = /^gateway-process-\d+\.lock$/;
const LOOK_EVERY_MS = 100;
/** Longer than processes take to end whose parent was killed. */
const LOOKS = 200;

/**
 * Makes sure that one gateway at a time uses a data folder. Throws `state-damaged` when another process has it, or the lock
 * cannot be had.
 */
export function lockFolder(folder: string): FileLock {
  const lock = tryLockFolder(folder);
  if (lock !== undefined) return lock;
  throw inUse(folder);
}

/** Undefined when another process has the folder. Throws `state-damaged` when the lock cannot be had at all. */
export function tryLockFolder(folder: string): FileLock | undefined {
  return tryLock(folder, LOCK);
}

/**
 * Shows for as long as this process lives that it is one of those that a gateway has: the lock of the folder is their parent's, and goes
 * with it. Throws `state-damaged` where another has this number.
 */
export function lockProcess(folder: string, number: number): FileLock {
  const lock = tryLock(folder, `gateway-process-${number}.lock`);
  if (lock !== undefined) return lock;
  throw inUse(folder);
}

/**
 * Resolves when no process of an earlier gateway uses the folder: who takes it has the folder's lock already, so none comes after. Rejects
 * with `state-damaged` where one does not end.
 */
export async function untilProcessesGone(
  folder: string,
  pause: (ms: number) => Promise<unknown>,
): Promise<void> {
  for (const name of readdirSync(folder).filter((found) => PROCESS_LOCK.test(found))) {
    for (let looks = 1; ; looks += 1) {
      const lock = tryLock(folder, name);
      if (lock !== undefined) {
        lock.release();
        break;
      }
      if (looks === LOOKS) throw inUse(folder);
      await pause(LOOK_EVERY_MS);
    }
  }
}

function tryLock(folder: string, name: string): FileLock | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return takeLock(join(folder, name));
  } catch (cause) {
    throw new CustodyError(
      'state-damaged',
      `the data folder ${folder} cannot be locked: ${(cause as Error).message}`,
      { hint: `see whether the folder can be written; ${name} holds nothing and can be removed`, cause },
    );
  }
}

function inUse(folder: string): CustodyError {
  return new CustodyError('state-damaged', `the data folder ${folder} is in use by another gateway`, {
    hint: 'stop the other one, or choose another folder with --data-dir',
  });
}
