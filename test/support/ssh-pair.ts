/** Two transports and the bytes between them. */
import { generateKeyPairSync } from 'node:crypto';
import { clientTransport, serverTransport } from '#core/protocols/ssh/transport/transport.ts';
import type {
  ClientOptions,
  ServerOptions,
  Transport,
  TransportEvents,
} from '#core/protocols/ssh/transport/types.ts';

export const HOST_KEY = generateKeyPairSync('ed25519').privateKey;

/** One end, with what it got and what it wants to send. */
export class End {
  readonly messages: Buffer[] = [];
  readonly disconnects: string[] = [];
  keyed = 0;
  released = 0;
  writes = 0;
  out = Buffer.alloc(0);
  readonly leg: Transport;

  constructor(make: (events: TransportEvents) => Transport) {
    this.leg = make({
      write: (bytes) => {
        this.writes += 1;
        this.out = Buffer.concat([this.out, bytes]);
      },
      message: (payload) => this.messages.push(Buffer.from(payload)),
      keyed: () => {
        this.keyed += 1;
      },
      released: () => {
        this.released += 1;
      },
      disconnected: (reason, words) => this.disconnects.push(`${reason} ${words}`),
    });
  }

  take(): Buffer {
    const { out } = this;
    this.out = Buffer.alloc(0);
    return out;
  }
}

export interface Pair {
  readonly client: End;
  readonly server: End;
  /** Carries bytes both ways until there are none; in pieces of that size. */
  run(piece?: number): void;
}

export interface PairOptions {
  readonly client?: Partial<ClientOptions>;
  readonly server?: Partial<ServerOptions>;
}

const STILL = { now: () => 0 };

export function pair({ client, server }: PairOptions = {}): Pair {
  const ends = {
    client: new End((events) => clientTransport({ ...STILL, hostKey: () => undefined, ...client }, events)),
    server: new End((events) =>
      serverTransport({ ...STILL, hostKeys: [{ key: HOST_KEY }], ...server }, events),
    ),
  };
  const run = (piece = Number.POSITIVE_INFINITY): void => {
    while (ends.client.out.length + ends.server.out.length > 0) {
      feed(ends.server, ends.client.take(), piece);
      feed(ends.client, ends.server.take(), piece);
    }
  };
  return { ...ends, run };
}

export function connected(options: PairOptions = {}): Pair {
  const made = pair(options);
  made.client.leg.start();
  made.server.leg.start();
  made.run();
  return made;
}

export function feed(end: End, bytes: Buffer, piece = Number.POSITIVE_INFINITY): void {
  for (let at = 0; at < bytes.length; at += piece) end.leg.receive(bytes.subarray(at, at + piece));
}
