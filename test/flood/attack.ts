/** Bad peers, in a process of their own: `attack.ts PORT KIND MS ADDRESSES`. Loopback only. Says what it did, as JSON. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { encodeSslRequest } from '#core/protocols/postgres/startup.ts';

/** Connections that are open at once, and connects under way. */
const HELD_MAX = 12_000;
const AT_ONCE = 64;
const CHUNK = Buffer.alloc(256 << 10, 'x');

export const attackKinds = ['silent', 'probes', 'half-tls', 'garbage', 'stream'] as const;
export type AttackKind = (typeof attackKinds)[number];

export interface Attacked {
  readonly connects: number;
  readonly refused: number;
  readonly sentBytes: number;
}

/** What each does once it is connected. */
const DEEDS: Readonly<Record<AttackKind, (socket: Socket) => void>> = {
  silent: () => undefined,
  probes: (socket) => socket.end(),
  'half-tls': (socket) => void socket.write(encodeSslRequest()),
  garbage: (socket) => void socket.write(randomBytes(200)),
  /** What is no PostgreSQL is refused at once; it goes on sending whatever it is told. */
  stream: (socket) => pour(socket),
};

function pour(socket: Socket): void {
  while (socket.writable && socket.write(CHUNK));
  socket.once('drain', () => pour(socket));
}

if (import.meta.main) {
  const [port, kind, ms, addresses] = process.argv.slice(2);
  const done = await attack(Number(port), kind as AttackKind, Number(ms), Number(addresses));
  process.stdout.write(`${JSON.stringify(done)}\n`);
  process.exit(0);
}

async function attack(port: number, kind: AttackKind, ms: number, addresses: number): Promise<Attacked> {
  const held = new Set<Socket>();
  const connecting = new Set<Socket>();
  const done = { connects: 0, refused: 0, sentBytes: 0 };
  const knock = (): void => {
    const localAddress = `127.0.1.${1 + (done.connects % addresses)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    done.connects += 1;
    held.add(socket);
    connecting.add(socket);
    socket.on('error', () => (done.refused += 1));
    socket.resume().once('connect', () => {
      connecting.delete(socket);
      DEEDS[kind](socket);
    });
    socket.once('close', () => {
      done.sentBytes += socket.bytesWritten;
      connecting.delete(socket);
      held.delete(socket);
    });
  };
  const until = performance.now() + ms;
  while (performance.now() < until) {
    while (connecting.size < AT_ONCE && held.size < HELD_MAX) knock();
    await new Promise(setImmediate);
  }
  for (const socket of held) {
    done.sentBytes += socket.bytesWritten;
    socket.destroy();
  }
  return done;
}
