import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { LocalEvidenceLinks } from '#adapters/local/evidence-links.ts';
import type { Config } from '#core/access/config.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionCatalog } from '#core/recording/session-index.ts';
import { problem } from '#lambdas/problem.ts';
import { sessionsHandler } from '#lambdas/sessions/handler.ts';
import { signerHandler } from '#lambdas/signer/handler.ts';
import { type GatewayAddress, targetsHandler } from '#lambdas/targets/handler.ts';

const REQUEST_MS = 10_000;
const HEADERS_MAX_BYTES = 32 << 10;

export interface ApiOptions {
  /** 0 picks a free one. */
  readonly port: number;
  readonly config: Config;
  readonly verifier: TokenVerifier;
  readonly catalog: SessionCatalog;
  readonly source: RecordingSource;
  readonly signerPem: string;
  readonly gateway: GatewayAddress;
  readonly now: () => Date;
}

type Handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

/** Serves the Lambda handlers on this machine: an HTTP request becomes the event that API Gateway would make of it. */
export async function startApi(
  options: ApiOptions,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer({
    maxHeaderSize: HEADERS_MAX_BYTES,
    requestTimeout: REQUEST_MS,
    headersTimeout: REQUEST_MS,
  });
  await new Promise<void>((done, failed) => {
    server.once('error', (cause: NodeJS.ErrnoException) => failed(portProblem(options.port, cause)));
    server.listen(options.port, '127.0.0.1', done);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const links = new LocalEvidenceLinks(url, randomBytes(32), options.now);
  const answer = answerer(options, links);
  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => send(response, problem(asCustodyError(error))));
  });
  return {
    url,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function answerer(options: ApiOptions, links: LocalEvidenceLinks) {
  const { config: policy, verifier, catalog, source, signerPem, gateway, now } = options;
  const sessions = sessionsHandler({ catalog, policy, verifier, links, source, now });
  const targets = targetsHandler({ policy, verifier, gateway, now });
  const signer = signerHandler({ pem: signerPem });
  const routes: readonly (readonly [RegExp, Handler])[] = [
    [/^\/v1\/sessions(?:\/[^/]+(?:\/evidence)?)?$/, sessions],
    [/^\/v1\/targets$/, targets],
    [/^\/v1\/signer$/, signer],
  ];
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = URL.parse(`http://local${request.url ?? ''}`);
    if (url === null || request.method !== 'GET') throw notFound();
    const key = links.keyOf(url);
    if (key !== undefined) return sendObject(response, await source.get(key));
    const handler = routes.find(([path]) => path.test(url.pathname))?.[1];
    if (handler === undefined) throw notFound();
    send(response, await handler(toEvent(request, url), {} as Context));
  };
}

/** API Gateway's payload format 2.0, as far as the handlers use it. */
function toEvent(request: IncomingMessage, url: URL): APIGatewayProxyEventV2 {
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const);
  return {
    version: '2.0',
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: Object.fromEntries(headers),
    queryStringParameters: Object.fromEntries(url.searchParams),
    isBase64Encoded: false,
  } as APIGatewayProxyEventV2;
}

function send(
  response: ServerResponse,
  { statusCode, headers, body }: APIGatewayProxyStructuredResultV2,
): void {
  response.writeHead(statusCode ?? 500, {
    'x-content-type-options': 'nosniff',
    ...(headers as Record<string, string> | undefined),
  });
  response.end(body);
}

function sendObject(response: ServerResponse, bytes: Uint8Array): void {
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': bytes.byteLength,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  response.end(bytes);
}

function notFound(): CustodyError {
  return new CustodyError('not-found', 'there is nothing here');
}

function portProblem(port: number, cause: NodeJS.ErrnoException): CustodyError {
  return new CustodyError('config-invalid', `the API cannot listen on port ${port} (${cause.code})`, {
    hint: 'stop what uses the port, or choose other ports with --port-base',
    cause,
  });
}
