import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { LocalEvidenceLinks } from '#adapters/local/evidence-links.ts';
import type { Config } from '#core/access/config.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import type { LeafSink } from '#core/ledger/leaves.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionCatalog } from '#core/recording/session-index.ts';
import type { HttpHandler } from '#lambdas/http.ts';
import { openApiHandler } from '#lambdas/openapi/handler.ts';
import { type FaultLog, problem } from '#lambdas/problem.ts';
import { type LedgerView, sessionsHandler } from '#lambdas/sessions/handler.ts';
import { signerHandler } from '#lambdas/signer/handler.ts';
import { type GatewayAddress, targetsHandler } from '#lambdas/targets/handler.ts';

const REQUEST_MS = 10_000;
/** No byte either way for as long: a reader that stopped reading does not keep an object in memory. */
const IDLE_MS = 30_000;
const HEADERS_MAX_BYTES = 32 << 10;

export interface ApiOptions {
  /** 0 picks a free one. */
  readonly port: number;
  readonly config: Config;
  readonly verifier: TokenVerifier;
  readonly catalog: SessionCatalog;
  readonly source: RecordingSource;
  readonly leaves: LeafSink;
  readonly ledger: LedgerView;
  readonly signerPem: string;
  readonly gateway: GatewayAddress;
  readonly now: () => Date;
  /** How long a request may take to arrive whole; 10 s when not given. */
  readonly requestMs?: number;
  /** Where faults of the server go; standard error when not given. */
  readonly log?: FaultLog;
}

export interface Api {
  readonly url: string;
  close(): Promise<void>;
}

type Answer = APIGatewayProxyStructuredResultV2;
type Respond = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Serves the Lambda handlers on this machine: an HTTP request becomes the event that API Gateway would make of it.
 * Rejects with `config-invalid` when it cannot listen on the port.
 */
export async function startApi({
  log = logFault,
  requestMs = REQUEST_MS,
  ...options
}: ApiOptions): Promise<Api> {
  const server = createServer({
    maxHeaderSize: HEADERS_MAX_BYTES,
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    connectionsCheckingInterval: Math.min(requestMs, 1_000),
  });
  server.setTimeout(IDLE_MS);
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    throw portProblem(options.port, cause);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const respond = responder({ ...options, log }, url, port);
  server.on('error', (error) => log(asCustodyError(error)));
  server.on('request', (request, response) => {
    respond(request, response).catch((error: unknown) => {
      log(asCustodyError(error));
      response.destroy();
    });
  });
  return { url, close: () => close(server) };
}

async function close(server: ReturnType<typeof createServer>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function responder(options: ApiOptions & { readonly log: FaultLog }, url: string, port: number): Respond {
  const { source, now, log } = options;
  const links = new LocalEvidenceLinks(url, randomBytes(32), now);
  const handlerOf = router(options, links);
  return async (request, response) => {
    const address = URL.parse(`http://local${request.url ?? ''}`);
    const refusal = refusalOf(request, port, log);
    if (refusal !== undefined) return send(response, refusal);
    const key = address === null ? undefined : links.keyOf(address);
    if (key !== undefined) return sendObject(response, key, source, log, request.method === 'HEAD');
    const handler = address === null ? undefined : handlerOf(address.pathname);
    if (address === null || handler === undefined) return send(response, problem(nothing(), log));
    return send(response, await handler(toEvent(request, address), {} as Context));
  };
}

function router(
  { config: policy, log, now, verifier, ...options }: ApiOptions & { readonly log: FaultLog },
  links: LocalEvidenceLinks,
): (path: string) => HttpHandler | undefined {
  const { catalog, source, leaves, ledger, signerPem: pem, gateway } = options;
  const routes: readonly (readonly [path: RegExp, handler: HttpHandler])[] = [
    [
      /^\/v1\/sessions(?:\/|$)/,
      sessionsHandler({ catalog, policy, verifier, links, source, leaves, ledger, now, log }),
    ],
    [/^\/v1\/targets$/, targetsHandler({ policy, verifier, gateway, now, log })],
    [/^\/v1\/signer$/, signerHandler({ pem, log })],
    [/^\/v1\/openapi\.json$/, openApiHandler({ log })],
  ];
  return (path) => routes.find(([pattern]) => pattern.test(path))?.[1];
}

/** What is refused before anybody looks at it. A body has nothing to do here, and is not read. */
function refusalOf({ method, headers }: IncomingMessage, port: number, log: FaultLog): Answer | undefined {
  // A page elsewhere whose name was pointed at this machine (DNS rebinding) comes with its own name.
  if (headers.host !== `127.0.0.1:${port}` && headers.host !== `localhost:${port}`) {
    return refused(421, 'this is not the address of this server', log);
  }
  if (method !== 'GET' && method !== 'HEAD') {
    const answer = refused(405, 'this API is for reading: GET and HEAD', log);
    return { ...answer, headers: { ...answer.headers, allow: 'GET, HEAD' } };
  }
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0) {
    return refused(413, 'a request to this API has no body', log);
  }
  return undefined;
}

/** The connection ends with it: what is left of the request is not read. */
function refused(status: number, message: string, log: FaultLog): Answer {
  const answer = problem(new CustodyError('protocol-violation', message), log, status);
  return { ...answer, headers: { ...answer.headers, connection: 'close' } };
}

/** API Gateway's payload format 2.0, as far as the handlers use it: of a repeated parameter it joins the values. */
function toEvent(request: IncomingMessage, { pathname, search, searchParams }: URL): APIGatewayProxyEventV2 {
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const);
  const query = [...new Set(searchParams.keys())].map(
    (name) => [name, searchParams.getAll(name).join()] as const,
  );
  return {
    version: '2.0',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: Object.fromEntries(headers),
    queryStringParameters: Object.fromEntries(query),
    isBase64Encoded: false,
  } as APIGatewayProxyEventV2;
}

/** What is sent here is data, for programs: a browser is to make nothing else of it. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

/** To HEAD, Node sends the headers alone. */
function send(response: ServerResponse, { statusCode, headers, body = '' }: Answer): void {
  response.writeHead(statusCode ?? 200, {
    ...(headers as Record<string, string> | undefined),
    'content-length': Buffer.byteLength(body),
    ...SECURITY_HEADERS,
  });
  response.end(body);
}

async function sendObject(
  response: ServerResponse,
  key: string,
  source: RecordingSource,
  log: FaultLog,
  head: boolean,
): Promise<void> {
  try {
    const bytes = head ? undefined : await source.get(key);
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': bytes?.byteLength ?? (await source.size(key)),
      'cache-control': 'no-store',
      ...SECURITY_HEADERS,
    });
    response.end(bytes);
  } catch (error) {
    send(response, problem(asCustodyError(error), log));
  }
}

function nothing(): CustodyError {
  return new CustodyError('not-found', 'there is nothing here', { hint: 'see /v1/openapi.json' });
}

/** One line; it names neither tokens nor what was recorded. */
function logFault({ code, message, detail = '' }: CustodyError): void {
  process.stderr.write(`api: ${code}: ${message} ${JSON.stringify(detail)}\n`);
}

function portProblem(port: number, cause: NodeJS.ErrnoException): CustodyError {
  return new CustodyError('config-invalid', `the API cannot listen on port ${port} (${cause.code})`, {
    hint: 'stop what uses the port, or choose other ports with --port-base',
    cause,
  });
}
