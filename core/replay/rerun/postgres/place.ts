/** Where in what the client sent a step of the recording is. */
import { CustodyError } from '#core/errors.ts';
import { Frontend } from '#core/protocols/postgres/messages.ts';
import { Budget } from '../../postgres/memory.ts';
import { readRecordedStartup } from '../../postgres/startup.ts';
import type { ReplayFrame } from '../../step.ts';
import type { Meanings } from './meaning.ts';
import { MessageCuts, type Piece } from './messages.ts';
import type { Place } from './participant.ts';
import { type Answered, Side } from './side.ts';

/** What belongs to a statement that was sent before. */
const BEHIND: ReadonlySet<number> = new Set([
  Frontend.copyData,
  Frontend.copyDone,
  Frontend.copyFail,
  Frontend.flush,
  Frontend.sync,
]);

/** Reads the recording. Rejects with `not-found` where it has no such step. */
export async function placeOf(
  frames: AsyncIterable<ReplayFrame>,
  step: number,
  meanings: Meanings,
): Promise<Place> {
  const search = new Search(step, meanings);
  for await (const frame of frames) search.take(frame);
  return search.place();
}

class Search {
  readonly #step: number;
  readonly #side: Side;
  readonly #cuts = new MessageCuts();
  #startup: Uint8Array | undefined = new Uint8Array(0);
  #sent = 0;
  #found: Answered | undefined;
  /** Types of messages: by their number, of which those of the last million count. */
  readonly #types: number[] = [];

  constructor(step: number, meanings: Meanings) {
    this.#step = step;
    this.#side = new Side(meanings, new Budget(0), (answered) => {
      // Steps by the way stand before it or behind it: the last answer up to it counts.
      if (answered.number <= step) this.#found = answered;
    });
  }

  take({ stream, payload }: ReplayFrame): void {
    if (stream !== 'client') return this.#side.take(stream, payload, this.#sent);
    for (const piece of this.#cuts.push(this.#afterStartup(payload))) this.#sends(piece);
  }

  place(): Place {
    this.#side.finish();
    const found = this.#found;
    if (found === undefined || this.#step > this.#side.steps)
      throw new CustodyError('not-found', `the recording has no step ${this.#step}`, {
        hint: `it has ${this.#side.steps}: custody play shows them`,
      });
    const message = Number(/^\d+/.exec(found.key)?.[0] ?? 0);
    let last = message;
    let hasSync =
      this.#types[message] === Frontend.query ||
      this.#types[message] === Frontend.functionCall ||
      message === 0;
    while (BEHIND.has(this.#types[last + 1] ?? 0)) {
      last++;
      hasSync ||= this.#types[last] === Frontend.sync;
    }
    return { step: this.#step, message: last, needsSync: !hasSync };
  }

  #sends({ message, type, bytes }: Piece): void {
    this.#sent = message;
    this.#types[message] = type;
    if (type !== Frontend.password) this.#side.take('client', bytes, message);
  }

  #afterStartup(payload: Uint8Array): Uint8Array {
    if (this.#startup === undefined) return payload;
    const bytes = Buffer.concat([this.#startup, payload]);
    const packet = readRecordedStartup(bytes);
    if (packet === undefined) {
      this.#startup = bytes;
      return new Uint8Array(0);
    }
    const rest = bytes.subarray(packet.byteLength);
    this.#startup = packet.kind === 'startup' ? undefined : new Uint8Array(0);
    if (packet.kind !== 'startup') return this.#afterStartup(rest);
    this.#side.take('client', bytes.subarray(0, packet.byteLength), 0);
    return rest;
  }
}
