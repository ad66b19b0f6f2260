import { HELD_MAX_BYTES } from './whole-body.ts';

/** Bytes of a part that is not whole yet. Grows by doubling, so that a part that comes byte by byte costs what it is long. */
export class Held {
  #bytes = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** False where it would be too long: nothing was added then. */
  add(bytes: Uint8Array): boolean {
    const length = this.#length + bytes.length;
    if (length > HELD_MAX_BYTES) return false;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
    return true;
  }

  /** All of it, which is good until the next `add`. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return bytes;
  }
}
