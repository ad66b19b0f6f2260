import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { eventually } from '#test/support/clients.ts';
import { type KubernetesStand, TOKEN } from './stand.ts';
import { bearer, byHttp1, byHttp2, stood } from './target.ts';

const PODS = '/clusters/prod/api/v1/namespaces/dev/pods';
const AUTH = `Host: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n`;

/** Bytes as they are, and what comes back: until the gateway closes, or has given so many answers. */
async function bytes(stand: KubernetesStand, sent: string, answers = 1): Promise<string> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: stand.port,
    ca: stand.cert,
    servername: 'localhost',
    ALPNProtocols: ['http/1.1'],
  });
  await once(socket, 'secureConnect');
  let heard = '';
  socket.on('error', () => undefined);
  const over = new Promise<void>((done) => {
    socket.once('close', () => done());
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (statuses(heard).length >= answers) done();
    });
  });
  socket.write(sent, 'latin1');
  await over;
  socket.destroy();
  return heard;
}

const statuses = (heard: string): string[] =>
  [...heard.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => code!);

describe('security case 17: no second request is hidden in one', () => {
  it.each([
    [
      'both lengths',
      `POST ${PODS} HTTP/1.1\r\n${AUTH}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n`,
    ],
    ['two lengths', `POST ${PODS} HTTP/1.1\r\n${AUTH}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`],
    [
      'the same length twice',
      `POST ${PODS} HTTP/1.1\r\n${AUTH}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd`,
    ],
    ['a signed length', `POST ${PODS} HTTP/1.1\r\n${AUTH}Content-Length: +4\r\n\r\nabcd`],
    ['another coding', `POST ${PODS} HTTP/1.1\r\n${AUTH}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    [
      'a coding behind a tab',
      `POST ${PODS} HTTP/1.1\r\n${AUTH}Transfer-Encoding:\tgzip, chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'a space before the colon',
      `POST ${PODS} HTTP/1.1\r\n${AUTH}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a folded header', `GET ${PODS} HTTP/1.1\r\n${AUTH}X: a\r\n Impersonate-User: admin\r\n\r\n`],
    ['a bare line feed', `GET ${PODS} HTTP/1.1\r\n${AUTH}X: a\nImpersonate-User: admin\r\n\r\n`],
    ['a bare carriage return', `GET ${PODS} HTTP/1.1\r\n${AUTH}X: a\rImpersonate-User: admin\r\n\r\n`],
    ['a NUL', `GET ${PODS} HTTP/1.1\r\n${AUTH}X: a\0b\r\n\r\n`],
    [
      'a chunk that is longer than said',
      `POST ${PODS} HTTP/1.1\r\n${AUTH}Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n`,
    ],
    [
      'a negative chunk',
      `POST ${PODS} HTTP/1.1\r\n${AUTH}Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n`,
    ],
    ['two hosts', `GET ${PODS} HTTP/1.1\r\n${AUTH}Host: other\r\n\r\n`],
    ['no host', `GET ${PODS} HTTP/1.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`],
    ['another host in the line', `GET https://other${PODS} HTTP/1.1\r\n${AUTH}\r\n`],
    ['another method in the line', `GET ${PODS} HTTP/1.1 GET / HTTP/1.1\r\n${AUTH}\r\n`],
    ['no path', `OPTIONS * HTTP/1.1\r\n${AUTH}\r\n`],
    ['a tunnel', `CONNECT 169.254.169.254:80 HTTP/1.1\r\n${AUTH}\r\n`],
    ['the upgrade of a plain connection', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`],
  ])('%s is refused', async (_, sent) => {
    const { stand, seen } = await stood((asked, response) => {
      asked.resume();
      response.end('{}');
    });
    const heard = await bytes(stand, sent);
    for (const code of statuses(heard)) expect(Number(code)).toBeGreaterThanOrEqual(400);
    for (const asked of seen) expect(asked.url).toBe('/api/v1/namespaces/dev/pods');
    for (const asked of seen) expect(asked.headers['impersonate-user']).toBe('custody:dana@example.com');
    expect(heard).not.toMatch(/HTTP\/1\.1 200/);
  });

  it('a request before the one before it is answered is refused', async () => {
    const { stand, seen } = await stood((_, response) => void setTimeout(() => response.end('{}'), 50));
    const heard = await bytes(
      stand,
      `GET ${PODS}?a=1 HTTP/1.1\r\n${AUTH}\r\nGET ${PODS}?a=2 HTTP/1.1\r\n${AUTH}\r\n`,
      2,
    );
    expect(seen.map(({ url }) => url)).toEqual(['/api/v1/namespaces/dev/pods?a=1']);
    expect(statuses(heard)).toEqual(['200', '400']);
  });

  it('what follows a whole request is another one', async () => {
    const { stand, seen } = await stood((asked, response) => {
      asked.resume();
      response.end('{}');
    });
    const body = `POST ${PODS} HTTP/1.1\r\n${AUTH}Transfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n`;
    expect(statuses(await bytes(stand, body))).toEqual(['200']);
    expect(seen).toHaveLength(1);
  });
});

describe('security case 8: a path has one reading', () => {
  it.each([
    `${PODS}/../../../secrets`,
    `${PODS}/%2e%2e/secrets`,
    `/clusters/prod//api/v1/pods`,
    `/clusters/prod/api/v1/namespaces/dev%2fpods`,
    `/clusters/prod/api/v1/namespaces/dev%2Fpods`,
    `/clusters/prod/api/v1/namespaces/dev%5cpods`,
    `/clusters/prod/./api`,
    `/clusters/prod/api/v1/pods;x=1`,
    `/clusters/prod/api/v1/pods?watch=1;watch=0`,
    `/clusters/prod/api/v1/po%64s`,
    `/clusters/prod/api/v1/pods%00`,
    `/clusters/prod/api/v1/pods#x`,
  ])('%s never reaches the cluster', async (path) => {
    const { stand, seen } = await stood((_, response) => void response.end('{}'));
    expect((await byHttp2(stand, path)).status).toBeGreaterThanOrEqual(400);
    expect(statuses(await bytes(stand, `GET ${path} HTTP/1.1\r\n${AUTH}Connection: close\r\n\r\n`))).toEqual([
      '400',
    ]);
    expect(seen).toHaveLength(0);
  });
});

describe('security case 3: whom the cluster sees', () => {
  it.each([['impersonate-user'], ['impersonate-group'], ['impersonate-extra-scopes'], ['x-remote-user']])(
    'is not the client’s to say: %s',
    async (name) => {
      const { stand, seen } = await stood((_, response) => void response.end('{}'));
      for (const ask of [byHttp1, byHttp2])
        expect((await ask(stand, PODS, { headers: { ...bearer, [name]: 'admin' } })).status).toBe(403);
      expect(seen).toHaveLength(0);
    },
  );

  it('is said by no header that a connection names', async () => {
    const { stand, seen } = await stood((_, response) => void response.end('{}'));
    await bytes(
      stand,
      `GET ${PODS} HTTP/1.1\r\n${AUTH}Connection: close, impersonate-user, authorization\r\n\r\n`,
    );
    expect(seen[0]!.headers).toMatchObject({
      authorization: 'Bearer gateway-token',
      'impersonate-user': 'custody:dana@example.com',
    });
  });
});

describe('security case 16', () => {
  it('streams that are opened and taken back end the connection (rapid reset)', async () => {
    const { stand } = await stood((_, response) => void setTimeout(() => response.end('{}'), 1_000));
    const client = connectHttp2(`https://localhost:${stand.port}`, { ca: stand.cert });
    client.on('error', () => undefined);
    await once(client, 'connect');
    await byHttp2(stand, PODS);
    const closed = new Promise<void>((done) => client.once('close', () => done()));
    const storm = setInterval(() => {
      for (let at = 0; at < 200 && !client.destroyed && !client.closed; at += 1) {
        const stream = client.request({ ':path': PODS, ...bearer });
        stream.on('error', () => undefined);
        stream.once('ready', () => setImmediate(() => stream.close(constants.NGHTTP2_CANCEL)));
      }
    }, 5);
    await closed;
    clearInterval(storm);
    expect((await byHttp1(stand, PODS)).status).toBe(200);
  });

  it('a head that is too long is refused, and the gateway serves on', async () => {
    const { stand } = await stood((_, response) => void response.end('{}'));
    const heard = await bytes(stand, `GET ${PODS} HTTP/1.1\r\n${AUTH}X: ${'a'.repeat(80_000)}\r\n\r\n`);
    expect(statuses(heard)).toEqual(['431']);
    expect((await byHttp1(stand, PODS)).status).toBe(200);
  });

  it('a flood of calls that were never answered holds no more than a session may have', async () => {
    const { stand } = await stood(() => undefined, { limits: { calls: 3 } });
    const client = connectHttp2(`https://localhost:${stand.port}`, { ca: stand.cert });
    client.on('error', () => undefined);
    const codes: number[] = [];
    for (let at = 0; at < 10; at += 1) {
      const stream = client.request({ ':path': `${PODS}?n=${at}`, ...bearer });
      stream.on('response', (headers) => codes.push(Number(headers[':status'])));
      stream.on('error', () => undefined);
      stream.resume();
      stream.end();
    }
    await eventually('seven refusals', async () => codes.length === 7 || undefined);
    expect(codes).toEqual(Array.from({ length: 7 }, () => 429));
    client.destroy();
  });
});

it('security case 9: the cluster is where custody.yaml has it, whatever a request names', async () => {
  const { stand, seen } = await stood((_, response) => void response.end('{}'));
  await bytes(
    stand,
    `GET ${PODS} HTTP/1.1\r\nHost: 169.254.169.254\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
  );
  expect(seen.map(({ headers }) => headers.host)).toEqual([expect.stringMatching(/^localhost:\d+$/)]);
});
