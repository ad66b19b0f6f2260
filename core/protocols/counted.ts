import { createHash, type Hash } from 'node:crypto';
import type { SeenBytes } from '#core/tasks/seen.ts';

/** Digest and number of a stream's bytes, and its beginning. */
export class Counted {
  readonly #hash: Hash = createHash('sha256');
  readonly #keeps: number;
  #first: Buffer = Buffer.alloc(0);
  #bytes = 0;

  /** `keeps`: how many of the first bytes. */
  constructor(keeps = 0) {
    this.#keeps = keeps;
  }

  take(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    const room = this.#keeps - this.#first.length;
    if (room > 0) this.#first = Buffer.concat([this.#first, bytes.subarray(0, room)]);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get first(): Uint8Array {
    return this.#first;
  }

  /** Up to here. */
  seen(): SeenBytes {
    return { sha256: this.#hash.copy().digest('hex'), bytes: this.#bytes };
  }
}
