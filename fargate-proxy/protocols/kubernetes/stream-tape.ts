import type { Cut } from '#core/protocols/kubernetes/tape.ts';
import { Stream, type StreamNumber } from '#core/recording/format.ts';
import type { SessionTape } from '../../recorder/tapes.ts';
import type { RelayTape } from '../../relay.ts';
import type { CallTape } from './call-tape.ts';

/** The session's tape, as the relay of one upgraded call sees it: what is recorded becomes `stream` records of the call. */
export class StreamTape implements RelayTape {
  readonly #records: CallTape;
  readonly #tape: SessionTape;
  readonly #call: number;
  #onWait: () => void = () => undefined;

  constructor(records: CallTape, call: number) {
    this.#records = records;
    this.#tape = records.tape;
    this.#call = call;
  }

  get durability(): SessionTape['durability'] {
    return this.#tape.durability;
  }

  get position(): number {
    return this.#tape.position;
  }

  get durable(): number {
    return this.#tape.durable;
  }

  /** Hot. */
  record(stream: StreamNumber, bytes: Uint8Array, length: number): boolean {
    return this.#records.streamed(stream, this.#call, bytes.subarray(0, length));
  }

  /** This side sends no more. */
  end(side: 'client' | 'target'): void {
    this.#records.streamEnd(Stream[side], this.#call);
  }

  /** The call ended before its time. */
  cut(cut: Cut): void {
    this.#records.cut(this.#call, cut);
  }

  note(fact: { readonly note: string } & Readonly<{ [name: string]: unknown }>): void {
    this.#tape.note({ ...fact, call: this.#call });
  }

  get isLate(): boolean {
    return this.#tape.isLate;
  }

  whenCaughtUp(resume: () => void): void {
    this.#tape.whenCaughtUp(resume);
  }

  get isAmongOthers(): boolean {
    return this.#tape.isAmongOthers;
  }

  /** A record ends with its bytes. */
  recorded(length: number): Uint8Array | undefined {
    return this.#tape.recorded(length);
  }

  whenDurable(durable: () => void, keep?: () => void): void {
    this.#tape.whenDurable(durable, keep);
  }

  onWait(wait: () => void): void {
    this.#onWait = wait;
  }

  /** The recorder is behind. */
  wait(): void {
    this.#onWait();
  }
}
