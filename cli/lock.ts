import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CustodyError } from '#core/errors.ts';
import { type Home, makePrivate } from './home.ts';

const PAUSE_MS = 50;
const TRIES = 600;
/** A lock that is older was left by a process that died. */
const STALE_MS = 60_000;
/** Work may take longer than that: a person unlocks a keychain, an issuer is slow. */
const BEAT_MS = 10_000;

/** Runs `work` while no other custody of this home does the same. Rejects when that takes longer than 30 s. */
export async function withLock<Result>(
  home: Home,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const path = home.path(`${name}.lock`);
  makePrivate(home.folder);
  for (let tries = 0; !take(path); tries++) {
    if (tries >= TRIES) throw busy(path);
    await sleep(PAUSE_MS);
  }
  const beat = setInterval(() => touch(path), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    rmSync(path, { force: true });
  }
}

/** Best effort: somebody may have removed it by hand. */
function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Then another has it now, and nothing here can help that.
  }
}

function take(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (since !== undefined && Date.now() - since > STALE_MS) rmSync(path, { force: true });
    return false;
  }
}

function busy(path: string): CustodyError {
  return new CustodyError('internal', 'another custody has been refreshing the login for 30 seconds', {
    hint: `if none is running: rm ${path}`,
  });
}
