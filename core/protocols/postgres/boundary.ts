const HEADER_BYTES = 5;

/**
 * Knows whether a stream of typed messages stands between two of them, for the relay's hot path: it reads headers and
 * steps over bodies, allocates nothing and never throws.
 */
export class MessageBoundary {
  /** The type byte of the last message begun; 0 before the first. */
  lastType = 0;
  /** A length no message can have was seen: nothing after it can be framed. */
  broken = false;
  #body = 0;
  #headerFill = 0;
  #length = 0;

  /** Between two messages: all that began has ended. */
  get atBoundary(): boolean {
    return this.#body === 0 && this.#headerFill === 0 && !this.broken;
  }

  /** Bytes that are known to be missing from the current message; inside a header, those of the header. */
  get remaining(): number {
    return this.#headerFill > 0 ? HEADER_BYTES - this.#headerFill : this.#body;
  }

  /** Takes the first `length` bytes of `chunk`. */
  advance(chunk: Uint8Array, length: number): void {
    let at = this.#headerFill > 0 ? this.#finishHeader(chunk, 0, length) : 0;
    if (this.broken) return;
    at += this.#body;
    this.#body = 0;
    while (at + HEADER_BYTES <= length) {
      const claimed =
        (chunk[at + 1]! << 24) | (chunk[at + 2]! << 16) | (chunk[at + 3]! << 8) | chunk[at + 4]!;
      this.lastType = chunk[at]!;
      if (claimed < 4) {
        this.broken = true;
        return;
      }
      at += claimed + 1;
    }
    this.#body = at > length ? at - length : 0;
    if (at < length) this.#finishHeader(chunk, at, length);
  }

  /** Byte by byte through a header that a chunk's border cuts. Returns where it stopped. */
  #finishHeader(chunk: Uint8Array, from: number, length: number): number {
    let at = from;
    for (; at < length && this.#headerFill < HEADER_BYTES; at++) {
      if (this.#headerFill === 0) this.lastType = chunk[at]!;
      else this.#length = (this.#length << 8) | chunk[at]!;
      this.#headerFill++;
    }
    if (this.#headerFill === HEADER_BYTES) this.#beginBody();
    return at;
  }

  #beginBody(): void {
    if (this.#length < 4) this.broken = true;
    else this.#body = this.#length - 4;
    this.#headerFill = 0;
    this.#length = 0;
  }
}
