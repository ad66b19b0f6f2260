/** So much may come at once. */
const BURST_S = 0.5;

/** Whether something comes faster than `perS` for longer than a moment: what is in a bucket that leaks as fast as that. */
export class Pace {
  readonly #perS: number;
  #level = 0;
  #atMs = 0;

  /** `perS`: infinite where any pace is welcome. */
  constructor(perS: number) {
    this.#perS = perS;
  }

  /** `amount` came at `atMs`, of any clock that does not go back. */
  add(amount: number, atMs: number): void {
    if (this.#perS === Number.POSITIVE_INFINITY) return;
    const leaked = ((atMs - this.#atMs) / 1000) * this.#perS;
    // No more than it takes the same moment to forget.
    this.#level = Math.min(Math.max(0, this.#level - leaked) + amount, 2 * this.#burst);
    this.#atMs = atMs;
  }

  get isFast(): boolean {
    return this.#level > this.#burst;
  }

  get #burst(): number {
    return this.#perS * BURST_S;
  }
}
