import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { farewell } from '#proxy/wire/farewell.ts';
import { eventually } from '#test/support/clients.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function connection(): Promise<{ ours: Socket; peer: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const peer = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [ours] = (await accepted) as [Socket];
  for (const socket of [ours, peer]) socket.on('error', () => undefined);
  closers.push(() => (ours.destroy(), peer.destroy(), server.close()));
  return { ours, peer };
}

describe('a farewell', () => {
  it('reaches a peer that had more to say', async () => {
    const { ours, peer } = await connection();
    peer.write(Buffer.alloc(10_000));
    await once(ours, 'readable');
    farewell(ours, Buffer.from('no'));
    const said = once(peer, 'data');
    expect(String((await said)[0])).toBe('no');
    await once(ours, 'close');
  });

  it('reads little of a peer that goes on sending, and closes all the same', async () => {
    const { ours, peer } = await connection();
    const flood = Buffer.alloc(1 << 20);
    const send = (): void => void (peer.writable && peer.write(flood, () => setImmediate(send)));
    send();
    await once(ours, 'readable');
    farewell(ours, Buffer.from('no'));
    await eventually('the close', () => (ours.closed ? true : undefined), 5_000);
    // One read of node's beyond the bound, and what had been read before.
    expect(ours.bytesRead).toBeLessThan(4 * (64 << 10));
  });
});
