import { setTimeout as sleep } from 'node:timers/promises';
import { type FileLock, takeLock } from '#adapters/local/file-lock.ts';
import { CustodyError } from '#core/errors.ts';
import { type Home, makePrivate } from './home.ts';

const PAUSE_MS = 50;
const TRIES = 600;

/** Runs `work` while no other custody of this home does the same. Rejects when that takes longer than 30 s. */
export async function withLock<Result>(
  home: Home,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const lock = await patiently(home, `${name}.guard`);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function patiently(home: Home, name: string): Promise<FileLock> {
  makePrivate(home.folder);
  for (let tries = 0; tries < TRIES; tries++) {
    const lock = take(home.path(name));
    if (lock !== undefined) return lock;
    await sleep(PAUSE_MS);
  }
  throw new CustodyError('internal', 'another custody has been busy with the login for 30 seconds', {
    hint: 'it may be waiting for somebody to unlock the keychain, or for the identity provider: try again, or end it',
  });
}

function take(path: string): FileLock | undefined {
  try {
    return takeLock(path);
  } catch (cause) {
    throw new CustodyError('state-damaged', `${path} cannot be locked: ${(cause as Error).message}`, {
      hint: 'see whether its folder can be written; it holds nothing and can be removed',
      cause,
    });
  }
}
