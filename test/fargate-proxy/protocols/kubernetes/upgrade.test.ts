import { once } from 'node:events';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { CustodyError } from '#core/errors.ts';
import { StreamDecoder } from '#core/protocols/kubernetes/streams/decoder.ts';
import { data, SpdyWriter } from '#test/core/protocols/kubernetes/streams/spdy-writer.ts';
import { until } from '#test/support/relay-stand.ts';
import { selfSigned } from '#test/support/self-signed.ts';
import { type StandOptions, UpgradeStand } from '#test/support/upgrade-stand.ts';

const EXEC = '/api/v1/namespaces/dev/pods/web-0/exec?command=sh&stdin=true&stdout=true';
const TERMINATED = new CustodyError('terminated', 'this session was ended by dana@example.com');

let server: Server;
let ca: string;
let stand: UpgradeStand;
/** The target's side of what was upgraded. */
let target: Socket;
beforeEach(async () => {
  const pair = await selfSigned('target');
  ca = pair.cert;
  server = createServer(pair);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  await stand.stop();
  target?.destroy();
  server.closeAllConnections();
  server.close();
});

async function through(options: Partial<StandOptions> = {}): Promise<void> {
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  stand = await UpgradeStand.start({ target: { url, ca }, ...options });
}

/** The target grants SPDY, and says this with it. */
function grants(more: string | Uint8Array = ''): void {
  server.on('upgrade', (_, socket) => {
    target = socket as Socket;
    target.allowHalfOpen = true;
    target.on('error', () => undefined);
    socket.write(
      Buffer.concat([
        Buffer.from(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n',
        ),
        Buffer.from(more),
      ]),
    );
  });
}

/** A client that was granted SPDY, and what came with that. */
async function spdy(): Promise<{ socket: Socket; head: Buffer; headers: readonly string[] }> {
  const asked = request(`${stand.url}${EXEC}`, {
    method: 'POST',
    agent: false,
    rejectUnauthorized: false,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'SPDY/3.1',
      'X-Stream-Protocol-Version': 'v4.channel.k8s.io',
      'Content-Length': '0',
    },
  });
  asked.end();
  const [answer, socket, head] = (await once(asked, 'upgrade')) as [{ rawHeaders: string[] }, Socket, Buffer];
  socket.on('error', () => undefined);
  await until(() => stand.upgraded.length > 0);
  return { socket, head, headers: answer.rawHeaders };
}

async function heard(socket: Socket, already: Uint8Array = new Uint8Array()): Promise<string> {
  const chunks: Uint8Array[] = [already];
  for await (const chunk of socket) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString('latin1');
}

function textOf(records: readonly { readonly type: number; readonly payload: Uint8Array }[]): string {
  return Buffer.concat(records.map(({ payload }) => payload)).toString('latin1');
}

describe('an upgraded call', () => {
  it('carries both directions, and records each', async () => {
    await through();
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (asked, socket, rest) =>
      sockets.handleUpgrade(asked, socket, rest, (peer) =>
        peer.on('message', (said: Buffer) => peer.send(Buffer.concat([Buffer.from('\x01'), said]))),
      ),
    );
    const client = new WebSocket(`${stand.url}${EXEC}`, 'v5.channel.k8s.io', { rejectUnauthorized: false });
    await once(client, 'open');
    client.send(Buffer.from('\0hello'));
    const [back] = (await once(client, 'message')) as [Buffer];
    expect(String(back)).toBe('\x01\0hello');
    client.close(1000);
    await once(client, 'close');
    expect(await stand.upgraded[0]!.ended).toEqual({ by: 'target' });
    const { client: said, target } = await stand.records();
    expect(said.map(({ type, call }) => [type, call])).toEqual([
      [4, 1],
      [4, 1],
      [5, 1],
    ]);
    expect(target.at(-1)!.type).toBe(5);
    expect(textOf(target)).toContain('hello');
  });

  it('loses nothing of what comes with the answer, whose headers pass as they came', async () => {
    await through();
    grants('at once');
    const { socket, head, headers } = await spdy();
    expect(headers).toEqual([
      'Connection',
      'Upgrade',
      'Upgrade',
      'SPDY/3.1',
      'X-Stream-Protocol-Version',
      'v4.channel.k8s.io',
    ]);
    target.end(' and later');
    expect(await heard(socket, head)).toMatch(/^at once and later/);
    expect(textOf((await stand.records()).target)).toBe('at once and later');
  });

  it('lets one side finish while the other goes on', async () => {
    await through();
    grants();
    const { socket, head } = await spdy();
    socket.end('all that I say');
    expect(await heard(target)).toBe('all that I say');
    target.write(Buffer.alloc(300_000, 'x'));
    target.end('the end');
    expect((await heard(socket, head)).startsWith('x'.repeat(300_000) + 'the end')).toBe(true);
    expect((await stand.upgraded[0]!.ended).by).toBe('client');
  });

  it('gives the target the rest of a client that is gone, and ends it', async () => {
    await through();
    grants();
    const { socket } = await spdy();
    socket.write('last words', () => socket.destroy());
    expect(await heard(target)).toBe('last words');
    target.destroy();
    expect((await stand.upgraded[0]!.ended).by).toBe('client');
  });

  it('says so when a command’s target vanishes, and not when it has said how the command ended', async () => {
    await through();
    grants();
    const opened = await new SpdyWriter().open(1, { streamtype: 'error' });
    const { socket, head } = await spdy();
    socket.write(opened);
    await once(target, 'data');
    target.end();
    expect(await heard(socket, head)).toContain('the cluster closed the connection unexpectedly');
    expect(await stand.upgraded[0]!.ended).toEqual({ by: 'target' });
    const again = await spdy();
    again.socket.write(opened);
    await once(target, 'data');
    target.end(data(1, 1, '{"status":"Success"}'));
    expect(await heard(again.socket, again.head)).not.toContain('unexpectedly');
    expect(await stand.upgraded[1]!.ended).toEqual({ by: 'target', exitCode: 0 });
  });
});

describe('an upgraded call that has to end', () => {
  it('is told between two frames, and no byte of the client’s passes any more', async () => {
    await through();
    grants();
    const { socket, head } = await spdy();
    const client = new SpdyWriter();
    const opened = Buffer.concat([
      await client.open(1, { streamtype: 'error' }),
      await client.open(3, { streamtype: 'stdout' }),
    ]);
    socket.write(opened);
    await once(target, 'data');
    const frame = data(3, 0, 'y'.repeat(1000));
    target.write(frame.subarray(0, 500));
    await once(socket, 'data');
    stand.upgraded[0]!.end(TERMINATED);
    target.write(Buffer.concat([frame.subarray(500), data(3, 0, 'not this')]));
    const rest = Buffer.from(await heard(socket, head), 'latin1');
    const decoder = new StreamDecoder({
      kind: 'spdy',
      protocol: 'v4.channel.k8s.io',
      purpose: 'command',
      ports: [],
    });
    expect([...decoder.push('client', opened)]).toEqual([]);
    const events = [...decoder.push('target', Buffer.concat([frame.subarray(0, 500), rest]))];
    const of = (channel: string): string =>
      Buffer.concat(
        events.flatMap((event) => (event.kind === 'data' && event.channel === channel ? [event.bytes] : [])),
      ).toString();
    expect(of('stdout')).toBe('y'.repeat(1000));
    expect(JSON.parse(of('error'))).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      message: 'custody: this session was ended by dana@example.com',
    });
    expect(events.slice(-3).map(({ kind }) => kind)).toEqual(['closed', 'closed', 'close']);
    const { gateway } = await stand.records();
    expect(JSON.parse(textOf(gateway.slice(-1)))).toEqual({
      by: 'gateway',
      code: 'terminated',
      message: TERMINATED.message,
    });
  });

  it('is told behind the frame whose rest still waited for the recorder', async () => {
    let now = 1;
    await through({ held: true, clock: () => now, tape: { windowMs: 60_000, deadlineMs: 600_000 } });
    grants();
    const { socket, head } = await spdy();
    const client = new SpdyWriter();
    socket.write(await client.open(1, { streamtype: 'error' }));
    await once(target, 'data');
    const frame = data(3, 0, 'y'.repeat(1000));
    target.write(frame.subarray(0, 500));
    await once(socket, 'data');
    now += 60_001;
    const { position } = stand.tapes;
    target.write(frame.subarray(500));
    await until(() => stand.tapes.position > position);
    stand.upgraded[0]!.end(TERMINATED);
    stand.tapes.handOver();
    stand.makeDurable();
    expect(await heard(socket, head)).toMatch(/y{500}[^]*this session was ended by dana@example.com/);
  });

  it('is closed without words in the midst of a frame that does not end', async () => {
    await through();
    grants();
    const { socket, head } = await spdy();
    target.write(data(3, 0, 'y'.repeat(1000)).subarray(0, 500));
    await once(socket, 'data');
    stand.upgraded[0]!.end(TERMINATED);
    expect(await heard(socket, head)).not.toContain('custody');
    expect((await stand.upgraded[0]!.ended).by).toBe('gateway');
  });
});

describe('bytes of an upgraded call', () => {
  it('do not pile up for a client that reads slowly', async () => {
    await through({ forgets: true });
    grants();
    const { socket } = await spdy();
    socket.pause();
    let taken = 0;
    const chunk = data(3, 0, Buffer.alloc(1 << 20));
    // Until the kernel's buffers and the relay's are full, and nothing moves.
    for (let idle = 0; idle < 20; ) {
      const flushed = target.write(chunk);
      taken += chunk.length;
      if (flushed) continue;
      const drained = await Promise.race([
        once(target, 'drain'),
        new Promise((wait) => setTimeout(wait, 10, 'late')),
      ]);
      idle = drained === 'late' ? idle + 20 : 0;
      if (taken > 100 << 20) break;
    }
    expect(taken).toBeLessThan(40 << 20);
    const left = taken;
    let got = 0;
    socket.on('data', (bytes: Buffer) => (got += bytes.length));
    socket.resume();
    await until(() => got >= left);
  });

  it('of the client wait until they are durable, in write-ahead mode', async () => {
    await through({ held: true, tape: { durability: 'write-ahead', windowMs: 60_000 } });
    grants();
    const { socket } = await spdy();
    let reached = '';
    target.on('data', (bytes: Buffer) => (reached += bytes.toString()));
    socket.write('held');
    await until(() => stand.isAsked);
    target.write('.');
    await once(socket, 'data');
    expect(reached).toBe('');
    stand.makeDurable();
    await until(() => reached !== '');
    expect(reached).toBe('held');
  });

  it('that were held when it ends are never forwarded, and counted', async () => {
    await through({ held: true, tape: { durability: 'write-ahead', windowMs: 60_000 } });
    grants();
    const { socket } = await spdy();
    let reached = '';
    target.on('data', (bytes: Buffer) => (reached += bytes.toString()));
    socket.write('held');
    await until(() => stand.isAsked);
    stand.upgraded[0]!.end(TERMINATED);
    await stand.upgraded[0]!.ended;
    stand.tapes.handOver();
    stand.makeDurable();
    expect(stand.notes).toContainEqual({ note: 'not-forwarded', bytes: 4, call: 1 });
    expect(reached).toBe('');
  });

  it('go nowhere when they cannot be recorded', async () => {
    await through();
    grants();
    const { socket, head } = await spdy();
    stand.upgraded[0]!.end(new CustodyError('recording-failed', 'the recording could not be stored'));
    expect((await stand.upgraded[0]!.ended).by).toBe('gateway');
    await heard(socket, head);
  });
});

describe('security case 17: an upgrade', () => {
  it('that the target grants otherwise than asked ends', async () => {
    await through();
    server.on('upgrade', (_, socket) => {
      target = socket as Socket;
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
    const asked = request(`${stand.url}${EXEC}`, {
      method: 'POST',
      agent: false,
      rejectUnauthorized: false,
      headers: { Connection: 'Upgrade', Upgrade: 'SPDY/3.1' },
    });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [{ statusCode: number }];
    expect(answer.statusCode).toBe(400);
    expect(stand.refused[0]!.message).toContain('granted what was not asked for');
    expect(stand.upgraded).toHaveLength(0);
  });
});
