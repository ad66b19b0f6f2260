import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { StreamDecoder } from '#core/protocols/kubernetes/streams/decoder.ts';
import { TUNNEL } from '#core/protocols/kubernetes/streams/form.ts';
import { webSocketFrame } from '#core/protocols/kubernetes/streams/websocket.ts';
import { form, inPieces, told } from './read.ts';
import { control, data, SpdyWriter, uint32 } from './spdy-writer.ts';
import { frames } from './ws-writer.ts';

const V5 = form('websocket', 'v5.channel.k8s.io');
const V4 = form('websocket', 'v4.channel.k8s.io');
const SPDY = form('spdy', 'v4.channel.k8s.io');

const sizes = fc.integer({ min: 1, max: 40 });

describe('channels in a WebSocket', () => {
  it('are read from what ws writes, however it is cut', async () => {
    const sent = await frames(true, [
      { payload: Buffer.from('\0typed') },
      { opcode: 'ping', payload: Buffer.from('are you there') },
      { payload: Buffer.from('\x04{"Width":80,"Height":24}') },
      { payload: Buffer.from([255, 0]) },
      { opcode: 'close', payload: Buffer.from('done') },
    ]);
    fc.assert(
      fc.property(sizes, (size) => {
        expect(told(inPieces(new StreamDecoder(V5), 'client', sent, size))).toEqual([
          'client data stdin: typed',
          'client data resize: {"Width":80,"Height":24}',
          'client closed stdin:',
          'client close : 1000 done',
        ]);
      }),
    );
  });

  it('of a target may be cut into frames; of a client each frame has its own, as the API server reads it', async () => {
    const target = Buffer.concat([frame(2, false, '\x01be'), frame(9, true, 'ping'), frame(0, true, 'gun')]);
    expect(told(new StreamDecoder(V5).push('target', target))).toEqual(['target data stdout: begun']);
    const client = await frames(true, [
      { payload: Buffer.from('\0one'), final: false },
      { opcode: 'continuation', payload: Buffer.from('\x04two') },
    ]);
    expect(told(new StreamDecoder(V5).push('client', client))).toEqual([
      'client data stdin: one',
      'client data resize: two',
    ]);
  });

  it('have no closing signal before v5', () => {
    const said = webSocketFrame(2, Buffer.from([255, 0]));
    expect(told(new StreamDecoder(V4).push('target', said))).toEqual([]);
  });

  it('are read where they are base64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), sizes, (bytes, size) => {
        const decoder = new StreamDecoder(form('websocket', 'base64.channel.k8s.io'));
        const sent = webSocketFrame(1, Buffer.from(`1${Buffer.from(bytes).toString('base64')}`));
        const text = Buffer.from(bytes).toString('latin1');
        const read = told(inPieces(decoder, 'target', sent, size));
        expect(read.join('').trimEnd()).toBe(
          text.length === 0 ? '' : `target data stdout: ${text}`.trimEnd(),
        );
      }),
    );
    const wrong = webSocketFrame(1, Buffer.from('1***='));
    expect(() =>
      told(new StreamDecoder(form('websocket', 'base64.channel.k8s.io')).push('target', wrong)),
    ).toThrow('no base64');
  });

  it('of ports without a tunnel begin with the port', () => {
    const ports = { ...form('websocket', 'v4.channel.k8s.io', 'forward'), ports: [80, 443] };
    const decoder = new StreamDecoder(ports);
    const said = [
      [0, 80, 0],
      [1, 80, 0],
      [2, 0xbb, 1],
      [2, 0x68],
      [3, 0xbb, 1, 0x6f],
    ];
    const sent = Buffer.concat(said.map((bytes) => webSocketFrame(2, Buffer.from(bytes))));
    expect(told(decoder.push('target', sent))).toEqual([
      'target data 2 443 data: h',
      'target data 2 443 error: o',
    ]);
  });

  it('are not believed where a mask is the other side’s, or a length no length', () => {
    const unmasked = Buffer.from([0x82, 1, 0]);
    expect(() => told(new StreamDecoder(V5).push('client', unmasked))).toThrow('mask');
    const endless = Buffer.from([0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255]);
    expect(() => told(new StreamDecoder(V5).push('target', endless))).toThrow('longer than anything');
  });
});

describe('streams of SPDY', () => {
  it('are named by the headers that open them, however they are cut', async () => {
    const client = new SpdyWriter();
    const target = new SpdyWriter();
    const opened = Buffer.concat([
      await client.open(1, { streamtype: 'error' }),
      await client.open(3, { streamtype: 'stdin' }),
      await client.open(5, { streamtype: 'stdout' }),
      data(3, 0, 'typed'),
      data(3, 1, ''),
    ]);
    const answered = Buffer.concat([
      await target.reply(1),
      control(9, 0, Buffer.alloc(8)),
      data(5, 0, 'out'),
      data(99, 0, 'of nobody'),
      data(1, 1, '{"status":"Success"}'),
      control(7, 0, Buffer.alloc(8)),
    ]);
    fc.assert(
      fc.property(sizes, sizes, (one, other) => {
        const decoder = new StreamDecoder(SPDY);
        expect(told(inPieces(decoder, 'client', opened, one))).toEqual([
          'client data stdin: typed',
          'client closed stdin:',
        ]);
        expect(told(inPieces(decoder, 'target', answered, other))).toEqual([
          'target data stdout: out',
          'target data error: {"status":"Success"}',
          'target closed error:',
          'target close :',
        ]);
        expect([...decoder.streams.open].map(({ id }) => id)).toEqual([1, 3, 5]);
      }),
    );
  });

  it('of forwarded ports belong together by their request, or by their numbers', async () => {
    const client = new SpdyWriter();
    const decoder = new StreamDecoder(form('spdy', 'portforward.k8s.io', 'forward'));
    const sent = Buffer.concat([
      await client.open(1, { streamtype: 'error', port: '80', requestid: '0' }, 1),
      await client.open(3, { streamtype: 'data', port: '80', requestid: '0' }),
      await client.open(5, { streamtype: 'error', port: '81' }),
      await client.open(7, { streamtype: 'data', port: '81' }),
      data(7, 0, 'b'),
      data(3, 0, 'a'),
      control(3, 0, Buffer.concat([uint32(3), uint32(5)])),
    ]);
    expect(told(decoder.push('client', sent))).toEqual([
      'client closed 1 80 error:',
      'client data 2 81 data: b',
      'client data 1 80 data: a',
      'client closed 1 80 data:',
      'target closed 1 80 data:',
    ]);
  });

  it('are read through a tunnel, where a message ends anywhere', async () => {
    const client = new SpdyWriter();
    const plain = Buffer.concat([
      await client.open(1, { streamtype: 'data', port: '80', requestid: '7' }),
      data(1, 1, 'GET /'),
    ]);
    const sent = await frames(true, [
      { payload: plain.subarray(0, 11) },
      { opcode: 'ping', payload: Buffer.from('x') },
      { payload: plain.subarray(11), final: false },
      { opcode: 'continuation', payload: Buffer.alloc(0) },
    ]);
    const decoder = new StreamDecoder(form('websocket', TUNNEL, 'forward'));
    expect(told(inPieces(decoder, 'client', sent, 3))).toEqual([
      'client data 1 80 data: GET /',
      'client closed 1 80 data:',
    ]);
  });

  it('security case 21: are not believed when they would become large', async () => {
    const read = (bytes: Uint8Array): unknown => told(new StreamDecoder(SPDY).push('client', bytes));
    const open = (block: Uint8Array): Buffer =>
      control(1, 0, Buffer.concat([uint32(1), Buffer.alloc(6), block]));
    const bomb = await new SpdyWriter().compressed(Buffer.alloc(30 << 20));
    expect(bomb.length).toBeLessThan(64 << 10);
    expect(() => read(open(bomb))).toThrow('too long');
    expect(() => read(control(1, 0, Buffer.alloc((64 << 10) + 1)))).toThrow('too long');
    expect(() => read(open(Buffer.from('no zlib at all')))).toThrow('not compressed');
  });

  it.each<[string, Buffer]>([
    ['ends early', Buffer.concat([uint32(1), uint32(9)])],
    ['has too many', uint32(1_000_000)],
    ['has more behind it', Buffer.concat([uint32(0), uint32(0)])],
    ['is empty', Buffer.alloc(0)],
    [
      'has one twice',
      Buffer.concat([uint32(2), ...['a', 'b', 'A', 'c'].flatMap((text) => [uint32(1), Buffer.from(text)])]),
    ],
  ])('are not opened by a block that %s', async (_, plain) => {
    const block = await new SpdyWriter().compressed(plain);
    const sent = control(1, 0, Buffer.concat([uint32(1), Buffer.alloc(6), block]));
    expect(() => told(new StreamDecoder(SPDY).push('client', sent))).toThrow(CustodyError);
  });

  it('have the dictionary of the draft', async () => {
    // Its Adler-32, by which every compressed block names it (RFC 1950 section 2.2).
    expect((await new SpdyWriter().block({})).readUInt32BE(2)).toBe(0xe3c6a7c2);
  });
});

describe('whatever it is', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 30 })))
      .map((list) => Buffer.concat(list.map(([type, bytes]) => control(type, 0, bytes)))),
  );
  it.each([V5, SPDY, form('websocket', TUNNEL, 'forward'), form('websocket', '', 'opaque')])(
    'is read, or refused as what it is: $kind $protocol',
    (one) => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.constantFrom('client' as const, 'target' as const), anything)),
          (said) => {
            const decoder = new StreamDecoder(one);

            const read = (): void => said.forEach(([from, bytes]) => void told(decoder.push(from, bytes)));
            expect(['read', 'protocol-violation']).toContain(codeOf(read));
          },
        ),
      );
    },
  );
});

function frame(opcode: number, final: boolean, payload: string): Buffer {
  const bytes = Buffer.from(webSocketFrame(opcode, Buffer.from(payload)));
  if (!final) bytes[0]! &= 0x7f;
  return bytes;
}

/** Of what it throws. */
function codeOf(read: () => void): unknown {
  try {
    read();
    return 'read';
  } catch (error) {
    return error instanceof CustodyError ? error.code : error;
  }
}
