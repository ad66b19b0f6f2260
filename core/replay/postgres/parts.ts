import { violation } from '#core/protocols/postgres/wire.ts';
import type { CutValue } from './values.ts';

/** Reads a message part by part; it stops where bytes are missing, and goes on when they have come. */
export type Reading<Result = void> = Generator<undefined, Result, undefined>;

const EMPTY = new Uint8Array(0);
const FIRST_ROOM = 256;

/** A part that is being kept. What holds it sees it grow. */
interface Growing {
  bytes: Uint8Array;
  length: number;
}

/** A part of which nothing has come. */
export function nothingYet(): Growing {
  return { bytes: EMPTY, length: 0 };
}

/**
 * The parts of one message, however it comes: of each the first bytes are kept, as long as the budget of the message lasts,
 * and all are counted. Reads throw `protocol-violation` beyond the length that the message says it has.
 */
export class Parts {
  /** Bytes of the message that were not read yet, whether they came or not. */
  left: number;
  readonly #copies: boolean;
  #budget: number;
  #chunk: Uint8Array = EMPTY;
  /** How much of the chunk was read. */
  #at = 0;

  /** `copies`: the chunks do not last. */
  constructor(length: number, budget: number, copies: boolean) {
    this.left = length;
    this.#budget = budget;
    this.#copies = copies;
  }

  /** The next bytes; what was there before has been read. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  *byte(): Reading<number> {
    return (yield* this.#number(1)) & 0xff;
  }

  *int16(): Reading<number> {
    return ((yield* this.#number(2)) << 16) >> 16;
  }

  /** As `Cursor.count`: unsigned. */
  *count(): Reading<number> {
    return (yield* this.#number(2)) & 0xffff;
  }

  *int32(): Reading<number> {
    return (yield* this.#number(4)) | 0;
  }

  *uint32(): Reading<number> {
    return (yield* this.#number(4)) >>> 0;
  }

  /** `length` bytes, of which at most `limit` are kept, into `part`. */
  *bytes(part: Growing, length: number, limit: number): Reading {
    if (length < 0 || length > this.left) throw violation('a message is shorter than it says');
    for (let missing = length; missing > 0; ) {
      while (this.#at === this.#chunk.length) yield;
      const piece = this.#take(Math.min(missing, this.#chunk.length - this.#at));
      this.#keep(part, piece, limit);
      missing -= piece.length;
    }
  }

  /**
   * A value with its length before it, as `readValue` reads it, where all of it has come; else nothing is read. Most of what is recorded
   * are rows, and most of them come whole.
   */
  wholeValue(limit: number): Growing | null | undefined {
    const there = Math.min(this.#chunk.length - this.#at, this.left);
    if (there < 4) return undefined;
    const [chunk, at] = [this.#chunk, this.#at];
    const length = (chunk[at]! << 24) | (chunk[at + 1]! << 16) | (chunk[at + 2]! << 8) | chunk[at + 3]!;
    if (length < -1 || length > there - 4) return undefined;
    this.#pass(4);
    if (length === -1) return null;
    const value = nothingYet();
    value.length = length;
    if (length > 0) this.#keep(value, this.#take(length), limit);
    return value;
  }

  /** Bytes up to a NUL, which is read too. `part.length` counts what has come. */
  *string(limit: number, part: Growing = nothingYet()): Reading<CutValue> {
    for (;;) {
      if (this.left === 0) throw violation('a string in a message has no end');
      while (this.#at === this.#chunk.length) yield;
      const end = this.#chunk.indexOf(0, this.#at);
      const piece = this.#take((end === -1 ? this.#chunk.length : end) - this.#at);
      part.length += piece.length;
      this.#keep(part, piece, limit);
      if (end === -1) continue;
      this.#pass(1);
      return part;
    }
  }

  /** Whatever is left, into `part`. `part.length` counts what has come. */
  *rest(part: Growing, limit: number): Reading {
    while (this.left > 0) {
      while (this.#at === this.#chunk.length) yield;
      const piece = this.#take(this.#chunk.length - this.#at);
      part.length += piece.length;
      this.#keep(part, piece, limit);
    }
  }

  *#number(size: number): Reading<number> {
    if (size > this.left) throw violation('a message is shorter than it says');
    let value = 0;
    for (let missing = size; missing > 0; missing--) {
      while (this.#at === this.#chunk.length) yield;
      value = (value << 8) | this.#chunk[this.#at]!;
      this.#pass(1);
    }
    return value;
  }

  #take(length: number): Uint8Array {
    const taken = this.#chunk.subarray(this.#at, this.#at + length);
    this.#pass(length);
    return taken;
  }

  #pass(length: number): void {
    this.#at += length;
    this.left -= length;
  }

  #keep(part: Growing, piece: Uint8Array, limit: number): void {
    const kept = piece.subarray(0, Math.max(0, Math.min(limit - part.bytes.length, this.#budget)));
    if (kept.length === 0) return;
    this.#budget -= kept.length;
    part.bytes = part.bytes.length === 0 && !this.#copies ? kept : appended(part.bytes, kept, limit);
  }
}

/** `bytes` and then `more`, in room that grows with what is there. */
function appended(bytes: Uint8Array, more: Uint8Array, limit: number): Uint8Array {
  const length = bytes.length + more.length;
  const room = bytes.buffer.byteLength - bytes.byteOffset;
  const owned = bytes.byteOffset === 0 && room >= length && bytes.length > 0;
  const into = owned
    ? new Uint8Array(bytes.buffer)
    : grown(bytes, Math.min(limit, Math.max(length, bytes.length * 2, FIRST_ROOM)));
  into.set(more, bytes.length);
  return into.subarray(0, length);
}

function grown(bytes: Uint8Array, room: number): Uint8Array {
  const into = new Uint8Array(room);
  into.set(bytes);
  return into;
}
