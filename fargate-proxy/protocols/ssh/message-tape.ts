import type { Range } from '#core/protocols/ssh/channels/gated.ts';
import { writeUint32 } from '#core/protocols/ssh/wire.ts';
import { Stream, type StreamNumber } from '#core/recording/format.ts';
import type { SessionTape } from '../../recorder/tapes.ts';

/** Messages up to this length are copied behind their length and recorded as one frame; of longer ones the copy costs more than a second frame. */
const SMALL = 2048;

/** Puts messages on the tape, each behind its length: `uint32 length ‖ payload` (core/replay/ssh/FORMAT.md). Hot. */
export class MessageTape {
  readonly #tape: SessionTape;
  readonly #scratch = Buffer.allocUnsafeSlow(4 + SMALL);

  constructor(tape: SessionTape) {
    this.#tape = tape;
  }

  /** False: wait before reading on. */
  record(stream: StreamNumber, payload: Uint8Array): boolean {
    const { length } = payload;
    writeUint32(this.#scratch, 0, length);
    if (length > SMALL) {
      this.#tape.record(stream, this.#scratch, 4);
      return this.#tape.record(stream, payload, length);
    }
    this.#scratch.set(payload, 4);
    return this.#tape.record(stream, this.#scratch, 4 + length);
  }

  /** Zeros stand in place of the ranges, in frames of their own. */
  recordWithheld(stream: StreamNumber, payload: Uint8Array, withheld: readonly Range[]): boolean {
    writeUint32(this.#scratch, 0, payload.length);
    let keepsUp = this.#tape.record(stream, this.#scratch, 4);
    const plain = (bytes: Uint8Array): void => {
      if (bytes.length > 0) keepsUp = this.#tape.record(stream, bytes, bytes.length);
    };
    let at = 0;
    for (const { from, to } of withheld) {
      plain(payload.subarray(at, from));
      if (to > from) keepsUp = this.#tape.recordWithheld(stream, to - from);
      at = to;
    }
    plain(payload.subarray(at));
    return keepsUp;
  }

  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void {
    this.#tape.note(fact);
  }
}

export const STREAM_OF = { client: Stream.client, target: Stream.target } as const;
