import {
  type Cut,
  RECORD_HEADER_BYTES,
  RECORD_MAX_PAYLOAD,
  Record,
  type RecordType,
  writeRecordHeader,
} from '#core/protocols/kubernetes/tape.ts';
import { Stream, type StreamNumber } from '#core/recording/format.ts';
import type { SessionTape } from '../../recorder/tapes.ts';
import type { RelayTape } from '../../relay.ts';

/** Payloads up to this length are copied behind their header and recorded as one frame; of longer ones the copy costs more than a second frame. */
const SMALL = 2048;

/** The session's tape, as the relay of one upgraded call sees it: what is recorded becomes `stream` records of the call. */
export class StreamTape implements RelayTape {
  readonly #tape: SessionTape;
  readonly #call: number;
  readonly #scratch = Buffer.allocUnsafeSlow(RECORD_HEADER_BYTES + SMALL);
  #onWait: () => void = () => undefined;

  constructor(tape: SessionTape, call: number) {
    this.#tape = tape;
    this.#call = call;
  }

  get durability(): SessionTape['durability'] {
    return this.#tape.durability;
  }

  get slab(): number {
    return this.#tape.slab;
  }

  /** Hot. */
  record(stream: StreamNumber, bytes: Uint8Array, length: number): boolean {
    if (length <= SMALL || length > RECORD_MAX_PAYLOAD)
      return this.#write(stream, Record.stream, bytes.subarray(0, length));
    writeRecordHeader(this.#scratch, Record.stream, this.#call, length);
    this.#tape.record(stream, this.#scratch, RECORD_HEADER_BYTES);
    return this.#tape.record(stream, bytes, length);
  }

  /** This side sends no more. */
  end(side: 'client' | 'target'): void {
    this.#write(Stream[side], Record.streamEnd, new Uint8Array());
  }

  /** The call ended before its time. */
  cut(cut: Cut): void {
    this.#write(Stream.gateway, Record.cut, Buffer.from(JSON.stringify(cut)));
  }

  note(fact: { readonly note: string } & Readonly<{ [name: string]: unknown }>): void {
    this.#tape.note({ ...fact, call: this.#call });
  }

  whenCaughtUp(resume: () => void): void {
    this.#tape.whenCaughtUp(resume);
  }

  whenDurable(durable: () => void): void {
    this.#tape.whenDurable(durable);
  }

  onWait(wait: () => void): void {
    this.#onWait = wait;
  }

  /** The recorder is behind. */
  wait(): void {
    this.#onWait();
  }

  #write(stream: StreamNumber, type: RecordType, bytes: Uint8Array): boolean {
    let keepsUp = true;
    for (let at = 0; at === 0 || at < bytes.length; at += SMALL) {
      const part = bytes.subarray(at, at + SMALL);
      writeRecordHeader(this.#scratch, type, this.#call, part.length);
      this.#scratch.set(part, RECORD_HEADER_BYTES);
      keepsUp = this.#tape.record(stream, this.#scratch, RECORD_HEADER_BYTES + part.length);
    }
    return keepsUp;
  }
}
