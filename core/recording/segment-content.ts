/** Contents from here on come from and return to SegmentMemory. */
const LARGE = 64 << 10;
const SMALLEST = 1 << 10;
/** Outgrown memory of this size comes from a bulk transfer, and the next of its segments needs it. */
const BULK = 1 << 20;
/** What SegmentMemory keeps for the next segments, in all. */
const SPARE_BYTES = 32 << 20;
/** A spare buffer may be so many times as large as it has to be: a new one costs more than memory that lies there anyway. */
const ROOMIEST = 4;

/** Memory of large contents, used again: V8 counts what is new, and would collect garbage all through a bulk transfer. */
export class SegmentMemory {
  readonly #spare = new Map<number, Buffer[]>();
  #spareBytes = 0;

  /** A buffer of `atLeast` bytes; its size is a power of two. */
  take(atLeast: number): Buffer {
    const size = Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(atLeast)));
    return this.#takeSpare(size) ?? Buffer.allocUnsafeSlow(size);
  }

  #takeSpare(atLeast: number): Buffer | undefined {
    if (atLeast < LARGE) return undefined;
    for (let size = atLeast; size <= atLeast * ROOMIEST; size *= 2) {
      const spare = this.#spare.get(size)?.pop();
      if (spare === undefined) continue;
      this.#spareBytes -= size;
      return spare;
    }
    return undefined;
  }

  /** Nobody reads it any more. */
  give(buffer: Buffer): void {
    const size = buffer.byteLength;
    if (size < LARGE || this.#spareBytes + size > SPARE_BYTES) return;
    const spares = this.#spare.get(size) ?? [];
    this.#spare.set(size, [...spares, buffer]);
    this.#spareBytes += size;
  }
}

/** The content of the segment being filled, in one piece. */
export class SegmentContent {
  readonly #memory: SegmentMemory;
  #bytes: Buffer;
  #length = 0;
  readonly #outgrown: Buffer[] = [];

  /** `expected`: bytes that it is likely to hold, such as what the segment before it held. */
  constructor(memory: SegmentMemory, expected: number) {
    this.#memory = memory;
    this.#bytes = memory.take(expected);
  }

  get length(): number {
    return this.#length;
  }

  /** Copies `part` behind what is there. */
  append(part: Uint8Array): void {
    const length = this.#length + part.byteLength;
    if (length > this.#bytes.byteLength) this.#grow(length);
    this.#bytes.set(part, this.#length);
    this.#length = length;
  }

  /** What was appended from `offset` on; stays as it is until `recycle`. */
  from(offset: number): Uint8Array {
    return this.#bytes.subarray(offset, this.#length);
  }

  /** Gives the memory back: nobody may read it any more. */
  recycle(): void {
    for (const bytes of [this.#bytes, ...this.#outgrown]) this.#memory.give(bytes);
  }

  /** Nobody else gets the outgrown memory before `recycle`: a journal entry may still be on its way from it. */
  #grow(length: number): void {
    const larger = this.#memory.take(length + (length >>> 1));
    larger.set(this.from(0));
    if (this.#bytes.byteLength >= BULK) this.#outgrown.push(this.#bytes);
    this.#bytes = larger;
  }
}
