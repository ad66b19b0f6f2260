import type { Bell } from './bell.ts';

/** So long the next ring is watched for, milliseconds: a target nearby answers, and a client says what follows. */
const WATCH_MS = 1;
/** Who waits longer for the journal anyway gains nothing. */
const QUICK_MS = 2;
/** After so many commits of a session alone the next is expected, and after half as many once it did not come. */
const IN_A_ROW = 16;

/** What a thread has to watch with. */
export interface VigilMeans {
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** With one alone, whoever is watched for could not run. */
  readonly cores: number;
}

/**
 * Where a session alone goes on as soon as each statement is durable, the next ring follows within a fraction of a millisecond, and to be
 * woken for it takes a sleeping thread, on a core that has gone to sleep as well, longer than what it is woken for. So the recorder stays
 * awake until then. It does not where sessions take turns: there, a core that watches is one that is missing.
 */
export class Vigil {
  readonly #means: VigilMeans;
  #alone = 0;

  constructor(means: VigilMeans) {
    this.#means = means;
  }

  /** A commit that somebody waited for is over, of so many sessions. Returns once the bell is rung, or soon need not be expected to be. */
  keep(bell: Pick<Bell, 'isRung' | 'watch'>, sessions: number, tookMs: number): void {
    const { now, cores } = this.#means;
    this.#alone = sessions === 1 && tookMs <= QUICK_MS ? this.#alone + 1 : 0;
    if (cores < 2 || this.#alone < IN_A_ROW) return;
    bell.watch();
    const untilMs = now() + WATCH_MS;
    // Whoever shares the core with it loses less.
    while (!bell.isRung && now() < untilMs) Atomics.pause();
    if (!bell.isRung) this.#alone = IN_A_ROW / 2;
  }
}
