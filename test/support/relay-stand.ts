import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { CustodyError } from '#core/errors.ts';
import { gatherFrames } from '#core/recording/slab.ts';
import type { ToRecorder } from '#proxy/recorder/messages.ts';
import { type SessionTape, type TapeOptions, Tapes } from '#proxy/recorder/tapes.ts';
import { Relay, type RelayOptions } from '#proxy/relay.ts';
import { RawEnd, streamBindings } from '#proxy/wire/raw-end.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import { opening } from './recorder.ts';

type HandedOver = Extract<ToRecorder, { kind: 'slab' }>;

/** A recorder that makes slabs durable only when the test says so. */
export class HeldRecorder {
  /** The monotonic clock, milliseconds. */
  now = 1;
  readonly slabs: HandedOver[] = [];
  readonly failures: CustodyError[] = [];
  readonly tapes: Tapes = new Tapes({ postMessage: (message) => this.#receive(message) }, () => this.now);

  open(options: Pick<TapeOptions, 'durability' | 'windowMs'>): Promise<SessionTape> {
    const onFailure = (error: CustodyError): void => void this.failures.push(error);
    return this.tapes.open(opening(), { ...options, deadlineMs: 5_000, onFailure });
  }

  /** The payload bytes of the frames in the oldest `count` slabs, which become durable, but for the frames of tapes that are behind. */
  makeDurable(count: number, behind: readonly number[] = []): number {
    const slabs = this.slabs.splice(0, count);
    const scratch = new Uint8Array(slabs.length << 20);
    const payload = gatherFrames(slabs, scratch).reduce((sum, part) => sum + part.payload, 0);
    this.tapes.receive({ kind: 'durable', buffers: slabs.map(({ buffer }) => buffer), behind });
    return payload;
  }

  #receive(message: ToRecorder): void {
    if (message.kind === 'open')
      queueMicrotask(() => this.tapes.receive({ kind: 'opened', tape: message.tape }));
    if (message.kind === 'slab') this.slabs.push(message);
  }
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

  static async start(tape: SessionTape, clientRest = '', gate?: RelayOptions['gate']): Promise<Stand> {
    return new Stand(tape, await connection(), await connection(), { clientRest, gate });
  }

  private constructor(
    tape: SessionTape,
    client: Connection,
    target: Connection,
    { clientRest, gate }: { readonly clientRest: string; readonly gate: RelayOptions['gate'] },
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
    this.relay.start(Buffer.from(clientRest), new Uint8Array());
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
