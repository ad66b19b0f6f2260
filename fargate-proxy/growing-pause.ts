/** What is waited before another try: twice as long each time, up to a bound, until something has succeeded. */
export class GrowingPause {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #nextMs: number;

  constructor(firstMs: number, mostMs: number) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
    this.#nextMs = firstMs;
  }

  /** Milliseconds. */
  next(): number {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(2 * ms, this.#mostMs);
    return ms;
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/** Before what dead tasks left is tried again. */
export function sealingPause(): GrowingPause {
  return new GrowingPause(5_000, 60_000);
}
