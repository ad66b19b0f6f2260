import type { StreamPart, StreamParts } from './event-body.ts';
import { Held } from './held.ts';
import { HELD_MAX_BYTES } from './whole-body.ts';

const HEADER_BYTES = 4;

/** Events in protobuf: each behind its length, as a big-endian uint32. */
export class Frames implements StreamParts {
  readonly #held = new Held();
  #header: Uint8Array | undefined;
  /** Of a frame that is too long. */
  #left = 0;

  get pending(): number {
    return this.#held.length;
  }

  drop(): number {
    return this.#held.take().length;
  }

  *push(bytes: Uint8Array): Generator<StreamPart> {
    for (let at = 0; at < bytes.length; ) {
      const wanted = this.#left > 0 ? this.#left : this.#wanted();
      const part = bytes.subarray(at, at + wanted);
      at += part.length;
      if (this.#left > 0) {
        this.#left -= part.length;
        yield { content: undefined, bytes: part.length };
      } else {
        this.#held.add(part);
        yield* this.#whole();
      }
    }
  }

  /** Bytes to the end of the header, and then of the frame. */
  #wanted(): number {
    if (this.#header === undefined) return HEADER_BYTES - this.#held.length;
    return HEADER_BYTES + lengthIn(this.#header) - this.#held.length;
  }

  *#whole(): Generator<StreamPart> {
    if (this.#header === undefined && this.#held.length === HEADER_BYTES) {
      this.#header = this.#held.take();
      const length = lengthIn(this.#header);
      if (length + HEADER_BYTES > HELD_MAX_BYTES) {
        this.#left = length;
        this.#header = undefined;
        yield { content: undefined, bytes: HEADER_BYTES };
        return;
      }
      this.#held.add(this.#header);
    }
    if (this.#header === undefined || this.#wanted() > 0) return;
    const frame = this.#held.take();
    this.#header = undefined;
    yield { content: frame.subarray(HEADER_BYTES), bytes: frame.length };
  }
}

function lengthIn(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset, HEADER_BYTES).getUint32(0);
}
