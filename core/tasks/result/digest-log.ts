import { createHash } from 'node:crypto';

const FIRST_ROOM = 64;

/** Digests of one size, in the order in which they came; the last can be taken away again. */
export class DigestLog {
  readonly #size: number;
  #bytes: Buffer;
  #length = 0;

  /** `size`: bytes of each. */
  constructor(size: number) {
    this.#size = size;
    this.#bytes = Buffer.alloc(FIRST_ROOM * size);
  }

  get length(): number {
    return this.#length;
  }

  push(hex: string): void {
    this.#makeRoom(1);
    this.#bytes.write(hex, this.#length * this.#size, this.#size, 'hex');
    this.#length += 1;
  }

  append(other: DigestLog): void {
    this.#makeRoom(other.#length);
    other.#bytes.copy(this.#bytes, this.#length * this.#size, 0, other.#length * this.#size);
    this.#length += other.#length;
  }

  removeLast(count: number): void {
    this.#length -= count;
  }

  /** In hexadecimal, sorted. */
  sorted(): Sorted {
    return new Sorted(this.#bytes.subarray(0, this.#length * this.#size), this.#size);
  }

  #makeRoom(more: number): void {
    const needed = (this.#length + more) * this.#size;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length * this.#size);
    this.#bytes = grown;
  }
}

const BUCKETS = 1 << 16;

/** Without a string for each of them at once: they are sorted in many small parts, by their first two bytes. */
class Sorted {
  readonly #bytes: Buffer;
  readonly #size: number;

  constructor(bytes: Buffer, size: number) {
    this.#bytes = bytes;
    this.#size = size;
  }

  *[Symbol.iterator](): Generator<string> {
    for (const bucket of this.#buckets()) yield* bucket.toSorted();
  }

  /** Each different one once. */
  *different(): Generator<string> {
    let last: string | undefined;
    for (const one of this) {
      if (one !== last) yield one;
      last = one;
    }
  }

  *#buckets(): Generator<string[]> {
    const count = this.#bytes.length / this.#size;
    const starts = new Uint32Array(BUCKETS + 1);
    for (let at = 0; at < count; at++) starts[this.#keyOf(at) + 1]! += 1;
    for (let bucket = 0; bucket < BUCKETS; bucket++) starts[bucket + 1]! += starts[bucket]!;
    const order = new Uint32Array(count);
    const next = starts.slice();
    for (let at = 0; at < count; at++) order[next[this.#keyOf(at)]!++] = at;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const some = order.subarray(starts[bucket], starts[bucket + 1]);
      if (some.length > 0) yield Array.from(some, (at) => this.#hexAt(at));
    }
  }

  #keyOf(at: number): number {
    return this.#bytes.readUInt16BE(at * this.#size);
  }

  #hexAt(at: number): string {
    return this.#bytes.toString('hex', at * this.#size, (at + 1) * this.#size);
  }
}

/** SHA-256 over digests in hexadecimal, each with a line feed. */
export function digestOfAll(digests: Iterable<string>): { readonly digest: string; readonly count: number } {
  const hash = createHash('sha256');
  let count = 0;
  for (const digest of digests) {
    hash.update(`${digest}\n`);
    count += 1;
  }
  return { digest: hash.digest('hex'), count };
}
