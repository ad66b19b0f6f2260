import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect as connectHttp2 } from 'node:http2';
import { createServer, request, type Server } from 'node:https';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Record } from '#core/protocols/kubernetes/tape.ts';
import { selfSigned } from '#test/support/self-signed.ts';
import { KubernetesStand, type StandOptions, TOKEN } from './stand.ts';

let certificate: { cert: string; key: string };
const closers: (() => void)[] = [];
beforeAll(async () => {
  certificate = await selfSigned('localhost');
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface Stood {
  readonly stand: KubernetesStand;
  readonly server: Server;
  readonly seen: IncomingMessage[];
}

/** A doorway, and a target that answers as the handler does; `/version` is the gateway's own question. */
async function stood(handler: Handler, options: Partial<StandOptions> = {}): Promise<Stood> {
  const seen: IncomingMessage[] = [];
  const server = createServer(certificate, (asked, response) => {
    if (asked.url === '/version') return void response.end('{}');
    seen.push(asked);
    handler(asked, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stand = await KubernetesStand.start({ targetPort: port, targetCa: certificate.cert, ...options });
  closers.push(
    () => stand.stop(),
    () => (server.closeAllConnections(), server.close()),
  );
  return { stand, server, seen };
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

const bearer = { authorization: `Bearer ${TOKEN}` };

function byHttp1(stand: KubernetesStand, path: string, asked: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port: stand.port,
      path,
      method: asked.method ?? 'GET',
      headers: { ...bearer, ...asked.headers },
      ca: stand.cert,
      servername: 'localhost',
      agent: false,
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.end(asked.body);
  });
}

async function byHttp2(stand: KubernetesStand, path: string, asked: Asked = {}): Promise<Answer> {
  const session = connectHttp2(`https://localhost:${stand.port}`, { ca: stand.cert });
  try {
    const stream = session.request({
      ':path': path,
      ':method': asked.method ?? 'GET',
      ...bearer,
      ...asked.headers,
    });
    stream.end(asked.body);
    const [headers] = (await once(stream, 'response')) as [Answer['headers']];
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return { status: Number(headers[':status']), headers, body: Buffer.concat(chunks).toString() };
  } finally {
    session.close();
  }
}

function bodyOf(stand: KubernetesStand, of: string): string {
  const pieces = stand.records().filter(({ stream, type }) => stream === of && type === Record.body);
  return Buffer.concat(pieces.map(({ payload }) => payload)).toString();
}

describe.each([
  ['HTTP/1.1', byHttp1],
  ['HTTP/2', byHttp2],
] as const)('calls by %s', (_, ask) => {
  it('go to the target with its credential and as the person, and come back as they are', async () => {
    const { stand, seen } = await stood((_asked, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Audit-Id': 'a1' });
      response.end('{"kind":"PodList"}');
    });
    const answer = await ask(stand, '/clusters/prod/api/v1/namespaces/dev/pods?limit=5');
    expect(answer).toMatchObject({ status: 200, body: '{"kind":"PodList"}' });
    expect(answer.headers['audit-id']).toBe('a1');
    expect(seen[0]!.url).toBe('/api/v1/namespaces/dev/pods?limit=5');
    expect(seen[0]!.headers).toMatchObject({
      authorization: 'Bearer gateway-token',
      'impersonate-user': 'custody:dana@example.com',
    });
    const session = seen[0]!.headers['impersonate-extra-custody.session'];
    expect(seen[0]!.headers['impersonate-extra-custody.request']).toBe(`${session as string}/1`);
  });

  it('carry bodies both ways', async () => {
    const { stand } = await stood((asked, response) => void asked.pipe(response));
    const body = Buffer.alloc(700_000, 'abcdefg').toString();
    const answer = await ask(stand, '/clusters/prod/api/v1/namespaces/dev/pods', { method: 'POST', body });
    expect([answer.status, answer.body === body]).toEqual([200, true]);
    const types = stand.records().map(({ stream, type }) => `${stream} ${type}`);
    expect(types.slice(0, 2)).toEqual(['client 1', 'gateway 6']);
    expect(types.filter((one) => one.endsWith('3'))).toEqual(['client 3', 'target 3']);
    expect(bodyOf(stand, 'client') === body).toBe(true);
    expect(bodyOf(stand, 'target') === body).toBe(true);
  });
});
