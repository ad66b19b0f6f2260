import type { CustodyError } from '#core/errors.ts';
import { Stream } from '#core/recording/format.ts';
import type { SessionTape } from './recorder/tapes.ts';
import type { RawEnd } from './wire/raw-end.ts';
import type { RelayMemory } from './wire/relay-memory.ts';
import { WriteAhead } from './write-ahead.ts';

export interface RelayOptions {
  readonly client: RawEnd;
  readonly target: RawEnd;
  readonly tape: SessionTape;
  readonly memory: RelayMemory;
  /** Holds back what may not reach the target; everything passes without it. */
  readonly gate?: ClientGate | undefined;
  /** The gate let something not pass: nothing more of the client's will be forwarded. */
  readonly onRefused: (error: CustodyError) => void;
  /** Sees what the client sent, after it is recorded and before it is forwarded. */
  readonly onClientBytes: (bytes: Uint8Array, length: number) => void;
  /** Sees what the target sent, after it is recorded and forwarded. */
  readonly onTargetBytes: (bytes: Uint8Array, length: number) => void;
  /** One side will send no more. */
  readonly onEnd: (side: 'client' | 'target') => void;
}

/** Decides, in pieces as they come, what of a client's bytes goes on. */
export interface ClientGate {
  /** What may go on now, of these bytes and of those kept from before; and why nothing after it may. */
  take(bytes: Uint8Array): { readonly forward: Uint8Array; readonly refused?: CustodyError | undefined };
}

/** Records, then forwards; both ways, with back-pressure from the other socket and from the recorder. */
export class Relay {
  readonly #options: RelayOptions;
  /** In write-ahead mode. */
  readonly #ahead: WriteAhead | undefined;
  #clientOpen = true;
  #stopped = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    const { target, tape, memory } = options;
    this.#ahead = tape.durability === 'write-ahead' ? new WriteAhead(target, tape, memory) : undefined;
  }

  /**
   * Takes both sockets over. `clientRest`, `targetRest`: bytes that arrived before, recorded and forwarded as the first of
   * their direction.
   */
  start(clientRest: Uint8Array, targetRest: Uint8Array): void {
    const { client, target, tape, onEnd } = this.#options;
    target.start(
      (length) => this.#fromTarget(length),
      () => onEnd('target'),
    );
    client.start(
      (length) => this.#fromClient(length),
      () => this.#clientEnded(),
    );
    tape.onWait(() => this.#waitForRecorderBothWays());
    if (clientRest.byteLength > 0) {
      tape.record(Stream.client, clientRest, clientRest.byteLength);
      this.#forward(this.#passed(clientRest));
    }
    if (targetRest.byteLength > 0) {
      tape.record(Stream.target, targetRest, targetRest.byteLength);
      client.send(targetRest);
    }
  }

  /** Nothing more of the client's is forwarded. */
  muteClient(): void {
    this.#clientOpen = false;
    this.#options.client.pause();
    const dropped = this.#ahead?.drop() ?? 0;
    if (dropped > 0) this.#options.tape.note({ note: 'not-forwarded', bytes: dropped });
  }

  /** Nothing is forwarded any more, in either direction. */
  stop(): void {
    this.#stopped = true;
    this.muteClient();
    this.#options.target.pause();
  }

  #fromClient(length: number): void {
    if (!this.#clientOpen) return;
    const { client, target, tape, memory, onClientBytes } = this.#options;
    const keepsUp = tape.record(Stream.client, memory.read, length);
    // Recording may just have ended the session.
    if (!this.#clientOpen) return;
    onClientBytes(memory.read, length);
    if (this.#options.gate !== undefined) this.#forward(this.#passed(memory.view(length)));
    else if (this.#ahead === undefined) target.sendRead(length);
    else this.#holdRead(this.#ahead, length);
    if (!keepsUp) this.#waitForRecorder(client);
    if (target.congested) this.#waitFor(target, client);
  }

  /** What the gate lets pass, as bytes of their own. */
  #passed(bytes: Uint8Array): Uint8Array {
    const { gate, tape, onRefused } = this.#options;
    if (gate === undefined) return bytes;
    const { forward, refused } = gate.take(bytes);
    if (refused === undefined) return forward;
    tape.note({ note: 'not-approved', message: refused.message });
    // Once what may pass is on its way: the end drops what is held.
    queueMicrotask(() => onRefused(refused));
    return forward;
  }

  #forward(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    if (this.#ahead === undefined) this.#options.target.send(bytes);
    else this.#ahead.hold(bytes);
  }

  #holdRead(ahead: WriteAhead, length: number): void {
    const { client, memory } = this.#options;
    ahead.hold(memory.view(length));
    if (!ahead.full) return;
    client.pause();
    ahead.whenEmpty(() => this.#resume(client));
  }

  /** What the client sent before it went still reaches the target. */
  #clientEnded(): void {
    const { onEnd } = this.#options;
    if (this.#ahead === undefined || !this.#clientOpen) return onEnd('client');
    this.#ahead.whenEmpty(() => onEnd('client'));
  }

  #fromTarget(length: number): void {
    const { client, target, tape, memory, onTargetBytes } = this.#options;
    const keepsUp = tape.record(Stream.target, memory.read, length);
    if (this.#stopped) return;
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

  #waitForRecorderBothWays(): void {
    this.#waitForRecorder(this.#options.client);
    this.#waitForRecorder(this.#options.target);
  }

  #resume(source: RawEnd): void {
    if (this.#stopped || (source === this.#options.client && !this.#clientOpen)) return;
    source.resume();
  }
}
