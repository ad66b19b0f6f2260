import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { selfSigned } from '#test/support/self-signed.ts';
import { UpgradeStand } from '#test/support/upgrade-stand.ts';

const EXEC = '/api/v1/namespaces/dev/pods/web-0/exec?command=sh&stdin=true&stdout=true';

let server: Server;
let ca: string;
let sockets: WebSocketServer;
let stand: UpgradeStand;
beforeEach(async () => {
  const pair = await selfSigned('target');
  ca = pair.cert;
  server = createServer(pair);
  sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, rest) =>
    sockets.handleUpgrade(request, socket, rest, (peer) => sockets.emit('connection', peer)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  await stand.stop();
  server.closeAllConnections();
  server.close();
});

async function through(
  options: Partial<Parameters<typeof UpgradeStand.start>[0]> = {},
): Promise<UpgradeStand> {
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return (stand = await UpgradeStand.start({ target: { url, ca }, ...options }));
}

describe('an upgraded call', () => {
  it('carries both directions, and records each', async () => {
    await through();
    sockets.on('connection', (peer) =>
      peer.on('message', (said: Buffer) => peer.send(Buffer.concat([Buffer.from('\x01'), said]))),
    );
    const client = new WebSocket(`${stand.url}${EXEC}`, 'v5.channel.k8s.io', {
      ca: stand.ca,
      rejectUnauthorized: false,
    });
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
    expect(Buffer.concat(target.map(({ payload }) => payload)).includes('hello')).toBe(true);
  });
});
