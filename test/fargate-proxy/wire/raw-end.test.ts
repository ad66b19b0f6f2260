import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { localCertificates } from '#local/setup/certificates.ts';
import { RawEnd, streamBindings } from '#proxy/wire/raw-end.ts';
import { BLOCK_BYTES, RelayMemory } from '#proxy/wire/relay-memory.ts';

type Kind = 'plain' | 'tls';
const toClose: (() => void)[] = [];
const folder = mkdtempSync(join(tmpdir(), 'custody-raw-end-'));
let tls: { cert: Buffer; key: Buffer };

beforeAll(async () => {
  const { gateway } = await localCertificates(folder, new Date());
  tls = { cert: readFileSync(gateway.cert), key: readFileSync(gateway.key) };
});
afterAll(() => rmSync(folder, { recursive: true }));

afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

/** Both ends of one connection. */
async function connection(kind: Kind): Promise<{ ours: Socket; peer: Socket }> {
  const server = kind === 'tls' ? createTlsServer(tls) : createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const accepted = once(server, kind === 'tls' ? 'secureConnection' : 'connection');
  const peer =
    kind === 'tls'
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect(port, '127.0.0.1');
  const [ours] = (await accepted) as [Socket];
  toClose.push(
    () => ours.destroy(),
    () => peer.destroy(),
    () => server.close(),
  );
  return { ours, peer };
}

/** What the peer reads until the other side ends. */
async function everything(peer: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of peer) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.each<[Kind, Kind]>([
  ['plain', 'plain'],
  ['plain', 'tls'],
  ['tls', 'plain'],
  ['tls', 'tls'],
])('RawEnd from %s to %s', (from, to) => {
  it('says goodbye behind all it has sent, and tells whoever waits meanwhile', async () => {
    const sink = await connection(to);
    const writer = new RawEnd(sink.ours, new RelayMemory(), streamBindings());
    writer.start(
      () => undefined,
      () => undefined,
      'half-open',
    );
    sink.peer.pause();
    const sent = randomBytes(8 << 20);
    writer.sendCopy(sent);
    const told: string[] = [];
    writer.finish(() => told.push('finished'));
    writer.whenDrained(() => told.push('drained'));
    expect(sha256(await everything(sink.peer))).toBe(sha256(sent));
    expect(told).toEqual(['drained', 'finished']);
  });

  it('passes 24 MB on unchanged to a peer that reads late, and says when it is congested', async () => {
    const memory = new RelayMemory();
    const bindings = streamBindings();
    const source = await connection(from);
    const sink = await connection(to);
    const reader = new RawEnd(source.ours, memory, bindings);
    const writer = new RawEnd(sink.ours, memory, bindings);
    let congested = 0;
    writer.start(
      () => undefined,
      () => undefined,
    );
    const ended = new Promise<void>((resolve) => {
      reader.start((length) => {
        writer.sendCopy(memory.view(length));
        if (!writer.congested) return;
        congested += 1;
        reader.pause();
        if (congested === 1) late.resolve();
        writer.whenDrained(() => reader.resume());
      }, resolve);
    });
    const late = Promise.withResolvers<void>();
    const sent = randomBytes(24 << 20);
    source.peer.end(sent);
    await late.promise;
    const received = everything(sink.peer);
    await ended;
    writer.close();
    expect(sha256(await received)).toBe(sha256(sent));
    expect(congested).toBeGreaterThan(0);
  });

  it('keeps the order of bytes that come while a write is in flight, though the read buffer changes', async () => {
    const memory = new RelayMemory();
    const sink = await connection(to);
    const writer = new RawEnd(sink.ours, memory, streamBindings());
    writer.start(
      () => undefined,
      () => undefined,
    );
    const sent: Buffer[] = [];
    for (let i = 0; i < 200; i += 1) {
      const piece = Buffer.alloc(i % 3 === 0 ? 100 : 90_000, i);
      memory.read.set(piece);
      writer.sendCopy(memory.view(piece.length));
      memory.read.fill(0xff, 0, piece.length);
      sent.push(piece);
    }
    const large = Buffer.alloc(2 * BLOCK_BYTES + 5, 7);
    writer.send(large);
    sent.push(large);
    writer.close();
    expect(sha256(await everything(sink.peer))).toBe(sha256(Buffer.concat(sent)));
  });
});

describe('RelayMemory', () => {
  it('gives a block to one taker at a time, empty', () => {
    const memory = new RelayMemory();
    const first = memory.take();
    expect(first.append(Buffer.alloc(BLOCK_BYTES + 1))).toBe(BLOCK_BYTES);
    memory.give(first);
    const again = memory.take();
    expect(again).toBe(first);
    expect(again.used).toBe(0);
    expect(memory.take()).not.toBe(again);
  });
});
