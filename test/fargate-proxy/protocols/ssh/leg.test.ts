import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { clientTransport } from '#core/protocols/ssh/transport/transport.ts';
import { message, string } from '#core/protocols/ssh/transport/wire.ts';
import { Leg, type LegEars } from '#proxy/protocols/ssh/leg.ts';
import { streamBindings } from '#proxy/wire/raw-end.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import { eventually } from '#test/support/clients.ts';

const PING = message(192, string(Buffer.alloc(30_000)));
/** Far more than kernels keep between two sockets. */
const PINGS = 2000;

const open: { destroy(): void }[] = [];
afterEach(() => open.splice(0).forEach((one) => one.destroy()));

/** A leg of the gateway's, and a client of it that has exchanged keys. */
async function connected(ears: Partial<LegEars> = {}) {
  const accepted = Promise.withResolvers<Leg>();
  const server = createServer((socket) => accepted.resolve(legOf(socket, ears))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const keyed = Promise.withResolvers<void>();
  const transport = clientTransport(
    { now: () => 0, hostKey: () => undefined },
    {
      write: (bytes) => void socket.write(Uint8Array.from(bytes)),
      message: () => undefined,
      keyed: () => keyed.resolve(),
      released: () => undefined,
      disconnected: () => undefined,
    },
  );
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    transport.receive(chunk);
  });
  transport.start();
  const leg = await accepted.promise;
  await keyed.promise;
  open.push(socket, leg.socket, { destroy: () => server.close() });
  return { leg, socket, transport, bytes: () => bytes };
}

function legOf(socket: Socket, ears: Partial<LegEars>): Leg {
  const hostKeys = [{ key: generateKeyPairSync('ed25519').privateKey }];
  const memory = { memory: new RelayMemory(), bindings: streamBindings() };
  return Leg.server(socket, { hostKeys, now: () => 0 }, memory, {
    message: () => undefined,
    ended: () => undefined,
    ...ears,
  });
}

function isRead({ socket }: Leg): boolean {
  return (socket as unknown as { _handle: { reading: boolean } })._handle.reading;
}

describe('one connection that speaks SSH', () => {
  it('security case 16: who makes it answer and reads no answer is not heard until it does', async () => {
    const { leg, socket, transport, bytes } = await connected();
    socket.pause();
    for (let count = 0; count < PINGS; count += 1) transport.send(PING);
    await eventually('the leg to stop reading', () => (isRead(leg) ? undefined : true));
    const before = bytes();
    socket.resume();
    await eventually('all answers', () => (bytes() - before >= PINGS * 30_000 ? true : undefined));
    expect(isRead(leg)).toBe(true);
  });

  it('is read again only when whoever listens wants it, and tells who waits for room', async () => {
    const { leg, socket, transport } = await connected();
    socket.pause();
    for (let count = 0; count < PINGS; count += 1) transport.send(PING);
    await eventually('the leg to stop reading', () => (isRead(leg) ? undefined : true));
    leg.resume();
    expect(isRead(leg)).toBe(false);
    leg.pause();
    const drained = new Promise<void>((done) => leg.whenDrained(done));
    socket.resume();
    await drained;
    expect(isRead(leg)).toBe(false);
  });
});
