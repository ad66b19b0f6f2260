import type { StreamPart, StreamParts } from './event-body.ts';
import { Held } from './held.ts';

const NEWLINE = 10;

/** Events in JSON: one a line. */
export class Lines implements StreamParts {
  readonly #held = new Held();
  #isTooLong = false;

  get pending(): number {
    return this.#held.length;
  }

  drop(): number {
    return this.#held.take().length;
  }

  *push(bytes: Uint8Array): Generator<StreamPart> {
    for (let at = 0; at < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline < 0 ? bytes.length : newline + 1;
      yield* this.#add(bytes.subarray(at, end), newline >= 0);
      at = end;
    }
  }

  *#add(part: Uint8Array, isEnd: boolean): Generator<StreamPart> {
    if (this.#isTooLong || !this.#held.add(part)) {
      const bytes = this.#held.take().length + part.length;
      this.#isTooLong = !isEnd;
      yield { content: undefined, bytes };
    } else if (isEnd) {
      const content = this.#held.take();
      yield { content, bytes: content.length };
    }
  }
}
