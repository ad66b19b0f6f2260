import { createHash, type Hash } from 'node:crypto';
import type { SeenBytes } from '#core/tasks/seen.ts';

/** Digest and number of a stream's bytes. */
export class Counted {
  readonly #hash: Hash = createHash('sha256');
  readonly #tap: ((bytes: Uint8Array) => void) | undefined;
  #bytes = 0;

  constructor(tap?: (bytes: Uint8Array) => void) {
    this.#tap = tap;
  }

  take(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    this.#tap?.(bytes);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Up to here. */
  seen(): SeenBytes {
    return { sha256: this.#hash.copy().digest('hex'), bytes: this.#bytes };
  }
}
