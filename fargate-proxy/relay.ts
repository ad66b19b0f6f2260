import { Stream, type StreamNumber } from '#core/recording/format.ts';
import type { SessionTape } from './recorder/tapes.ts';
import type { RawEnd } from './wire/raw-end.ts';
import type { RelayMemory } from './wire/relay-memory.ts';

export interface RelayOptions {
  readonly client: RawEnd;
  readonly target: RawEnd;
  readonly tape: SessionTape;
  readonly memory: RelayMemory;
  /** Sees what the client sent, after it is recorded and before it is forwarded. */
  readonly onClientBytes: (bytes: Uint8Array, length: number) => void;
  /** Sees what the target sent, after it is recorded and forwarded. */
  readonly onTargetBytes: (bytes: Uint8Array, length: number) => void;
  /** One side will send no more. */
  readonly onEnd: (side: 'client' | 'target') => void;
}

/** Records, then forwards; both ways, with back-pressure from the other socket and from the recorder. */
export class Relay {
  readonly #options: RelayOptions;
  #clientOpen = true;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Takes both sockets over. */
  start(): void {
    const { client, target, onEnd } = this.#options;
    target.start(
      (length) => this.#fromTarget(length),
      () => onEnd('target'),
    );
    client.start(
      (length) => this.#fromClient(length),
      () => onEnd('client'),
    );
  }

  /** Nothing more of the client's is forwarded. */
  muteClient(): void {
    this.#clientOpen = false;
    this.#options.client.pause();
  }

  /** Nothing is forwarded any more, in either direction. */
  stop(): void {
    this.muteClient();
    this.#options.target.pause();
  }

  #fromClient(length: number): void {
    if (!this.#clientOpen) return;
    const { client, target, tape, memory, onClientBytes } = this.#options;
    const keepsUp = tape.record(Stream.client, memory.read, length);
    onClientBytes(memory.read, length);
    target.sendRead(length);
    if (!keepsUp) this.#waitForRecorder(client);
    if (target.congested) this.#waitFor(target, client);
  }

  #fromTarget(length: number): void {
    const { client, target, tape, memory, onTargetBytes } = this.#options;
    const keepsUp = tape.record(Stream.target, memory.read, length);
    client.sendRead(length);
    onTargetBytes(memory.read, length);
    if (!keepsUp) this.#waitForRecorder(target);
    if (client.congested) this.#waitFor(client, target);
  }

  #waitFor(sink: RawEnd, source: RawEnd): void {
    source.pause();
    sink.whenDrained(() => this.#resume(source));
  }

  #waitForRecorder(source: RawEnd): void {
    source.pause();
    this.#options.tape.whenCaughtUp(() => this.#resume(source));
  }

  #resume(source: RawEnd): void {
    if (source === this.#options.client && !this.#clientOpen) return;
    source.resume();
  }
}

/** Bytes that arrived before the relay took over: recorded and forwarded as the first of their direction. */
export function forwardRest(tape: SessionTape, stream: StreamNumber, rest: Uint8Array, sink: RawEnd): void {
  if (rest.byteLength === 0) return;
  tape.record(stream, rest, rest.byteLength);
  sink.send(rest);
}
