import { withheldOf } from '#core/protocols/ssh/auth/withheld.ts';
import { Stream, type StreamNumber } from '#core/recording/format.ts';
import type { SessionTape } from '../../recorder/tapes.ts';

/** Messages of user authentication are recorded; what comes before it is the transport's (RFC 4250 section 4.1.2). */
const FIRST = 50;
const LAST = 79;

interface Said {
  readonly stream: StreamNumber;
  readonly bytes: Uint8Array;
  readonly withheld: boolean;
}

/**
 * What client and gateway said to each other before the login was over, kept until there is a tape. Secrets never enter it: they
 * stand there as so many zeros, marked withheld (security case 15).
 */
export class LoginTranscript {
  #said: Said[] = [];
  #tape: SessionTape | undefined;

  client(payload: Uint8Array): void {
    if (!isAuthentication(payload)) return;
    const { from, to } = withheldOf(payload) ?? { from: payload.length, to: payload.length };
    this.#keep(Stream.client, Buffer.concat([lengthOf(payload), payload.subarray(0, from)]));
    if (to > from) this.#keep(Stream.client, new Uint8Array(to - from), true);
    if (to < payload.length) this.#keep(Stream.client, Uint8Array.from(payload.subarray(to)));
  }

  gateway(payload: Uint8Array): void {
    if (isAuthentication(payload)) this.#keep(Stream.gateway, Buffer.concat([lengthOf(payload), payload]));
  }

  /** Onto the tape, as will all that follows. */
  playOnto(tape: SessionTape): void {
    this.#tape = tape;
    const said = this.#said;
    this.#said = [];
    for (const one of said) record(tape, one);
  }

  #keep(stream: StreamNumber, bytes: Uint8Array, withheld = false): void {
    const said = { stream, bytes, withheld };
    if (this.#tape === undefined) this.#said.push(said);
    else record(this.#tape, said);
  }
}

function record(tape: SessionTape, { stream, bytes, withheld }: Said): void {
  if (withheld) tape.recordWithheld(stream, bytes.byteLength);
  else tape.record(stream, bytes, bytes.byteLength);
}

function isAuthentication([number = 0]: Uint8Array): boolean {
  return number >= FIRST && number <= LAST;
}

function lengthOf(payload: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length);
  return length;
}
