import { gunzip } from '#core/protocols/kubernetes/bodies/gunzip.ts';
import type { Withheld } from '../../tape.ts';
import type { BodyRead, Inflate } from '../read.ts';
import type { BodyValue } from '../value.ts';
import { countOf, piecesOf } from './pieces.ts';

/** Of one call. The API server takes 3 MiB; a list that is longer is not shown. */
export const HELD_MAX_BYTES = 4 << 20;

/** One object, list or patch, which can be read at its end. One that is too long is counted. */
export class WholeBody {
  readonly #read: (bytes: Uint8Array, inflate: Inflate) => BodyRead;
  readonly #marked: (value: BodyValue) => BodyValue;
  #held: Uint8Array[] = [];
  #isTooLong = false;
  #pending = 0;

  constructor(
    read: (bytes: Uint8Array, inflate: Inflate) => BodyRead,
    marked: (value: BodyValue) => BodyValue,
  ) {
    this.#read = read;
    this.#marked = marked;
  }

  get pending(): number {
    return this.#pending;
  }

  push(bytes: Uint8Array): readonly Withheld[] {
    this.#pending += bytes.length;
    if (!this.#isTooLong && this.#pending <= HELD_MAX_BYTES) {
      // What was pushed may be a reader's buffer, which is used again; slice() of a Buffer would be no copy.
      this.#held.push(new Uint8Array(bytes));
      return [];
    }
    this.#isTooLong = true;
    this.#held = [];
    return countOf(this.#take());
  }

  end(): readonly Withheld[] {
    const bytes = joined(this.#held, this.#pending);
    this.#held = [];
    return bytes.length === 0 ? [] : piecesOf(this.#take(), this.#read(bytes, gunzip), this.#marked);
  }

  #take(): number {
    const pending = this.#pending;
    this.#pending = 0;
    return pending;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
