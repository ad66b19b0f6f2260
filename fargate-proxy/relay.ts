import { Stream, type StreamNumber } from '#core/recording/format.ts';
import { HeldBack } from './held-back.ts';
import type { SessionTape } from './recorder/tapes.ts';
import type { RawEnd } from './wire/raw-end.ts';
import type { RelayMemory } from './wire/relay-memory.ts';
import { type AheadTape, WriteAhead } from './write-ahead.ts';

/** What a relay needs of a session's tape. */
export type RelayTape = AheadTape &
  Pick<SessionTape, 'record' | 'note' | 'isLate' | 'whenCaughtUp' | 'onWait'>;

export interface RelayOptions {
  readonly client: RawEnd;
  readonly target: RawEnd;
  readonly tape: RelayTape;
  readonly memory: RelayMemory;
  /** Takes both directions in hand, where not everything may reach the target; everything passes without it. */
  readonly gate?: ((hands: RelayHands) => Gate) | undefined;
  /** Either side may say that it sends no more, and still be told something. */
  readonly half?: 'half-open';
  /** How many of the target's bytes, the first ones, still go on; all without it. */
  readonly passes?: ((bytes: Uint8Array, length: number) => number) | undefined;
  /** Sees what the client sent, after it is recorded and before it is forwarded. */
  readonly onClientBytes: (bytes: Uint8Array, length: number) => void;
  /** Sees what the target sent, after it is recorded and forwarded; not what a gate keeps from the client. */
  readonly onTargetBytes: (bytes: Uint8Array, length: number) => void;
  /** One side will send no more. */
  readonly onEnd: (side: 'client' | 'target') => void;
}

/** Decides what goes on of what either side says, and may speak in between. */
export interface Gate {
  /** More would be too much: the client is not read until `drained`. */
  readonly full: boolean;
  /** The same of the target, until `targetDrained`. */
  readonly targetFull?: boolean;
  fromClient(bytes: Uint8Array): void;
  fromTarget(bytes: Uint8Array): void;
  /** The client has gone: calls `left` when what it sent before its goodbye has reached the target. */
  whenLeft(left: () => void): void;
  /** Nothing goes on any more. Returns how many bytes of the client's were still to. */
  stop(): number;
}

/** What a gate does through its relay. The bytes stay as they are only until the call returns. */
export interface RelayHands {
  /** To the target, what the client sent. */
  forward(bytes: Uint8Array): void;
  /** To the client, what the target said: recorded first. */
  pass(bytes: Uint8Array): void;
  /** To the client, in the gateway's own name: recorded first. */
  say(bytes: Uint8Array): void;
  /** To the target, in the gateway's own name: as of the login, the recording has none of it. */
  ask(bytes: Uint8Array): void;
  drained(): void;
  targetDrained(): void;
}

/**
 * Records, then forwards; both ways, with back-pressure from the other socket and from the recorder. What is recorded when that is too
 * far behind waits for it, whatever it is.
 */
export class Relay {
  readonly #options: RelayOptions;
  /** In write-ahead mode. */
  readonly #ahead: WriteAhead | undefined;
  readonly #gate: Gate | undefined;
  readonly #heldBack = new HeldBack();
  /** The recorder is too far behind. */
  #late = false;
  #clientOpen = true;
  #stopped = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    const { target, tape, memory } = options;
    this.#ahead = tape.durability === 'write-ahead' ? new WriteAhead(target, tape, memory) : undefined;
    this.#gate = options.gate?.(this.#hands());
  }

  /**
   * Takes both sockets over. `clientRest`, `targetRest`: bytes that arrived before, recorded and forwarded as the first of
   * their direction. `greeting`: what the client is told before anything else; it is recorded already.
   */
  start(clientRest: Uint8Array, targetRest: Uint8Array, greeting?: Uint8Array): void {
    const { client, target, tape, half, onClientBytes, onEnd } = this.#options;
    target.start(
      (length) => this.#fromTarget(length),
      () => this.#heldBack.whenPassed(() => onEnd('target')),
      half,
    );
    client.start(
      (length) => this.#fromClient(length),
      () => this.#clientEnded(),
      half,
    );
    tape.onWait(() => this.#waitForRecorder());
    if (tape.isLate) this.#waitForRecorder();
    if (greeting !== undefined) this.#say(greeting);
    if (clientRest.byteLength > 0) {
      this.#record(Stream.client, clientRest);
      onClientBytes(clientRest, clientRest.byteLength);
      if (this.#gate === undefined) this.#forward(clientRest);
      else this.#gate.fromClient(clientRest);
    }
    if (targetRest.byteLength === 0) return;
    if (this.#gate !== undefined) return this.#gate.fromTarget(targetRest);
    this.#record(Stream.target, targetRest);
    this.#pass(targetRest);
  }

  /** Nothing more of the client's is forwarded. */
  muteClient(): void {
    this.#clientOpen = false;
    this.#options.client.pause();
    const dropped = (this.#ahead?.drop() ?? 0) + (this.#gate?.stop() ?? 0) + this.#heldBack.drop('target');
    if (dropped > 0) this.#options.tape.note({ note: 'not-forwarded', bytes: dropped });
  }

  /** Nothing is forwarded any more, in either direction. */
  stop(): void {
    this.#stopped = true;
    this.muteClient();
    this.#heldBack.drop('client');
    this.#options.target.pause();
  }

  #fromClient(length: number): void {
    if (!this.#clientOpen) return;
    const { client, target, memory, onClientBytes } = this.#options;
    const read = memory.view(length);
    this.#record(Stream.client, read);
    // Recording may just have ended the session.
    if (!this.#clientOpen) return;
    const ahead = this.#gate === undefined ? this.#ahead : undefined;
    ahead?.holdRecorded(read);
    onClientBytes(read, length);
    if (this.#gate !== undefined) this.#throughGate(this.#gate, read);
    else if (ahead === undefined) this.#toTarget(read);
    else if (ahead.full) this.#waitForAhead(ahead);
    if (target.congested) this.#waitFor(target, client);
  }

  #throughGate(gate: Gate, read: Uint8Array): void {
    gate.fromClient(read);
    if (gate.full) this.#options.client.pause();
  }

  #hands(): RelayHands {
    return {
      forward: (bytes) => this.#forward(bytes),
      pass: (bytes) => {
        this.#record(Stream.target, bytes);
        this.#pass(bytes);
      },
      say: (bytes) => {
        this.#record(Stream.gateway, bytes);
        this.#say(bytes);
      },
      ask: (bytes) => this.#toTarget(bytes, 0),
      drained: () => this.#resume(this.#options.client),
      targetDrained: () => this.#resume(this.#options.target),
    };
  }

  #forward(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    if (this.#ahead === undefined) this.#toTarget(bytes);
    else this.#ahead.hold(bytes);
  }

  #record(stream: StreamNumber, bytes: Uint8Array): void {
    if (!this.#options.tape.record(stream, bytes, bytes.byteLength)) this.#waitForRecorder();
  }

  #pass(bytes: Uint8Array): void {
    if (this.#stopped) return;
    if (this.#late) return this.#heldBack.keep('client', bytes, (kept) => this.#pass(kept));
    const { client, onTargetBytes } = this.#options;
    client.sendCopy(bytes);
    onTargetBytes(bytes, bytes.byteLength);
  }

  #say(bytes: Uint8Array): void {
    if (this.#stopped) return;
    if (this.#late) this.#heldBack.keep('client', bytes, (kept) => this.#say(kept));
    else this.#options.client.sendCopy(bytes);
  }

  /** `said`: how much of it is the client's. */
  #toTarget(bytes: Uint8Array, said = bytes.byteLength): void {
    if (this.#late) this.#heldBack.keep('target', bytes, (kept) => this.#toTarget(kept, said), said);
    else this.#options.target.sendCopy(bytes);
  }

  #waitForAhead(ahead: WriteAhead): void {
    const { client, target } = this.#options;
    client.pause();
    ahead.whenRoom(() => this.#goOn(client, target));
  }

  /** What the client sent before it went still reaches the target. */
  #clientEnded(): void {
    const { onEnd } = this.#options;
    if (!this.#clientOpen) return onEnd('client');
    const held = (): void => {
      if (this.#ahead === undefined) this.#heldBack.whenPassed(() => onEnd('client'));
      else this.#ahead.whenEmpty(() => onEnd('client'));
    };
    if (this.#gate === undefined) held();
    else this.#gate.whenLeft(held);
  }

  #fromTarget(length: number): void {
    const { client, target, memory } = this.#options;
    if (this.#gate !== undefined) return this.#targetThroughGate(this.#gate, length);
    const passing = memory.view(this.#options.passes?.(memory.read, length) ?? length);
    this.#record(Stream.target, passing);
    this.#pass(passing);
    if (client.congested) this.#waitFor(client, target);
  }

  #targetThroughGate(gate: Gate, length: number): void {
    const { client, target, memory } = this.#options;
    gate.fromTarget(memory.view(length));
    if (gate.targetFull === true) target.pause();
    if (client.congested) this.#waitFor(client, target);
  }

  #waitFor(sink: RawEnd, source: RawEnd): void {
    source.pause();
    sink.whenDrained(() => this.#resume(source));
  }

  /** Neither side is read, and what was read goes no further. */
  #waitForRecorder(): void {
    const { client, target, tape } = this.#options;
    client.pause();
    target.pause();
    if (this.#late) return;
    this.#late = true;
    tape.whenCaughtUp(() => {
      this.#late = false;
      this.#heldBack.release();
      if (this.#stopped) return;
      this.#goOn(client, target);
      this.#goOn(target, client);
    });
  }

  #goOn(source: RawEnd, sink: RawEnd): void {
    if (sink.congested) this.#waitFor(sink, source);
    else this.#resume(source);
  }

  get #clientWaits(): boolean {
    return !this.#clientOpen || this.#gate?.full === true;
  }

  #resume(source: RawEnd): void {
    const isClient = source === this.#options.client;
    if (this.#stopped || this.#late || (isClient ? this.#clientWaits : this.#gate?.targetFull === true))
      return;
    source.resume();
  }
}
