import type { CustodyError } from '#core/errors.ts';
import { StreamDecoder } from './decoder.ts';
import type { Sender, StreamEvent } from './events.ts';
import { exitCodeOf, STATUS_MAX } from './exit.ts';
import { type StreamForm, TUNNEL } from './form.ts';
import { type Goodbye, goodbyeOf } from './goodbye.ts';

/**
 * What the relay has to know of an upgraded stream while it carries it: where the gateway may speak, to whom, and how a command ended.
 * Hot. It never throws: where it cannot read on, it says so little as to do no harm.
 */
export class StreamWatch {
  readonly #form: StreamForm;
  readonly #decoder: StreamDecoder;
  /** Only SPDY's client says there which streams it has. */
  readonly #heedsClient: boolean;
  readonly #unreadable = new Set<Sender>();
  #status: Uint8Array[] = [];
  #statusBytes = 0;
  #saidClose = false;

  constructor(form: StreamForm) {
    this.#form = form;
    this.#heedsClient = form.kind === 'spdy' || form.protocol === TUNNEL;
    this.#decoder = new StreamDecoder(form, (event) => this.#heed(event));
  }

  /** Between two frames of the target's: what the gateway says would not be read as part of one. */
  get maySpeak(): boolean {
    return !this.#unreadable.has('target') && this.#decoder.lanes.target.atBoundary;
  }

  /** The target has said how it ended, or goodbye: nothing is to be said behind that. */
  get hasSaidWhy(): boolean {
    return this.#saidClose || this.#statusBytes > 0;
  }

  /** What the command's exit status was, where the target has said it. */
  get exitCode(): number | undefined {
    return this.#statusBytes === 0 ? undefined : exitCodeOf(Buffer.concat(this.#status));
  }

  fromClient(bytes: Uint8Array, length: number): void {
    if (this.#heedsClient) this.#step('client', bytes, length, () => false);
  }

  fromTarget(bytes: Uint8Array, length: number): void {
    this.#step('target', bytes, length, () => false);
  }

  /** Takes the target's bytes up to the first place where the gateway may speak; returns how many those are. */
  toBoundary(bytes: Uint8Array, length: number): number {
    return this.#step('target', bytes, length, () => this.maySpeak);
  }

  /** Tells the client why it ends, at a place where the gateway may speak. Undefined: there is nothing to say any more. */
  goodbye(error: CustodyError): Goodbye | undefined {
    if (this.#saidClose) return undefined;
    const streams = this.#unreadable.has('client') ? undefined : this.#decoder.streams;
    return goodbyeOf(this.#form, error, streams);
  }

  #step(from: Sender, bytes: Uint8Array, length: number, isEnough: () => boolean): number {
    const lane = this.#decoder.lanes[from];
    let at = 0;
    if (this.#unreadable.has(from)) return length;
    try {
      while (at < length && !isEnough()) at = lane.step(bytes, at, length);
      return at;
    } catch {
      this.#unreadable.add(from);
      return length;
    }
  }

  #heed(event: StreamEvent): void {
    if (event.from !== 'target') return;
    if (event.kind === 'close') this.#saidClose = true;
    if (event.kind !== 'data' || event.channel !== 'error') return;
    if (this.#statusBytes + event.bytes.length > STATUS_MAX) return;
    this.#status.push(event.bytes.slice());
    this.#statusBytes += event.bytes.length;
  }
}
