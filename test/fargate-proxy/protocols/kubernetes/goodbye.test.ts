/** A client that says that it is done: DELETE of what names the cluster. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { selfSigned } from '#test/support/self-signed.ts';
import { KubernetesStand, TOKEN } from './stand.ts';

async function stood() {
  const certificate = await selfSigned('localhost');
  const seen: string[] = [];
  const server = createServer(certificate, (asked, response) => {
    if (asked.url !== '/version') seen.push(`${asked.method} ${asked.url}`);
    response.end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stand = await KubernetesStand.start({ targetPort: port, targetCa: certificate.cert });
  onTestFinished(() => {
    stand.stop();
    server.closeAllConnections();
    server.close();
  });
  return { stand, seen };
}

async function ask(stand: KubernetesStand, method: string, path: string, token = TOKEN): Promise<number> {
  const place = {
    host: '127.0.0.1',
    port: stand.port,
    ca: stand.cert,
    servername: 'localhost',
    agent: false as const,
  };
  const made = request({ ...place, method, path, headers: { authorization: `Bearer ${token}` } });
  made.end();
  const [answer] = (await once(made, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode!;
}

it.each(['', '/'])('ends its session, and the next call begins another (%j)', async (end) => {
  const { stand, seen } = await stood();
  expect(await ask(stand, 'GET', '/clusters/prod/api')).toBe(200);
  expect(await ask(stand, 'DELETE', `/clusters/prod${end}`)).toBe(204);
  expect(stand.begun.map(({ ended }) => ended?.reason)).toEqual(['client-closed']);
  expect(await ask(stand, 'GET', '/clusters/prod/api')).toBe(200);
  expect(stand.begun).toHaveLength(2);
  expect(seen).toEqual(['GET /api', 'GET /api']);
});

it('security case 13: ends nobody else’s', async () => {
  const { stand } = await stood();
  expect(await ask(stand, 'GET', '/clusters/prod/api')).toBe(200);
  expect(await ask(stand, 'DELETE', '/clusters/prod', 'another-token')).toBe(404);
  expect(stand.begun.map(({ ended }) => ended)).toEqual([undefined]);
});
