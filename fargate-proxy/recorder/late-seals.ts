import type { Sealing } from '#core/recording/seal.ts';
import { sealingPause } from '../growing-pause.ts';

/**
 * Seals what could not be sealed at the start: again and again, less often while nothing succeeds, until nothing is left.
 * `sealed` is told how many it were. A failure was said at the start.
 */
export function keepSealing(seal: () => Promise<Sealing>, sealed: (sessions: number) => void): void {
  const pause = sealingPause();
  async function run(): Promise<void> {
    const done = await seal().catch(() => undefined);
    if (done !== undefined && done.sealed > 0) sealed(done.sealed);
    if (done === undefined || done.failures.length > 0) setTimeout(() => void run(), pause.next());
  }
  setTimeout(() => void run(), pause.next());
}
