/** As large as a read can be. Larger reads save system calls on bulk transfers; beyond this it no longer shows. */
const READ_BYTES = 256 << 10;
const BUMP_BYTES = 256 << 10;
/** Views up to this length are kept: small messages make no garbage. */
const CACHED_VIEWS = 4096;

/**
 * Memory that all relays of a thread share: a read is recorded and passed on before the next one happens, so one read
 * buffer serves every connection, and an idle connection owns none.
 */
export class RelayMemory {
  readonly read: Uint8Array = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #views: Uint8Array[] = [];
  #bump = new ArrayBuffer(BUMP_BYTES);
  #bumpUsed = 0;

  /** The first `length` bytes of the read buffer. Valid until the next read. */
  view(length: number): Uint8Array {
    if (length > CACHED_VIEWS) return this.#newView(length);
    return (this.#views[length] ??= this.#newView(length));
  }

  /** A copy of the first `length` bytes of the read buffer that stays as it is. */
  stableCopy(length: number): Uint8Array {
    if (length > BUMP_BYTES >> 2) return this.view(length).slice();
    if (this.#bumpUsed + length > BUMP_BYTES) {
      this.#bump = new ArrayBuffer(BUMP_BYTES);
      this.#bumpUsed = 0;
    }
    const copy = new Uint8Array(this.#bump, this.#bumpUsed, length);
    copy.set(this.view(length));
    this.#bumpUsed += length;
    return copy;
  }

  #newView(length: number): Uint8Array {
    return new Uint8Array(this.read.buffer, this.read.byteOffset, length);
  }
}
