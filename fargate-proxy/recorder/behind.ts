interface Batch {
  /** The position from which on frames of the tape may be in it. */
  readonly from: number;
  readonly bytes: number;
  /** When the oldest frame in it may have been recorded. */
  readonly sinceMs: number;
}

interface Waiting {
  readonly position: number;
  readonly durable: () => void;
}

/** What of one tape the recorder stores in its own time, behind everybody else's, and who waits for that. */
export class Behind {
  readonly #batches: Batch[] = [];
  readonly #waiting: Waiting[] = [];
  #bytes = 0;

  get isNone(): boolean {
    return this.#batches.length === 0;
  }

  /** When the oldest frame that is not durable was recorded; never, where there is none. */
  get sinceMs(): number {
    return this.#batches[0]?.sinceMs ?? Number.POSITIVE_INFINITY;
  }

  /** Everything before it is not behind. */
  get from(): number {
    return this.#batches[0]?.from ?? Number.POSITIVE_INFINITY;
  }

  /** How much was recorded, by all, while such frames were. */
  get bytes(): number {
    return this.#bytes;
  }

  add(batch: Batch): void {
    this.#batches.push(batch);
    this.#bytes += batch.bytes;
  }

  /** The oldest of what was added is durable. */
  caughtUp(): void {
    const batch = this.#batches.shift();
    if (batch === undefined) return;
    this.#bytes -= batch.bytes;
    while (this.#waiting.length > 0 && this.#waiting[0]!.position <= this.from)
      this.#waiting.shift()!.durable();
  }

  /**
   * Calls `durable` once all of the tape's is that was recorded before this position. In the order of the positions. `keep` is called
   * first where that is not at once.
   */
  whenDurable(position: number, durable: () => void, keep?: () => void): void {
    if (position <= this.from) return durable();
    keep?.();
    this.#waiting.push({ position, durable });
  }
}
