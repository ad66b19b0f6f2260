import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFolder, tryLockFolder } from '#adapters/local/folder-lock.ts';
import { CustodyError } from '#core/errors.ts';

const LOOK_EVERY_MS = 200;
/** On top of the drain deadline: closing and sealing. */
const GRACE_MS = 5_000;

/**
 * Makes the data folder unless it exists, and this process the only `npm start` on it. Throws `state-damaged` when
 * another one uses it.
 */
export function useDataFolder(dataDir: string): { release(): void } {
  if (mkdirSync(dataDir, { recursive: true, mode: 0o700 }) !== undefined && process.getuid?.() === 0) {
    chmodSync(dataDir, 0o711); // PostgreSQL's own user has to pass through
  }
  const lock = tryLockFolder(join(dataDir, 'supervisor'));
  if (lock !== undefined) return lock;
  throw new CustodyError('state-damaged', `another npm start uses the data folder ${dataDir}`, {
    hint: 'stop that one, or choose another folder with --data-dir',
  });
}

/**
 * Resolves when no gateway uses the data folder: one whose supervisor was killed goes on until its sessions have
 * ended. Throws `state-damaged` when that takes longer than its drain deadline.
 */
export async function waitForEarlierGateway(
  dataDir: string,
  drainMs: number,
  say: (line: string) => void,
): Promise<void> {
  for (let waited = 0; ; waited += LOOK_EVERY_MS) {
    const isLast = waited > drainMs + GRACE_MS;
    const lock = isLast ? lockFolder(dataDir) : tryLockFolder(dataDir);
    if (lock !== undefined) return lock.release();
    if (waited === LOOK_EVERY_MS) say('a gateway of an earlier start is still ending its sessions: waiting');
    await sleep(LOOK_EVERY_MS);
  }
}
