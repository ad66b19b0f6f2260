import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { CustodyError } from '#core/errors.ts';
import { type GatheredFrames, gatherFrames, type SlabRange } from '#core/recording/slab.ts';
import { Bell } from '#proxy/recorder/bell.ts';
import { Incoming, type Taken } from '#proxy/recorder/incoming.ts';
import type { ToRecorder } from '#proxy/recorder/messages.ts';
import { type SessionTape, type TapeOptions, Tapes } from '#proxy/recorder/tapes.ts';
import { Relay, type RelayOptions } from '#proxy/relay.ts';
import { RawEnd, streamBindings } from '#proxy/wire/raw-end.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import { opening } from './recorder.ts';

/** A recorder that takes what it is told of, two commits at most, and makes them durable only when the test says so. */
export class HeldRecorder {
  /** The monotonic clock, milliseconds. */
  now = 1;
  /** Taken, and not durable. */
  readonly commits: Taken[] = [];
  /** All that was ever taken. */
  readonly taken: Taken[] = [];
  readonly #incoming = new Incoming();
  #bell = new Bell();
  readonly failures: CustodyError[] = [];
  readonly tapes: Tapes = new Tapes({ postMessage: (message) => this.#receive(message) }, () => this.now);

  open(options: Pick<TapeOptions, 'durability' | 'windowMs'>): Promise<SessionTape> {
    const onFailure = (error: CustodyError): void => void this.failures.push(error);
    return this.tapes.open(opening(), { ...options, deadlineMs: 5_000, onFailure });
  }

  /** The payload bytes of the frames in the oldest `count` commits, which become durable, but for those of tapes that are behind. */
  makeDurable(count: number, behind: readonly number[] = []): number {
    const payload = this.commits
      .slice(0, count)
      .reduce((sum, { ranges }) => sum + gathered(ranges).reduce((own, part) => own + part.payload, 0), 0);
    for (const { bytes, slabs } of this.commits.splice(0, count))
      this.tapes.receive({ kind: 'durable', bytes, slabs, behind });
    this.#look();
    return payload;
  }

  /** Also what is taken meanwhile. */
  makeAllDurable(): void {
    while (this.commits.length > 0) this.makeDurable(1);
  }

  #receive(message: ToRecorder): void {
    if (message.kind === 'open')
      queueMicrotask(() => this.tapes.receive({ kind: 'opened', tape: message.tape }));
    if (message.kind === 'bell') this.#bell = new Bell(message.memory);
    if (message.kind === 'slab') this.#incoming.add(message.buffer);
    if (message.kind === 'slab') this.#take();
    if (message.kind === 'take') this.#look();
  }

  #look(): void {
    while (this.commits.length < 2) {
      if (this.#bell.answer()) this.#take();
      else if (this.#bell.rest()) return;
    }
  }

  #take(): void {
    const taken = this.#incoming.take(16);
    if (taken === undefined) return;
    this.commits.push(taken);
    this.taken.push(taken);
  }
}

export function gathered(ranges: readonly SlabRange[]): GatheredFrames[] {
  return gatherFrames(ranges, new Uint8Array(ranges.reduce((sum, { bytes }) => sum + bytes, 0)));
}

/** A relay between two real sockets. */
export class Stand {
  readonly relay: Relay;
  readonly client: Socket;
  readonly target: Socket;
  readonly ended: string[] = [];
  /** What has reached the target. */
  reached = '';
  readonly #closers: readonly (() => void)[];

  static async start(
    tape: SessionTape,
    clientRest = '',
    gate?: RelayOptions['gate'],
    greeting?: string,
  ): Promise<Stand> {
    return new Stand(tape, await connection(), await connection(), { clientRest, gate, greeting });
  }

  private constructor(
    tape: SessionTape,
    client: Connection,
    target: Connection,
    { clientRest, gate, greeting }: Beginning,
  ) {
    this.client = client.peer;
    this.target = target.peer;
    this.#closers = [client.close, target.close];
    const memory = new RelayMemory();
    target.peer.on('data', (bytes: Buffer) => (this.reached += bytes.toString('latin1')));
    this.relay = new Relay({
      client: new RawEnd(client.ours, memory, streamBindings()),
      target: new RawEnd(target.ours, memory, streamBindings()),
      tape,
      memory,
      gate,
      onClientBytes: () => undefined,
      onTargetBytes: () => undefined,
      onEnd: (side) => {
        this.ended.push(side);
        this.relay.stop();
      },
    });
    const greets = greeting === undefined ? undefined : Buffer.from(greeting);
    this.relay.start(Buffer.from(clientRest), new Uint8Array(), greets);
  }

  /** Bytes that go the other way arrive after all that was sent to the target before: an order, not a time. */
  async roundTrip(): Promise<void> {
    const echo = once(this.client, 'data');
    this.target.write('.');
    await echo;
  }

  close(): void {
    for (const close of this.#closers) close();
  }
}

interface Beginning {
  readonly clientRest: string;
  readonly gate: RelayOptions['gate'];
  readonly greeting: string | undefined;
}

interface Connection {
  readonly ours: Socket;
  readonly peer: Socket;
  readonly close: () => void;
}

async function connection(): Promise<Connection> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const peer = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [ours] = (await accepted) as [Socket];
  const close = (): void => {
    ours.destroy();
    peer.destroy();
    server.close();
  };
  return { ours, peer, close };
}

/** Resolves once `found` is true; the test's own time limit ends it. */
export async function until(found: () => boolean): Promise<void> {
  while (!found()) await new Promise(setImmediate);
}
