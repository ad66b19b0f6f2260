import { createHash } from 'node:crypto';
import { shown } from './shown.ts';
import type { Shown } from './step.ts';

/** Data of one direction. */
export interface ShownData {
  readonly bytes: number;
  /** Of all of it; absent where bytes are withheld, or are not in the recording. */
  readonly sha256?: string;
  /** The beginning, as UTF-8; what is not stands as `\xNN`. */
  readonly sample: Shown;
  /** Bytes that stand as zeros in the recording. */
  readonly withheld?: number;
}

/** Bytes that stand as zeros. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What passed in one direction: how much, its digest, its beginning. */
export class Tally {
  readonly #most: number;
  readonly #hash = createHash('sha256');
  /** Grows: pieces may be of a byte each. */
  #kept = new Uint8Array(0);
  #keptBytes = 0;
  #withheld = 0;
  bytes = 0;

  /** `most`: bytes of the beginning. */
  constructor(most: number) {
    this.#most = most;
  }

  add(bytes: Uint8Array, withheld: readonly Range[] = []): void {
    this.bytes += bytes.length;
    this.#withheld += withheld.reduce((sum, { from, to }) => sum + to - from, 0);
    if (this.#withheld === 0) this.#hash.update(bytes);
    if (this.#keptBytes < this.#most) this.#keep(bytes.subarray(0, this.#most - this.#keptBytes));
  }

  /** Undefined where nothing passed. */
  shown(): ShownData | undefined {
    if (this.bytes === 0) return undefined;
    const sample = shown(this.#kept.subarray(0, this.#keptBytes), this.#most, this.bytes);
    if (this.#withheld > 0) return { bytes: this.bytes, sample, withheld: this.#withheld };
    return { bytes: this.bytes, sha256: this.#hash.digest('hex'), sample };
  }

  #keep(bytes: Uint8Array): void {
    const needed = this.#keptBytes + bytes.length;
    if (needed > this.#kept.length) {
      const wider = new Uint8Array(Math.min(this.#most, Math.max(needed, 2 * this.#kept.length)));
      wider.set(this.#kept.subarray(0, this.#keptBytes));
      this.#kept = wider;
    }
    this.#kept.set(bytes, this.#keptBytes);
    this.#keptBytes = needed;
  }
}
