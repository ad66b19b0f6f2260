/** What the client sent, cut where its messages begin. */
import { readInt32 } from '#core/protocols/postgres/wire.ts';

const HEADER_BYTES = 5;

/** Bytes of one message: all of it, or as much as came at once. */
export interface Piece {
  /** Which message of the session it is of, from 1. */
  readonly message: number;
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Chunks in, pieces out, without a byte lost or changed: also of what is no message. */
export class MessageCuts {
  #message = 0;
  #type = 0;
  #header: Uint8Array = new Uint8Array(0);
  #left = 0;
  /** A length that no message has: nothing after it can be cut. */
  #isBroken = false;

  /** The message that came last. */
  get message(): number {
    return this.#message;
  }

  *push(chunk: Uint8Array): Generator<Piece> {
    for (let rest = chunk; rest.length > 0; ) {
      if (this.#isBroken) return yield this.#piece(rest);
      if (this.#left > 0) {
        const bytes = rest.subarray(0, this.#left);
        rest = rest.subarray(bytes.length);
        this.#left -= bytes.length;
        yield this.#piece(bytes);
      } else rest = yield* this.#begin(rest);
    }
  }

  /** Of a header that never was whole. */
  *rest(): Generator<Piece> {
    const bytes = this.#header;
    this.#header = new Uint8Array(0);
    if (bytes.length > 0) yield { message: this.#message + 1, type: bytes[0]!, bytes };
  }

  *#begin(chunk: Uint8Array): Generator<Piece, Uint8Array> {
    const missing = HEADER_BYTES - this.#header.length;
    const header = Buffer.concat([this.#header, chunk.subarray(0, missing)]);
    this.#header = header;
    if (header.length < HEADER_BYTES) return new Uint8Array(0);
    const length = readInt32(header, 1);
    this.#isBroken = length < 4;
    this.#left = Math.max(0, length - 4);
    this.#type = header[0]!;
    this.#message++;
    this.#header = new Uint8Array(0);
    yield this.#piece(header);
    return chunk.subarray(missing);
  }

  #piece(bytes: Uint8Array): Piece {
    return { message: this.#message, type: this.#type, bytes };
  }
}
