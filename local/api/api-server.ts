import { createPublicKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayRequestAuthorizerEventV2, Context } from 'aws-lambda';
import { LocalEvidenceLinks } from '#adapters/local/evidence-links.ts';
import type { AccessDesk } from '#core/access/desk.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import { signInOrigins } from '#core/access/sign-in-origins.ts';
import type { AccessCatalog, AccessRequests, Terminations } from '#core/access/store.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { DeviceDesk } from '#core/identity/devices/desk.ts';
import type { DeviceStore } from '#core/identity/devices/store.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import type { LeafSink } from '#core/ledger/leaves.ts';
import type { DeadLetters } from '#core/notify/deliveries.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionCatalog } from '#core/recording/session-index.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { accessHandler } from '#lambdas/access/handler.ts';
import { type AuthorizerPorts, authorizerHandler } from '#lambdas/authorizer/handler.ts';
import { configHandler } from '#lambdas/config/handler.ts';
import { devicesHandler } from '#lambdas/devices/handler.ts';
import { type ExplanationPorts, explanationHandler } from '#lambdas/explanation/handler.ts';
import { type ApiEvent, BODY_MAX_BYTES, type HttpHandler } from '#lambdas/http.ts';
import { ledgerHandler } from '#lambdas/ledger/handler.ts';
import { loginHandler } from '#lambdas/login/handler.ts';
import { type LogoutIntake, logoutHandler } from '#lambdas/logout/handler.ts';
import { openApiHandler } from '#lambdas/openapi/handler.ts';
import { type FaultLog, problem, refusalProblem } from '#lambdas/problem.ts';
import { type RunsPorts, runsHandler } from '#lambdas/runs/handler.ts';
import { type SandboxesPorts, sandboxesHandler } from '#lambdas/sandboxes/handler.ts';
import { SCIM_BODY_MAX_BYTES, type ScimHandlerPorts, scimHandler } from '#lambdas/scim/handler.ts';
import { type SearchPorts, searchHandler } from '#lambdas/search/handler.ts';
import { type LedgerView, sessionsHandler } from '#lambdas/sessions/handler.ts';
import type { LivePorts, StreamedResult } from '#lambdas/sessions/live/answer.ts';
import type { Indexes } from '#lambdas/sessions/steps.ts';
import { signerHandler } from '#lambdas/signer/handler.ts';
import { type SshPorts, sshHandler } from '#lambdas/ssh/handler.ts';
import { addressOnly } from '#lambdas/ssh/place.ts';
import { type StatusPorts, statusHandler } from '#lambdas/status/handler.ts';
import { type GatewayAddress, gatewayAddresses, targetsHandler } from '#lambdas/targets/handler.ts';
import { VERSION } from '#lambdas/version.ts';
import { webhooksHandler } from '#lambdas/webhooks/handler.ts';
import { whoamiHandler } from '#lambdas/whoami/handler.ts';
import { workflowsHandler } from '#lambdas/workflows/handler.ts';
import { Door } from '#proxy/door.ts';
import { DATA_HEADERS } from '../../console/build/headers.ts';
import { apiRouter, type Route } from './api-routes.ts';
import { consoleFiles } from './console-files.ts';

const REQUEST_MS = 10_000;
/** No byte either way for as long: a reader that stopped reading does not keep an object in memory. */
const IDLE_MS = 30_000;
const SCIM = '/v1/scim';
const HEADERS_MAX_BYTES = 32 << 10;
/** Connections at once; one more, and the one that has been silent for the longest goes. */
const CONNECTIONS_MAX = 256;

export interface ApiOptions {
  /** 0 picks a free one. */
  readonly port: number;
  readonly policy: Pick<PolicyInForce, 'config' | 'refused'>;
  /** For the identity provider that the configuration names now. */
  readonly verifier: () => TokenVerifier;
  readonly requests: AccessRequests & AccessCatalog;
  readonly terminations: Pick<Terminations, 'ask'>;
  readonly desk: AccessDesk;
  readonly runs: Pick<RunsPorts, 'runs' | 'desk' | 'texts' | 'settle'>;
  readonly devices: Pick<DeviceStore, 'get' | 'list'>;
  readonly deviceDesk: DeviceDesk;
  readonly sandboxes: Pick<SandboxesPorts, 'sandboxes' | 'desk' | 'wake'>;
  readonly deadLetters: DeadLetters;
  readonly catalog: SessionCatalog;
  readonly search: Pick<SearchPorts, 'search' | 'pending'>;
  readonly source: RecordingSource;
  /** How running sessions are watched; they are not where it is absent. */
  readonly live?: LivePorts;
  /** Absent: what is too long to be decoded at once is not shown. */
  readonly indexes?: Indexes;
  readonly leaves: LeafSink;
  readonly ledger: LedgerView;
  readonly signerPem: string;
  readonly gateway: GatewayAddress;
  /** Where the gateway speaks Kubernetes; nowhere when not given. */
  readonly kubernetes?: GatewayAddress;
  readonly ssh: Omit<SshPorts, 'policy' | 'now' | 'log'>;
  readonly scim: Pick<ScimHandlerPorts, 'desk' | 'secretOf'>;
  readonly logout: LogoutIntake;
  readonly now: () => Date;
  /** Where it is known how the gateway is. */
  readonly health: Pick<StatusPorts, 'sessions' | 'presence' | 'leases' | 'pulses' | 'queue'>;
  /** See `ExplanationPorts`; nothing is known of somebody without a token when not given. */
  readonly withKnownGroups?: ExplanationPorts['withKnownGroups'];
  /** Hears of every token that is refused; nobody does when not given. */
  readonly refused?: NonNullable<AuthorizerPorts['refused']>;
  /** Bad tokens by address; those of this server alone when not given. */
  readonly failures?: TokenFailures;
  /** How long a request may take to arrive whole; 10 s when not given. */
  readonly requestMs?: number;
  /** Where faults of the server go; standard error when not given. */
  readonly log?: FaultLog;
}

export interface Api {
  readonly url: string;
  close(): Promise<void>;
}

type Answer = StreamedResult;
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
  const door = new Door({ sessions: 0, peers: CONNECTIONS_MAX, perAddress: CONNECTIONS_MAX });
  server.on('connection', (socket) => door.visit(socket));
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
  const { source, now, log, verifier } = options;
  const links = new LocalEvidenceLinks(url, randomBytes(32), now);
  const { failures = new TokenFailures(() => performance.now()) } = options;
  const { refused: told } = options;
  const counting = told === undefined ? {} : { refused: told };
  const authorize = authorizerHandler({ verifier, failures, log, ...counting });
  const find = apiRouter();
  const handlerOf = handlers(options, links, url);
  const console = consoleFiles(() => signInOrigins(options.policy.config));

  /** Whatever is no operation of the API is the console's. */
  async function page(path: string, { headers }: IncomingMessage): Promise<Answer | undefined> {
    try {
      return await console.answer({ path, headers });
    } catch (thrown) {
      return problem(asCustodyError(thrown), log);
    }
  }

  /** What API Gateway does: route, authorizer, function. */
  async function answer(request: IncomingMessage, address: URL): Promise<Answer> {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const routed = find(address.pathname);
    if (routed === undefined)
      return (method === 'GET' && (await page(address.pathname, request))) || problem(nothing(), log);
    const route = routed.routes.find((one) => one.method === method);
    if (route === undefined) return notAllowed(routed.routes, log);
    const body = await readBody(request, method === 'GET' ? 0 : longestBody(route));
    if (body === undefined)
      return refused(413, 'the request is too long, or has a body where none belongs', log);
    const event = toEvent(request, address, route, routed.parameters, body);
    if (!route.needsToken) return handlerOf(route)(event, {} as Context);
    const authorized = await authorize(event as unknown as APIGatewayRequestAuthorizerEventV2);
    if (!authorized.isAuthorized) return refusalProblem(authorized.context, log);
    return handlerOf(route)(withPrincipal(event, authorized.context), {} as Context);
  }

  return async (request, response) => {
    const address = URL.parse(`http://local${request.url ?? ''}`);
    if (isMisdirected(request, port))
      return send(response, refused(421, 'this is not the address of this server', log));
    const key = address === null ? undefined : links.keyOf(address);
    if (key !== undefined && (request.method === 'GET' || request.method === 'HEAD')) {
      return sendObject(response, key, source, log, request.method === 'HEAD');
    }
    return send(response, address === null ? problem(nothing(), log) : await answer(request, address));
  };
}

function handlers(
  options: ApiOptions & { readonly log: FaultLog },
  links: LocalEvidenceLinks,
  baseUrl: string,
): (route: Route) => HttpHandler {
  const {
    policy: inForce,
    log,
    now,
    catalog,
    source,
    leaves,
    ledger,
    requests,
    desk,
    terminations,
    live,
  } = options;
  const policy = () => inForce.config;
  const { withKnownGroups = async (principal) => principal } = options;
  const der = createPublicKey(options.signerPem).export({ type: 'spki', format: 'der' });
  const signer = async (): Promise<Uint8Array> => der;
  // An issuer that sends what is not good keeps nobody else on this machine from logging in.
  const issuers = new TokenFailures(() => performance.now());
  const { runs } = options.runs;
  const access = accessHandler({ policy, requests, desk, runs, now, log });
  const gateway = gatewayAddresses({
    postgres: async () => options.gateway,
    ssh: async () => addressOnly(await options.ssh.place()),
    kubernetes: async () => options.kubernetes,
  });
  const byTemplate: readonly (readonly [start: string, handler: HttpHandler])[] = [
    ['/v1/requests', access],
    ['/v1/grants', access],
    ['/v1/devices', devicesHandler({ policy, devices: options.devices, desk: options.deviceDesk, now, log })],
    [
      '/v1/sessions',
      sessionsHandler({
        ...{ catalog, policy, links, source, leaves, ledger, signer, terminations, now, log },
        ...(live === undefined ? {} : { live }),
        ...(options.indexes === undefined ? {} : { indexes: options.indexes }),
      }),
    ],
    ['/v1/search', searchHandler({ ...options.search, catalog, policy, leaves, now, log })],
    ['/v1/workflows', workflowsHandler({ policy, now, log })],
    [
      '/v1/runs',
      runsHandler({
        ...options.runs,
        policy,
        source,
        sessions: catalog,
        ledger,
        requests,
        signer,
        now,
        log,
      }),
    ],
    [
      '/v1/sandboxes',
      sandboxesHandler({ ...options.sandboxes, policy, requests, sessions: catalog, now, log }),
    ],
    ['/v1/targets', targetsHandler({ policy, requests, gateway, now, log })],
    ['/v1/ssh', sshHandler({ ...options.ssh, policy, now, log })],
    ['/v1/explanation', explanationHandler({ policy, requests, withKnownGroups, now, log })],
    ['/v1/whoami', whoamiHandler({ policy, log })],
    ['/v1/login', loginHandler({ policy, log })],
    ['/v1/config', configHandler({ policy: inForce, now, log })],
    [
      '/v1/status',
      statusHandler({
        ...{ policy: inForce, version: VERSION, ledger, now, log },
        ...options.health,
        deadLetters: options.deadLetters,
        ...(options.search.pending === undefined ? {} : { unsearched: options.search.pending }),
      }),
    ],
    ['/v1/dead-letters', webhooksHandler({ policy, deadLetters: options.deadLetters, now, log })],
    ['/v1/ledger', ledgerHandler({ policy, ledger, now, log })],
    [SCIM, scimHandler({ ...options.scim, policy, failures: issuers, baseUrl, log })],
    ['/v1/logout', logoutHandler({ ...options.logout, policy, failures: issuers, leaves, now, log })],
    ['/v1/signer', signerHandler({ pem: options.signerPem, log })],
    ['/v1/openapi.json', openApiHandler({ log })],
  ];
  return ({ template }) => byTemplate.find(([start]) => template.startsWith(start))![1];
}

/** A page elsewhere whose name was pointed at this machine (DNS rebinding) comes with its own name. */
function isMisdirected({ headers }: IncomingMessage, port: number): boolean {
  return headers.host !== `127.0.0.1:${port}` && headers.host !== `localhost:${port}`;
}

function notAllowed(routes: readonly Route[], log: FaultLog): Answer {
  const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const answer = refused(405, `this takes ${methods.join(', ')}`, log);
  return { ...answer, headers: { ...answer.headers, allow: methods.join(', ') } };
}

function longestBody({ template }: Route): number {
  return template.startsWith(SCIM) ? SCIM_BODY_MAX_BYTES : BODY_MAX_BYTES;
}

/** The whole body; undefined when it is too long, or where there should be none. The rest is then not read. */
async function readBody(request: IncomingMessage, atMost: number): Promise<Buffer | undefined> {
  const { headers } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  if (!hasBody) return Buffer.alloc(0);
  if (atMost === 0 || Number(headers['content-length'] ?? 0) > atMost) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > atMost) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The connection ends with it: what is left of the request is not read. */
function refused(status: number, message: string, log: FaultLog): Answer {
  const answer = problem(new CustodyError('protocol-violation', message), log, status);
  return { ...answer, headers: { ...answer.headers, connection: 'close' } };
}

/** API Gateway's payload format 2.0, as far as the handlers use it: of a repeated parameter it joins the values. */
function toEvent(
  request: IncomingMessage,
  { pathname, search, searchParams }: URL,
  { key }: Route,
  pathParameters: Readonly<Record<string, string>>,
  body: Buffer,
): ApiEvent {
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const);
  const query = [...new Set(searchParams.keys())].map(
    (name) => [name, searchParams.getAll(name).join()] as const,
  );
  const sourceIp = request.socket.remoteAddress;
  return {
    version: '2.0',
    routeKey: key,
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: Object.fromEntries(headers),
    queryStringParameters: Object.fromEntries(query),
    pathParameters,
    requestContext: {
      http: { method: request.method, path: pathname, ...(sourceIp === undefined ? {} : { sourceIp }) },
    },
    body: body.toString('base64'),
    isBase64Encoded: true,
  } as unknown as ApiEvent;
}

/** The token stays behind: handlers know who calls, and cannot pass it on. */
function withPrincipal(event: ApiEvent, lambda: { readonly principal: string }): ApiEvent {
  const { authorization: _token, ...headers } = event.headers;
  const requestContext = { ...event.requestContext, authorizer: { lambda } };
  return { ...event, headers, requestContext };
}

/** To HEAD, Node sends the headers alone. */
async function send(
  response: ServerResponse,
  { statusCode, headers, body = '', isBase64Encoded, stream }: Answer,
): Promise<void> {
  if (stream !== undefined) return sendStream(response, stream, headers);
  const bytes = Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8');
  response.writeHead(statusCode ?? 200, {
    ...DATA_HEADERS,
    ...(headers as Record<string, string> | undefined),
    // RFC 9110 section 8.6: of what would have been sent, which is not looked up for that.
    ...(statusCode === 304 ? {} : { 'content-length': bytes.byteLength }),
  });
  response.end(bytes);
}

/** As it comes, and no faster than it is read. Whoever goes is told nothing more. */
async function sendStream(
  response: ServerResponse,
  stream: AsyncIterable<string>,
  headers: Answer['headers'],
): Promise<void> {
  response.writeHead(200, { ...(headers as Record<string, string> | undefined), ...DATA_HEADERS });
  response.flushHeaders();
  if (response.req.method === 'HEAD') return void response.end();
  try {
    for await (const text of stream) {
      if (response.destroyed) return;
      if (!response.write(text)) await drained(response);
    }
  } finally {
    response.end();
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
    if (response.destroyed) done();
  });
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
      // Nothing of a recording is ever shown by the browser itself.
      'content-disposition': 'attachment',
      'content-length': bytes?.byteLength ?? (await source.size(key)),
      'cache-control': 'no-store',
      ...DATA_HEADERS,
    });
    response.end(bytes);
  } catch (error) {
    await send(response, problem(asCustodyError(error), log));
  }
}

function nothing(): CustodyError {
  return new CustodyError('not-found', 'there is nothing here', { hint: 'see /v1/openapi.json' });
}

/** One line; it names neither tokens nor what was recorded. */
function logFault({ code, message, detail = '' }: CustodyError): void {
  process.stderr.write(`${escapeTerminal(`api: ${code}: ${message} ${JSON.stringify(detail)}`)}\n`);
}

function portProblem(port: number, cause: NodeJS.ErrnoException): CustodyError {
  return new CustodyError('config-invalid', `the API cannot listen on port ${port} (${cause.code})`, {
    hint: 'stop what uses the port, or choose other ports with --port-base',
    cause,
  });
}
