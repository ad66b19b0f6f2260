import { once } from 'node:events';
import { Duplex } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { HANDSHAKE_MAX_BYTES, HandshakeReader, type Parsed } from '#proxy/wire/handshake.ts';
import { cut } from '#test/core/protocols/postgres/support.ts';
import { connections } from '#test/support/connected.ts';

const connect = connections();

/** A message of this test: u16 length, then as many bytes. */
function framed(bytes: Buffer): Parsed<Buffer> | undefined {
  if (bytes.byteLength < 2) return undefined;
  const byteLength = 2 + bytes.readUInt16BE(0);
  return bytes.byteLength < byteLength ? undefined : { message: bytes.subarray(2, byteLength), byteLength };
}

function frame(body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body as string);
  return Buffer.concat([Buffer.of(bytes.byteLength >>> 8, bytes.byteLength & 0xff), bytes]);
}

/** Never has enough. */
const insatiable = (): undefined => undefined;

async function refusal(promise: Promise<unknown>): Promise<CustodyError> {
  const thrown = await promise.then(
    (value) => new Error(`resolved with ${String(value)}`),
    (error: unknown) => error,
  );
  if (thrown instanceof CustodyError) return thrown;
  throw thrown;
}

/** A stream whose every read gives the next chunk, so that the cuts are exactly these. */
function inChunks(chunks: readonly Uint8Array[]): Duplex {
  const left = [...chunks];
  return new Duplex({
    highWaterMark: 1,
    read() {
      this.push(left.shift() ?? null);
    },
  });
}

function listenersOn(stream: Duplex): number[] {
  return ['readable', 'end', 'close', 'error'].map((event) => stream.listenerCount(event));
}

describe('HandshakeReader', () => {
  it('gives the same messages however their bytes are cut, and rest() what is behind them', async () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 6 });
    const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
    const behind = fc.uint8Array({ maxLength: 1 });
    await fc.assert(
      fc.asyncProperty(bodies, sizes, behind, async (sent, cuts, beyond) => {
        const bytes = Buffer.concat([...sent.map(frame), beyond]);
        const stream = inChunks(cut(bytes, cuts));
        const reader = new HandshakeReader(stream);
        for (const body of sent) expect(await reader.next(framed)).toEqual(Buffer.from(body));
        const rest: Buffer[] = [];
        for (let part = reader.rest(); part.byteLength > 0; part = reader.rest()) rest.push(part);
        expect(Buffer.concat(rest)).toEqual(Buffer.from(beyond));
        stream.destroy();
      }),
      { numRuns: 200 },
    );
  });

  it('leaves no listener behind, whether a message came, was malformed, or did not come', async () => {
    const stream = inChunks(cut(Buffer.concat([frame('one'), frame('two'), Buffer.of(0)]), [1]));
    const before = listenersOn(stream);
    const reader = new HandshakeReader(stream);
    await reader.next(framed);
    expect(listenersOn(stream)).toEqual(before);
    const malformed = new CustodyError('protocol-violation', 'malformed');
    const throws = (): never => {
      throw malformed;
    };
    await expect(reader.next(throws)).rejects.toBe(malformed);
    expect(listenersOn(stream)).toEqual(before);
    await refusal(reader.next(insatiable));
    expect(listenersOn(stream)).toEqual(before);
  });

  it('does not ask a parser about nothing', async () => {
    const reader = new HandshakeReader(inChunks([frame('')]));
    const sizes: number[] = [];
    await reader.next((bytes) => {
      sizes.push(bytes.byteLength);
      return framed(bytes);
    });
    expect(sizes).toEqual([2]);
  });

  it('allows 64 KiB to a login that nobody limits otherwise', async () => {
    const all = (bytes: Buffer): Parsed<number> | undefined => {
      const { byteLength } = bytes;
      return byteLength < HANDSHAKE_MAX_BYTES ? undefined : { message: byteLength, byteLength };
    };
    expect(HANDSHAKE_MAX_BYTES).toBe(65_536);
    const exact = new HandshakeReader(inChunks([Buffer.alloc(65_535), Buffer.alloc(1)]));
    expect(await exact.next(all)).toBe(65_536);
    const more = new HandshakeReader(inChunks([Buffer.alloc(65_535), Buffer.alloc(2)]));
    expect((await refusal(more.next(all))).message).toMatch('too much was sent');
  });

  it('counts what is unread, not what a long login has sent in all', async () => {
    const stream = inChunks(Array.from({ length: 50 }, () => frame('x'.repeat(8))));
    const reader = new HandshakeReader(stream, 10);
    for (let i = 0; i < 50; i += 1) expect(String(await reader.next(framed))).toBe('x'.repeat(8));
  });

  it('says what went wrong with the stream, to the operator only', async () => {
    const stream = new Duplex({ read: () => undefined });
    const next = refusal(new HandshakeReader(stream).next(framed));
    stream.destroy(new Error('read ECONNRESET'));
    const { code, message, detail } = await next;
    expect({ code, message, detail }).toEqual({
      code: 'peer-left',
      message: 'the connection was closed during the login',
      detail: 'read ECONNRESET',
    });
  });
});

describe.each(['plain', 'tls'] as const)('HandshakeReader on a %s socket', (kind) => {
  it('reads message by message and holds the stream for whoever is next', async () => {
    const { ours, peer } = await connect[kind]();
    const reader = new HandshakeReader(ours);
    peer.write(Buffer.concat([frame('startup'), frame('pass').subarray(0, 3)]));
    expect(String(await reader.next(framed))).toBe('startup');
    const second = reader.next(framed);
    peer.write(Buffer.concat([frame('pass').subarray(3), Buffer.from('first ')]));
    expect(String(await second)).toBe('pass');
    expect(ours.readableFlowing).not.toBe(true);
    const rest = [reader.rest()];
    peer.end('query');
    for await (const part of ours) rest.push(part as Buffer);
    expect(String(Buffer.concat(rest))).toBe('first query');
  });

  it('gives rest() once', async () => {
    const { ours, peer } = await connect[kind]();
    const reader = new HandshakeReader(ours);
    peer.write(Buffer.concat([frame('a'), Buffer.from('rest')]));
    await reader.next(framed);
    expect(String(reader.rest())).toBe('rest');
    expect(reader.rest()).toHaveLength(0);
  });

  it('leaves a message that takes no bytes where it is', async () => {
    const { ours, peer } = await connect[kind]();
    const reader = new HandshakeReader(ours);
    peer.write('\x16\x03\x01');
    const peek = (bytes: Buffer): Parsed<number> => ({ message: bytes[0]!, byteLength: 0 });
    expect(await reader.next(peek)).toBe(0x16);
    expect(String(reader.rest())).toBe('\x16\x03\x01');
  });

  it('takes no more of a peer that sends without end (security case 16)', async () => {
    const { ours, peer } = await connect[kind]();
    const reader = new HandshakeReader(ours, 10_000);
    const sent = 16 << 20;
    peer.end(Buffer.alloc(sent));
    const { code, message } = await refusal(reader.next(insatiable));
    expect({ code, message }).toEqual({
      code: 'protocol-violation',
      message: 'too much was sent before the login was complete',
    });
    expect(ours.bytesRead).toBeLessThan(sent / 8);
    expect(ours.readableFlowing).not.toBe(true);
  });

  it.each([
    ['nothing', 0],
    ['half of a message', 4],
  ])('rejects when the peer ends having sent %s', async (_what, bytes) => {
    const { ours, peer } = await connect[kind]();
    const next = refusal(new HandshakeReader(ours).next(framed));
    peer.end(frame('halved').subarray(0, bytes));
    const { code, message } = await next;
    expect(code).toBe('peer-left');
    expect(message).toBe('the connection was closed during the login');
  });

  it('gives a message that came before the end of the stream, and then rejects', async () => {
    const { ours, peer } = await connect[kind]();
    const reader = new HandshakeReader(ours);
    peer.end(frame('last words'));
    expect(String(await reader.next(framed))).toBe('last words');
    expect((await refusal(reader.next(framed))).code).toBe('peer-left');
    expect((await refusal(reader.next(framed))).code).toBe('peer-left');
  });

  it('does not wait for a stream that is destroyed, as a deadline does it (security case 16)', async () => {
    const { ours } = await connect[kind]();
    const reader = new HandshakeReader(ours);
    const waiting = refusal(reader.next(framed));
    ours.destroy();
    expect((await waiting).message).toMatch('closed during the login');
    await (ours.closed ? undefined : once(ours, 'close'));
    expect((await refusal(reader.next(framed))).message).toMatch('closed during the login');
  });
});
