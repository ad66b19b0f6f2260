/** Contents from here on come from and return to SegmentMemory. */
const LARGE = 64 << 10;
const SMALLEST = 1 << 10;
/** What SegmentMemory keeps for the next segments, in all. */
const SPARE_BYTES = 32 << 20;

/** Memory of large contents, used again: garbage of this size keeps V8's collector busy through every bulk transfer. */
export class SegmentMemory {
  readonly #spare = new Map<number, Buffer[]>();
  #spareBytes = 0;

  /** A buffer of `atLeast` bytes; its size is a power of two. */
  take(atLeast: number): Buffer {
    const size = Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(atLeast)));
    const spare = this.#spare.get(size)?.pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(size);
    this.#spareBytes -= size;
    return spare;
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
    this.#memory.give(this.#bytes);
  }

  /** The outgrown memory is left to the collector: a journal entry may still be on its way from it. */
  #grow(length: number): void {
    const larger = this.#memory.take(length + (length >>> 1));
    larger.set(this.from(0));
    this.#bytes = larger;
  }
}
