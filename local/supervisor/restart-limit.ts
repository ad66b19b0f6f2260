const RESTARTS = 5;
const WITHIN_MS = 60_000;

/** How often something that keeps dying is started again: five times within a minute, and no more. */
export class RestartLimit {
  #deaths: number[] = [];

  /** Counts a death at `now` (in milliseconds). Gives the number within the last minute when it was one too many. */
  died(now: number): number | undefined {
    this.#deaths = [...this.#deaths.filter((at) => now - at < WITHIN_MS), now];
    return this.#deaths.length > RESTARTS ? this.#deaths.length : undefined;
  }
}
