interface Batch {
  readonly firstSlab: number;
  readonly slabs: number;
  /** When the oldest frame in it may have been recorded. */
  readonly sinceMs: number;
}

/** What of one tape the recorder stores in its own time, behind everybody else's, and who waits for that. */
export class Behind {
  readonly #batches: Batch[] = [];
  readonly #waiting: { readonly slab: number; readonly durable: () => void }[] = [];
  #slabs = 0;

  get isNone(): boolean {
    return this.#batches.length === 0;
  }

  /** When the oldest frame that is not durable was recorded; never, where there is none. */
  get sinceMs(): number {
    return this.#batches[0]?.sinceMs ?? Number.POSITIVE_INFINITY;
  }

  /** In how many slabs such frames were. */
  get slabs(): number {
    return this.#slabs;
  }

  add(batch: Batch): void {
    this.#batches.push(batch);
    this.#slabs += batch.slabs;
  }

  /** The oldest of what was added is durable. */
  caughtUp(): void {
    const batch = this.#batches.shift();
    if (batch === undefined) return;
    this.#slabs -= batch.slabs;
    while (this.#waiting.length > 0 && !this.#holds(this.#waiting[0]!.slab)) this.#waiting.shift()!.durable();
  }

  /**
   * Calls `durable` once all of the tape's is that was recorded into this slab or before it. In the order of the slabs. `keep` is called
   * first where that is not at once.
   */
  whenDurable(slab: number, durable: () => void, keep?: () => void): void {
    if (!this.#holds(slab)) return durable();
    keep?.();
    this.#waiting.push({ slab, durable });
  }

  #holds(slab: number): boolean {
    return !this.isNone && this.#batches[0]!.firstSlab <= slab;
  }
}
