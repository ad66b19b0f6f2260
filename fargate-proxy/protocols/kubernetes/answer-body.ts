/** What of an answer's body is put on the tape, and when the client may have it. */
import { createHash, type Hash } from 'node:crypto';
import { Stream } from '#core/recording/format.ts';
import type { CallTape } from './call-tape.ts';

/** Hears every piece before the client has it. */
export interface BodyRecording {
  /** False: the session has to wait for the recorder. */
  heard(bytes: Uint8Array): boolean;
  over(): void;
}

export class FullRecording implements BodyRecording {
  readonly #records: CallTape;
  readonly #call: number;

  constructor(records: CallTape, call: number) {
    this.#records = records;
    this.#call = call;
  }

  heard(bytes: Uint8Array): boolean {
    return this.#records.body(Stream.target, this.#call, bytes);
  }

  over(): void {}
}

/** How many bytes there were, and their SHA-256. */
export class DigestRecording implements BodyRecording {
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

  over(): void {
    if (this.#bytes === 0) return;
    const sha256 = this.#hash.digest('hex');
    this.#records.withheld(Stream.target, this.#call, { why: 'digest', bytes: this.#bytes, sha256 });
  }
}
