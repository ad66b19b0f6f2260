import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { CustodyError, type ErrorCode } from '#core/errors.ts';
import { StreamDecoder } from '#core/protocols/kubernetes/streams/decoder.ts';
import { exitCodeOf } from '#core/protocols/kubernetes/streams/exit.ts';
import { TUNNEL } from '#core/protocols/kubernetes/streams/form.ts';
import { StreamWatch } from '#core/protocols/kubernetes/streams/watch.ts';
import { webSocketFrame } from '#core/protocols/kubernetes/streams/websocket.ts';
import { form, told } from './read.ts';
import { data, SpdyWriter } from './spdy-writer.ts';
import { frames } from './ws-writer.ts';

const WORDS = 'custody: this session was ended; ask why';

function ended(code: ErrorCode = 'terminated'): CustodyError {
  return new CustodyError(code, 'this session was ended', { hint: 'ask why' });
}

/** What npm's ws makes of it. */
async function heardByWs(bytes: Uint8Array): Promise<{ messages: Buffer[]; code: number; reason: string }> {
  const server = createServer((socket: Socket) =>
    socket.once('data', (head: Buffer) => {
      const [, key] = /Sec-WebSocket-Key: (.*)\r\n/i.exec(head.toString())!;
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(
        `HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.end(bytes);
    }),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
  const messages: Buffer[] = [];
  client.on('message', (message: Buffer) => messages.push(message));
  const [code, reason] = (await once(client, 'close')) as [number, Buffer];
  server.close();
  return { messages, code, reason: reason.toString() };
}

describe('a goodbye', () => {
  it.each(['v5.channel.k8s.io', 'v4.channel.k8s.io'])(
    'of %s is a Status, behind which the end is a normal one',
    async (protocol) => {
      const { words } = new StreamWatch(form('websocket', protocol)).goodbye(ended())!;
      const { messages, code, reason } = await heardByWs(words);
      expect(messages.map((message) => message[0])).toEqual([3]);
      expect(JSON.parse(messages[0]!.subarray(1).toString())).toMatchObject({
        kind: 'Status',
        status: 'Failure',
        message: WORDS,
      });
      expect([code, reason]).toEqual([1000, WORDS]);
      expect(exitCodeOf(messages[0]!.subarray(1))).toBeUndefined();
    },
  );

  it('of v4.base64.channel.k8s.io is one as well', async () => {
    const { words } = new StreamWatch(form('websocket', 'v4.base64.channel.k8s.io')).goodbye(ended())!;
    const { messages } = await heardByWs(words);
    expect(messages[0]![0]).toBe('3'.charCodeAt(0));
    const status = Buffer.from(messages[0]!.subarray(1).toString(), 'base64').toString();
    expect(JSON.parse(status)).toMatchObject({ message: WORDS });
  });

  it.each<[string, ErrorCode, number]>([
    ['channel.k8s.io', 'terminated', 1008],
    ['', 'draining', 1001],
    ['base64.channel.k8s.io', 'recording-failed', 1011],
  ])('of %s is plain, and %s closes with %i', async (protocol, error, expected) => {
    const { words } = new StreamWatch(form('websocket', protocol)).goodbye(ended(error))!;
    const { messages, code, reason } = await heardByWs(words);
    const said = messages[0]!.subarray(1).toString();
    expect(protocol.startsWith('base64') ? Buffer.from(said, 'base64').toString() : said).toBe(WORDS);
    expect([code, reason]).toEqual([expected, WORDS]);
  });

  it('to an application behind proxy is its close, with as many words as one has room for', async () => {
    const long = new CustodyError('terminated', `ü${'é'.repeat(100)}`);
    const { words } = new StreamWatch(form('websocket', 'mqtt', 'opaque')).goodbye(long)!;
    const { messages, code, reason } = await heardByWs(words);
    expect([messages, code]).toEqual([[], 1008]);
    expect(reason).toBe(`custody: ü${'é'.repeat(56)}`);
  });

  it('of ports without a tunnel is on the channel of each one’s errors', async () => {
    const ports = { ...form('websocket', 'v4.channel.k8s.io', 'forward'), ports: [80, 81] };
    const { messages } = await heardByWs(new StreamWatch(ports).goodbye(ended())!.words);
    expect(messages.map((message) => [message[0], message.subarray(1).toString()])).toEqual([
      [1, WORDS],
      [3, WORDS],
    ]);
  });

  it('of a tunnel is on the stream of each connection’s errors, and its close comes later', async () => {
    const client = new SpdyWriter();
    const opened = Buffer.concat([
      await client.open(1, { streamtype: 'error', port: '80', requestid: '0' }, 1),
      await client.open(3, { streamtype: 'data', port: '80', requestid: '0' }),
    ]);
    const tunnel = form('websocket', TUNNEL, 'forward');
    const watch = new StreamWatch(tunnel);
    const sent = await frames(true, [{ payload: opened }]);
    watch.fromClient(sent, sent.length);
    const { words, close } = watch.goodbye(ended())!;
    const decoder = new StreamDecoder(tunnel);
    expect(told(decoder.push('client', sent))).toEqual(['client closed 1 80 error:']);
    expect(told(decoder.push('target', words))).toEqual([
      `target data 1 80 error: ${WORDS}`,
      'target closed 1 80 error:',
      'target closed 1 80 data:',
    ]);
    expect(told(decoder.push('target', close!))).toEqual(['target close :', `target close : 1008 ${WORDS}`]);
  });

  it('is none behind the target’s own', () => {
    const watch = new StreamWatch(form('websocket', 'v5.channel.k8s.io'));
    const close = webSocketFrame(8, Buffer.from([3, 232]));
    watch.fromTarget(close, close.length);
    expect(watch.goodbye(ended())).toBeUndefined();
  });

  it('may stand between two frames of the target’s alone', () => {
    const watch = new StreamWatch(form('spdy', 'v4.channel.k8s.io'));
    const two = Buffer.concat([data(1, 0, 'abc'), data(1, 0, 'def')]);
    watch.fromTarget(two, 5);
    expect(watch.maySpeak).toBe(false);
    expect(watch.toBoundary(two.subarray(5), two.length - 5)).toBe(6);
    expect(watch.maySpeak).toBe(true);
  });

  it('has no place in what nobody can read', () => {
    const watch = new StreamWatch(form('websocket', 'v5.channel.k8s.io'));
    const masked = Buffer.from([0x82, 0x81, 0, 0, 0, 0, 1]);
    watch.fromTarget(masked, masked.length);
    expect(watch.maySpeak).toBe(false);
    expect(watch.toBoundary(masked, masked.length)).toBe(masked.length);
  });
});

describe('how a command ended', () => {
  it.each<[string, unknown, number | undefined]>([
    ['well', { status: 'Success' }, 0],
    [
      'with a code',
      {
        status: 'Failure',
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '137' }] },
      },
      137,
    ],
    ['with no code', { status: 'Failure', reason: 'InternalError', message: 'no such container' }, undefined],
    [
      'with another cause',
      { status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'x', message: '1' }] } },
      undefined,
    ],
    [
      'with what is no code',
      {
        status: 'Failure',
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '256' }] },
      },
      undefined,
    ],
    [
      'with no list',
      { status: 'Failure', reason: 'NonZeroExitCode', details: { causes: 'ExitCode' } },
      undefined,
    ],
  ])('%s', (_, status, code) => {
    expect(exitCodeOf(Buffer.from(JSON.stringify(status)))).toBe(code);
  });

  it('is not known from plain words', () => {
    expect(exitCodeOf(Buffer.from('command terminated'))).toBeUndefined();
  });
});
