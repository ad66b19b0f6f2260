/** Times are kept this far apart: what is said to be older may be so much younger. */
const STEP_MS = 4;

interface Mark {
  readonly from: number;
  readonly sinceMs: number;
}

/** When the oldest of what is not durable was recorded. Positions count the bytes of all records since the start. */
export class Backlog {
  readonly #marks: Mark[] = [];
  #markedMs = 0;
  #end = 0;
  #durable = 0;

  /** Everything before it is durable. */
  get durable(): number {
    return this.#durable;
  }

  get bytes(): number {
    return this.#end - this.#durable;
  }

  /** Never, where all is durable. */
  get sinceMs(): number {
    return this.#marks[0]?.sinceMs ?? Number.POSITIVE_INFINITY;
  }

  /** Something was recorded up to the position `end`. Hot. */
  add(end: number, nowMs: number): void {
    if (this.#marks.length === 0 || nowMs - this.#markedMs >= STEP_MS) {
      this.#marks.push({ from: this.#end, sinceMs: nowMs });
      this.#markedMs = nowMs;
    }
    this.#end = end;
  }

  /** So many bytes more are durable. */
  becomesDurable(bytes: number): void {
    this.#durable += bytes;
    if (this.bytes === 0) this.#marks.length = 0;
    while (this.#marks.length > 1 && this.#marks[1]!.from <= this.#durable) this.#marks.shift();
  }
}
