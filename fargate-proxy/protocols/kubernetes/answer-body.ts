/** What of a body is put on the tape, and when it may go on. */
import { createHash, type Hash } from 'node:crypto';
import type { BodyWithholder } from '#core/protocols/kubernetes/bodies/withhold.ts';
import type { Withheld } from '#core/protocols/kubernetes/tape.ts';
import { Stream, type StreamNumber } from '#core/recording/format.ts';
import type { CallTape } from './call-tape.ts';

/** Hears every piece before the client has it. */
export interface BodyRecording {
  /** False: the session has to wait for the recorder. So of `over`. */
  heard(bytes: Uint8Array): boolean;
  over(): boolean;
  /** Bytes heard that nothing on the tape stands for yet: the client may not have them. */
  readonly pending: number;
}

export class FullRecording implements BodyRecording {
  readonly pending = 0;
  readonly #records: CallTape;
  readonly #call: number;

  constructor(records: CallTape, call: number) {
    this.#records = records;
    this.#call = call;
  }

  heard(bytes: Uint8Array): boolean {
    return this.#records.body(Stream.target, this.#call, bytes);
  }

  over(): boolean {
    return true;
  }
}

/** How many bytes there were, and their SHA-256. */
export class DigestRecording implements BodyRecording {
  /** What a digest is of is known at the end alone. */
  readonly pending = 0;
  readonly #records: CallTape;
  readonly #call: number;
  readonly #hash: Hash = createHash('sha256');
  #bytes = 0;

  constructor(records: CallTape, call: number) {
    this.#records = records;
    this.#call = call;
  }

  heard(bytes: Uint8Array): boolean {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    return true;
  }

  over(): boolean {
    if (this.#bytes === 0) return true;
    const sha256 = this.#hash.digest('hex');
    return this.#records.withheld(Stream.target, this.#call, { why: 'digest', bytes: this.#bytes, sha256 });
  }
}

/** The same with marks in the place of secrets, or how many bytes there were. */
export class WithheldRecording implements BodyRecording {
  readonly #records: CallTape;
  readonly #stream: StreamNumber;
  readonly #call: number;
  readonly #withholder: BodyWithholder;

  constructor(records: CallTape, stream: StreamNumber, call: number, withholder: BodyWithholder) {
    this.#records = records;
    this.#stream = stream;
    this.#call = call;
    this.#withholder = withholder;
  }

  get pending(): number {
    return this.#withholder.pending;
  }

  heard(bytes: Uint8Array): boolean {
    return this.#write(this.#withholder.push(bytes));
  }

  over(): boolean {
    return this.#write(this.#withholder.end());
  }

  #write(all: readonly Withheld[]): boolean {
    let keepsUp = true;
    for (const withheld of all) keepsUp = this.#records.withheld(this.#stream, this.#call, withheld);
    return keepsUp;
  }
}
