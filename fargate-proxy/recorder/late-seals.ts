import type { Sealing } from '#core/recording/seal.ts';

const FIRST_PAUSE_MS = 5_000;
const PAUSE_MAX_MS = 60_000;

/**
 * Seals what could not be sealed at the start: again and again, less often while nothing succeeds, until nothing is left.
 * `sealed` is told how many it were. A failure was said at the start.
 */
export function keepSealing(seal: () => Promise<Sealing>, sealed: (sessions: number) => void): void {
  let pauseMs = FIRST_PAUSE_MS;
  async function run(): Promise<void> {
    const done = await seal().catch(() => undefined);
    if (done !== undefined && done.sealed > 0) sealed(done.sealed);
    pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS);
    if (done === undefined || done.failures.length > 0) setTimeout(() => void run(), pauseMs);
  }
  setTimeout(() => void run(), pauseMs);
}
