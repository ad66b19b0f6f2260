import { BODY_MAX_DEPTH } from '../value.ts';
import type { StreamPart, StreamParts } from './event-body.ts';
import { Held } from './held.ts';

/** Events in CBOR: items one after the other (RFC 8742). Only where each ends is looked at here. */
export class CborItems implements StreamParts {
  readonly #held = new Held();
  /** How many items are still to come, of each list, map and tag that is open. */
  #open: number[] = [1];
  /** Of a text: what is left of it. */
  #skip = 0;
  #header: number[] = [];
  /** What cannot be followed, or is too long to hold, is counted to the end of the stream: no later item has a known beginning. */
  #isLost = false;

  get pending(): number {
    return this.#held.length;
  }

  drop(): number {
    return this.#held.take().length;
  }

  *push(bytes: Uint8Array): Generator<StreamPart> {
    let start = 0;
    for (let at = 0; at < bytes.length && !this.#isLost; ) {
      at += this.#advance(bytes, at);
      if (!this.#isWhole) continue;
      yield* this.#add(bytes.subarray(start, at), true);
      this.#open = [1];
      start = at;
    }
    if (start < bytes.length) yield* this.#add(bytes.subarray(start), false);
  }

  get #isWhole(): boolean {
    return this.#open.length === 0 && this.#skip === 0 && this.#header.length === 0;
  }

  *#add(part: Uint8Array, isEnd: boolean): Generator<StreamPart> {
    if (this.#isLost || !this.#held.add(part)) {
      this.#isLost = true;
      yield { content: undefined, bytes: this.#held.take().length + part.length };
    } else if (isEnd) {
      const content = this.#held.take();
      yield { content, bytes: content.length };
    }
  }

  /** Returns how many bytes it went over. */
  #advance(bytes: Uint8Array, at: number): number {
    if (this.#skip > 0) {
      const length = Math.min(this.#skip, bytes.length - at);
      this.#skip -= length;
      return length;
    }
    this.#header.push(bytes[at]!);
    if (this.#header.length === 1 + argumentBytes(this.#header[0]!)) this.#begin();
    return 1;
  }

  #begin(): void {
    const [first, ...rest] = this.#header as [number, ...number[]];
    this.#header = [];
    const info = first & 31;
    if (info > 27) {
      this.#isLost = true;
      return;
    }
    const argument = info < 24 ? info : rest.reduce((sum, byte) => sum * 256 + byte, 0);
    this.#count();
    const major = first >> 5;
    if (major === 2 || major === 3) this.#skip = argument;
    else if (major === 4) this.#push(argument);
    else if (major === 5) this.#push(2 * argument);
    else if (major === 6) this.#push(1);
    this.#close();
  }

  /** An item has begun: one less is to come where it stands. */
  #count(): void {
    this.#open[this.#open.length - 1]! -= 1;
  }

  #push(items: number): void {
    this.#open.push(items);
    if (this.#open.length > 2 * BODY_MAX_DEPTH) this.#isLost = true;
  }

  #close(): void {
    while (this.#open.length > 0 && this.#open.at(-1) === 0) this.#open.pop();
  }
}

function argumentBytes(first: number): number {
  const info = first & 31;
  return info < 24 || info > 27 ? 0 : 1 << (info - 24);
}
