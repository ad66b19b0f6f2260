/** One connection that speaks SSH, from its accept or connect on. */
import type { Socket } from 'node:net';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { clientTransport, serverTransport } from '#core/protocols/ssh/transport/transport.ts';
import type {
  AgreedKeys,
  ClientOptions,
  ServerOptions,
  Transport,
  TransportEvents,
} from '#core/protocols/ssh/transport/types.ts';
import { RawEnd, type StreamBindings } from '../../wire/raw-end.ts';
import type { RelayMemory } from '../../wire/relay-memory.ts';

/** Of RFC 4253 section 11.1. */
export const Reason = {
  protocolError: 2,
  hostKeyNotVerifiable: 9,
  byApplication: 11,
  noMoreMethods: 14,
} as const;

/** RFC 4253 section 11.2, with nothing in it. */
const IGNORE = Uint8Array.of(2, 0, 0, 0, 0);

/** Why no more will come. */
export type LegEnding =
  /** The peer has closed, or the connection is lost. */
  | { readonly by: 'close' }
  /** It has said why. */
  | { readonly by: 'disconnect'; readonly reason: number; readonly words: string }
  /** It did not keep to the protocol; it was told so, and is being closed. */
  | { readonly by: 'violation'; readonly error: CustodyError };

/** Whoever hears what a peer says. */
export interface LegEars {
  /** Before the messages of one read, and after them: whoever passes them on gathers what goes out. */
  reading?(): void;
  read?(): void;
  /** After each key exchange, before anything that comes under the new keys. */
  keyed?(keys: AgreedKeys): void;
  /** A message above the transport, until the call returns. What it throws is the peer's violation. */
  message(payload: Uint8Array): void;
  /** `held` is false again. */
  released?(): void;
  /** No more will come; told once. */
  ended(end: LegEnding): void;
}

export interface LegMemory {
  readonly memory: RelayMemory;
  readonly bindings: StreamBindings;
}

/** Bytes of a socket on the one side, messages on the other. An idle one owns no buffer of its own to read into. */
export class Leg {
  readonly socket: Socket;
  readonly end: RawEnd;
  readonly transport: Transport;
  readonly #memory: RelayMemory;
  #ears: LegEars | undefined;
  /** Came in the read after which nobody listened: no more than that is read. */
  #parked: Uint8Array[] = [];
  #ended: LegEnding | undefined;
  #saidSince = false;
  /** Whoever listens wants to hear; reading stops all the same where the peer is `#deaf`. */
  #wanted = true;
  /** It makes us answer and does not read: nothing more is heard until it has (security case 16). */
  #deaf = false;
  #answered = false;
  #drained: (() => void) | undefined;
  #outlet: ((bytes: Uint8Array) => void) | undefined;
  #keepAlive: NodeJS.Timeout | undefined;

  private constructor(
    socket: Socket,
    { memory, bindings }: LegMemory,
    transport: (events: TransportEvents) => Transport,
  ) {
    this.socket = socket;
    this.#memory = memory;
    this.end = new RawEnd(socket, memory, bindings);
    this.transport = transport({
      write: (bytes) => this.#write(bytes),
      message: (payload) => this.#message(payload),
      keyed: (keys) => this.#ears?.keyed?.(keys),
      released: () => this.#ears?.released?.(),
      disconnected: (reason, words) => this.#end({ by: 'disconnect', reason, words }),
    });
    socket.once('close', () => clearInterval(this.#keepAlive));
  }

  /** Towards a client that has connected in this very tick. */
  static server(socket: Socket, options: ServerOptions, memory: LegMemory, ears: LegEars): Leg {
    return new Leg(socket, memory, (events) => serverTransport(options, events)).#start(ears);
  }

  /** Towards a target that we have connected to in this very tick. */
  static client(socket: Socket, options: ClientOptions, memory: LegMemory, ears: LegEars): Leg {
    return new Leg(socket, memory, (events) => clientTransport(options, events)).#start(ears);
  }

  /** Messages wait for the end of a key exchange: their source should not be read. */
  get held(): boolean {
    return this.transport.held;
  }

  /** The peer does not read what it is sent. */
  get congested(): boolean {
    return this.end.congested;
  }

  /** It has ended, or nothing more is to be heard of it. */
  get over(): boolean {
    return this.#ended !== undefined || this.socket.destroyed;
  }

  /** From now on these are told; first what came while nobody listened. */
  listen(ears: LegEars): void {
    this.#ears = ears;
    const parked = this.#parked;
    this.#parked = [];
    for (const payload of parked) this.#guarded(() => this.#message(payload));
    if (this.#ended === undefined) this.resume();
    else ears.ended(this.#ended);
  }

  /** Nobody listens: no more is read, and what has been read is kept for the next `listen`. */
  park(): void {
    this.#ears = undefined;
    this.pause();
  }

  /** From now on sealed bytes go to the socket by way of this; they may change once the call returns. */
  divert(outlet: (bytes: Uint8Array) => void): void {
    this.#outlet = outlet;
  }

  send(payload: Uint8Array): void {
    this.transport.send(payload);
  }

  cork(): void {
    this.transport.cork();
  }

  uncork(): void {
    this.transport.uncork();
  }

  pause(): void {
    this.#wanted = false;
    this.end.pause();
  }

  resume(): void {
    this.#wanted = true;
    if (!this.#deaf) this.end.resume();
  }

  whenDrained(drained: () => void): void {
    this.#drained = drained;
    this.end.whenDrained(() => this.#drain());
  }

  /** A word without meaning whenever nothing was said for so long: a peer that is gone does not acknowledge it (see dead-peers.ts). */
  keepAlive(ms: number): void {
    clearInterval(this.#keepAlive);
    this.#keepAlive = setInterval(() => {
      if (!this.#saidSince && !this.held) this.send(IGNORE);
      this.#saidSince = false;
    }, ms);
    this.#keepAlive.unref();
  }

  /** Says why, and closes. */
  disconnect(reason: number, words: string): void {
    this.transport.disconnect(reason, words);
    this.close();
  }

  /** What is unsent goes out first. */
  close(): void {
    this.#ears = undefined;
    this.#ended ??= { by: 'close' };
    clearInterval(this.#keepAlive);
    this.end.close();
  }

  destroy(): void {
    this.#ears = undefined;
    this.#ended ??= { by: 'close' };
    clearInterval(this.#keepAlive);
    this.end.destroy();
  }

  #start(ears: LegEars): this {
    this.#ears = ears;
    this.end.start(
      (length) => this.#read(length),
      () => this.#end({ by: 'close' }),
    );
    this.transport.start();
    return this;
  }

  #read(length: number): void {
    const ears = this.#ears;
    this.#answered = false;
    ears?.reading?.();
    this.#guarded(() => this.transport.receive(this.#memory.view(length)));
    ears?.read?.();
    if (this.#answered && this.congested && this.#ended === undefined) this.#waitForReader();
  }

  /** Pongs, refusals and whatever else its own words bring about are kept until it reads them: there is no end to them else. */
  #waitForReader(): void {
    this.#deaf = true;
    this.end.pause();
    this.end.whenDrained(() => this.#drain());
  }

  #drain(): void {
    this.#deaf = false;
    if (this.#wanted && this.#ended === undefined) this.end.resume();
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      const error = asCustodyError(thrown);
      this.transport.disconnect(Reason.protocolError, error.message);
      this.#end({ by: 'violation', error });
      this.close();
    }
  }

  #message(payload: Uint8Array): void {
    if (this.#ears !== undefined) this.#ears.message(payload);
    else if (this.#ended === undefined) this.#parked.push(Uint8Array.from(payload));
  }

  #write(bytes: Uint8Array): void {
    this.#saidSince = true;
    this.#answered = true;
    if (this.#outlet === undefined) this.end.sendCopy(bytes);
    else this.#outlet(bytes);
  }

  #end(end: LegEnding): void {
    if (this.#ended !== undefined) return;
    this.#ended = end;
    clearInterval(this.#keepAlive);
    this.#ears?.ended(end);
  }
}
