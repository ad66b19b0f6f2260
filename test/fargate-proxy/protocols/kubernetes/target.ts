/** A target that a test writes, behind a doorway; and clients by both HTTPs. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import { Record } from '#core/protocols/kubernetes/tape.ts';
import { selfSigned } from '#test/support/self-signed.ts';
import { KubernetesStand, type StandOptions, TOKEN } from './stand.ts';

const certificate = await selfSigned('localhost');
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Stood {
  readonly stand: KubernetesStand;
  readonly server: Server;
  readonly seen: IncomingMessage[];
}

/** A doorway, and a target that answers as the handler does; `/version` is the gateway's own question. */
export async function stood(handler: Handler, options: Partial<StandOptions> = {}): Promise<Stood> {
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

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

export const bearer = { authorization: `Bearer ${TOKEN}` };

export function byHttp1(stand: KubernetesStand, path: string, asked: Asked = {}): Promise<Answer> {
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

export async function byHttp2(stand: KubernetesStand, path: string, asked: Asked = {}): Promise<Answer> {
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

export function bodyOf(stand: KubernetesStand, of: string): string {
  const pieces = stand.records().filter(({ stream, type }) => stream === of && type === Record.body);
  return Buffer.concat(pieces.map(({ payload }) => payload)).toString();
}
