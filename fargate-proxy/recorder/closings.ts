/** So long sessions that end wait for others that do, behind the last that were ended. */
export const TOGETHER_MS = 100;

export interface ClosingsClock {
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** Calls `work` after `ms`; returns how to forget it. */
  readonly later: (ms: number, work: () => void) => () => void;
}

/**
 * Who ends while others do is ended together with them: nobody waits for the end of a session, and what it makes durable costs little
 * more for many than for one. Whoever ends alone is ended at once.
 */
export class Closings<T> {
  readonly #close: (all: readonly T[]) => void;
  readonly #clock: ClosingsClock;
  #waiting: T[] = [];
  #lastMs = -Infinity;
  #forget: (() => void) | undefined;

  constructor(close: (all: readonly T[]) => void, clock: ClosingsClock) {
    this.#close = close;
    this.#clock = clock;
  }

  add(one: T): void {
    this.#waiting.push(one);
    if (this.#forget !== undefined) return;
    const waitMs = this.#lastMs + TOGETHER_MS - this.#clock.now();
    if (waitMs <= 0) return this.now();
    this.#forget = this.#clock.later(waitMs, () => this.now());
  }

  /** Whoever waits waits no longer. */
  now(): void {
    this.#forget?.();
    this.#forget = undefined;
    if (this.#waiting.length === 0) return;
    this.#lastMs = this.#clock.now();
    this.#close(this.#waiting.splice(0));
  }
}
