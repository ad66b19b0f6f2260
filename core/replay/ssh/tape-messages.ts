/** FORMAT.md: the messages of one stream, cut anywhere by its frames. */
import { readUint32 } from '#core/protocols/ssh/wire.ts';
import type { Range } from '../tally.ts';

export interface TapeMessage {
  readonly payload: Uint8Array;
  /** Bytes of the payload that stand as zeros. */
  readonly withheld: readonly Range[];
}

const LENGTH = 4;
/** A frame that is cut more often than anybody cuts: what follows counts as withheld as a whole. */
const RANGES_MAX = 4096;

/** Puts messages together. `lost`: a length that no message has; nothing after it can be read. */
export class TapeMessages {
  readonly #most: number;
  readonly #length = new Uint8Array(LENGTH);
  #lengthHas = 0;
  #payload: Uint8Array | undefined;
  #has = 0;
  #withheld: Range[] = [];
  lost = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** A message is not whole. */
  get incomplete(): boolean {
    return !this.lost && (this.#lengthHas > 0 || this.#payload !== undefined);
  }

  /** Messages that are whole now. */
  *take(bytes: Uint8Array, withheld: boolean): Generator<TapeMessage> {
    let at = 0;
    while (at < bytes.length && !this.lost) {
      if (this.#payload === undefined) {
        at = this.#takeLength(bytes, at);
        if (this.#lengthHas < LENGTH) return;
        this.#begin();
        if (this.lost) return;
      }
      const most = Math.min(bytes.length - at, this.#payload!.length - this.#has);
      this.#add(bytes.subarray(at, at + most), withheld);
      at += most;
      if (this.#has === this.#payload!.length) yield this.#done();
    }
  }

  #takeLength(bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length && this.#lengthHas < LENGTH) this.#length[this.#lengthHas++] = bytes[at++]!;
    return at;
  }

  #begin(): void {
    const length = readUint32(this.#length, 0);
    if (length === 0 || length > this.#most) this.lost = true;
    else this.#payload = new Uint8Array(length);
    this.#has = 0;
  }

  #add(bytes: Uint8Array, withheld: boolean): void {
    this.#payload!.set(bytes, this.#has);
    if (withheld && bytes.length > 0) this.#addWithheld(this.#has, this.#has + bytes.length);
    this.#has += bytes.length;
  }

  #addWithheld(from: number, to: number): void {
    const last = this.#withheld.at(-1);
    const joins = last !== undefined && (last.to === from || this.#withheld.length === RANGES_MAX);
    if (joins) this.#withheld[this.#withheld.length - 1] = { from: last.from, to };
    else this.#withheld.push({ from, to });
  }

  #done(): TapeMessage {
    const message = { payload: this.#payload!, withheld: this.#withheld };
    this.#payload = undefined;
    this.#lengthHas = 0;
    this.#withheld = [];
    return message;
  }
}
