/** PostgreSQL within another session, as a connection that was forwarded. */
import { readInt32 } from '#core/protocols/postgres/wire.ts';
import type { CarriedProtocol, CarriedReading } from '../carried.ts';
import type { ReadStep } from '../reader.ts';
import { postgresReader } from './reader.ts';
import { postgresStepJson } from './shape.ts';
import { REPLAY_LIMITS, type ReplayLimits, type Step } from './step.ts';
import { SessionDecoder } from './steps.ts';

/** https://www.postgresql.org/docs/current/protocol-message-formats.html: SSLRequest and GSSENCRequest. */
const ASKS_ENCRYPTION: readonly number[] = [80877103, 80877104];
const PROTOCOL_3 = 196608;
const PACKET_BYTES = 8;
const STARTUP_MAX = 10_000;
const NO = 0x4e;

/** A session carries several, beside all else that it has. */
const LIMITS: ReplayLimits = { ...REPLAY_LIMITS, text: 32 << 10, answer: 128 << 10, memory: 16 << 20 };

export const carriedPostgres: CarriedProtocol = {
  protocol: 'postgres',
  reader: postgresReader,
  begins(first) {
    if (first.length < PACKET_BYTES) return undefined;
    const code = readInt32(first, 4);
    if (ASKS_ENCRYPTION.includes(code)) return readInt32(first, 0) === PACKET_BYTES;
    const length = readInt32(first, 0);
    return code >>> 16 === PROTOCOL_3 >>> 16 && length > PACKET_BYTES && length <= STARTUP_MAX;
  },
  open: () => new Carried(),
};

class Carried implements CarriedReading {
  readonly #decoder = new SessionDecoder(LIMITS);
  #first: Uint8Array = new Uint8Array(0);
  /** Encryption was asked for, and not answered yet. */
  #asked = 0;
  #isPlain = false;

  take(from: 'client' | 'target', bytes: Uint8Array, at: number): readonly ReadStep[] | undefined {
    if (this.#isPlain) return this.#read(from, bytes, at);
    if (from === 'client') return this.#begin(bytes, at);
    return this.#answered(bytes, at);
  }

  end(): readonly ReadStep[] {
    return this.#decoder
      .finish(undefined)
      .filter(({ kind }) => kind !== 'end')
      .map(readStep);
  }

  /** What asks for encryption is left out: its answer has no message's form. */
  #begin(bytes: Uint8Array, at: number): readonly ReadStep[] | undefined {
    this.#first = Buffer.concat([this.#first, bytes]);
    while (this.#first.length >= PACKET_BYTES && ASKS_ENCRYPTION.includes(readInt32(this.#first, 4))) {
      this.#first = this.#first.subarray(PACKET_BYTES);
      this.#asked += 1;
    }
    if (this.#first.length > STARTUP_MAX) return undefined;
    if (this.#first.length < PACKET_BYTES || this.#asked > 0) return [];
    this.#isPlain = true;
    return this.#read('client', this.#first, at);
  }

  #answered(bytes: Uint8Array, at: number): readonly ReadStep[] | undefined {
    const answers = bytes.subarray(0, this.#asked);
    if (answers.length === 0 || answers.some((byte) => byte !== NO)) return undefined;
    this.#asked -= answers.length;
    const rest = bytes.subarray(answers.length);
    const begun = this.#begin(new Uint8Array(0), at);
    return rest.length === 0 || begun === undefined ? begun : [...begun, ...this.#read('target', rest, at)];
  }

  #read(stream: 'client' | 'target', payload: Uint8Array, at: number): readonly ReadStep[] {
    return this.#decoder.take({ stream, withheld: false, timeUs: at, payload }).map(readStep);
  }
}

function readStep(step: Step): ReadStep {
  return postgresReader.ofJson(postgresStepJson(step));
}
