import type { APIGatewayRequestAuthorizerEventV2, Context } from 'aws-lambda';
import { type Config, parseConfig } from '#core/access/config.ts';
import { AccessDesk } from '#core/access/desk.ts';
import type { News, NewsStream } from '#core/access/news.ts';
import type { CustodyError } from '#core/errors.ts';
import type { Principal, TokenVerifier } from '#core/identity/principal.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { unprovenToken } from '#core/identity/token-refusals.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import type { AccessPorts } from '#lambdas/access/handler.ts';
import { authorizerHandler } from '#lambdas/authorizer/handler.ts';
import type { ApiEvent, ApiResult, HttpHandler } from '#lambdas/http.ts';
import { refusalProblem } from '#lambdas/problem.ts';
import type { SessionsPorts } from '#lambdas/sessions/handler.ts';
import { apiRouter } from '#local/api/api-routes.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';
import { MemoryIndex, MemoryLeaves, MemoryStore, memorySigner } from '#test/support/memory-ports.ts';
import { MemoryRuns } from '#test/support/memory-runs.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';

export const NOW = new Date('2026-11-23T09:00:00.000Z');
export const ISSUER = 'https://id.example';

const target = (name: string): string => `  ${name}:
    protocol: postgres
    address: ${name}.internal:5432
    database: main
    credential: { user: app, passwordFile: secret }`;

export const POLICY: Config = parseConfig(
  `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
${['orders-db', 'payroll-db', 'stock-db'].map(target).join('\n')}
rules:
  - { name: developers-work, groups: [developers], targets: [orders-db], allow: [connect, replay] }
  - { name: connect-only, groups: [visitors], targets: [orders-db], allow: [connect] }
  - { name: auditors-look, groups: [auditors], targets: ["*"], allow: [replay, export], sessions: any }
  - { name: payroll-look, groups: [payroll], targets: [payroll-db], allow: [replay], sessions: any }
  - name: stock-ask
    groups: [developers]
    targets: [stock-db]
    allow: [connect]
    approval: { reviewers: { any: [reviewers] }, approvals: 2, maxDuration: 4h, pendingFor: 8h }
  - name: stock-glass
    groups: [developers]
    targets: [stock-db]
    allow: [connect]
    breakGlass: { reviewers: { any: [reviewers] }, maxDuration: 1h }
  - name: agents-ask
    groups: [developers]
    actor: { subject: "agent-*" }
    targets: [payroll-db]
    allow: [connect]
    approval: { reviewers: { any: [reviewers] }, maxDuration: 1h }
  - { name: stop, groups: [operators], targets: ["*"], allow: [terminate], sessions: any }
  - { name: run-it, groups: [platform], targets: ["*"], allow: [administer] }
  - { name: payroll-archive, groups: [archive], targets: [payroll-db], allow: [export], sessions: any }
`,
  'custody.yaml',
);

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  dana: ['developers'],
  eve: ['developers'],
  vera: ['visitors'],
  ada: ['auditors'],
  pat: ['payroll'],
  arch: ['archive'],
  rui: ['reviewers'],
  sam: ['reviewers'],
  devrev: ['developers', 'reviewers'],
  olga: ['operators'],
  adm: ['platform'],
  bot: ['developers'],
  'agent-7': ['reviewers'],
};

const AGENT = { issuer: ISSUER, subject: 'agent-7' };
/** What their tokens say besides. */
const MORE: Readonly<Record<string, Partial<Principal>>> = {
  bot: { issuerName: 'ci', workload: true, claims: { ref: 'refs/heads/main', roles: [] }, actors: [AGENT] },
};

/** For whom an agent acts: `agent-7>dana`. */
function actedFor(token: string): readonly [token: string, more: Partial<Principal>] {
  const [actor, person] = token.split('>') as [string, string?];
  return person === undefined ? [token, {}] : [person, { actors: [{ issuer: ISSUER, subject: actor }] }];
}

/** Takes a name for a token: `dana`, or `dana@https://other` for the same subject of another issuer. */
export const verifier: TokenVerifier = {
  verify: async (token): Promise<Principal> => {
    const [named, acted] = actedFor(token);
    const [subject, issuer = ISSUER] = named.split('@') as [string, string?];
    const groups = GROUPS[subject];
    if (groups === undefined) throw unprovenToken('nobody has that name');
    const lastsMs = groups.includes('reviewers') ? 86_400_000 : 60_000;
    return {
      ...MORE[subject],
      ...acted,
      issuer,
      subject,
      groups,
      expiresAt: new Date(NOW.getTime() + lastsMs),
    };
  },
};

export interface Call {
  readonly token?: string;
  readonly query?: Record<string, string>;
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly sourceIp?: string;
}

/** What API Gateway makes of a call, before its authorizer. */
export function event(rawPath: string, { token, query = {}, method = 'GET', ...more }: Call = {}): ApiEvent {
  const routed = route(rawPath);
  return {
    version: '2.0',
    routeKey: routed === undefined ? '$default' : `${method} ${routed.template}`,
    rawPath,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(more.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...more.headers,
    },
    queryStringParameters: query,
    pathParameters: routed?.parameters,
    requestContext: { http: { method, sourceIp: more.sourceIp ?? '192.0.2.1' } },
    ...(more.body === undefined ? {} : { body: JSON.stringify(more.body), isBase64Encoded: false }),
  } as unknown as ApiEvent;
}

const route = apiRouter();

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Record<string, unknown>;
}

/** Calls a handler as API Gateway does: a token goes to the authorizer, who it stands for to the handler. */
/** An answer as it is, also of one that is no JSON. */
export function answered(handler: HttpHandler, path: string, how: Call = {}) {
  return authorized(handler, event(path, how), how.token);
}

export async function call(handler: HttpHandler, path: string, how: Call = {}): Promise<Answered> {
  const { statusCode, headers, body } = await answered(handler, path, how);
  return { status: statusCode!, headers: headers!, body: JSON.parse(body!) as Record<string, unknown> };
}

async function authorized(
  handler: HttpHandler,
  asked: ApiEvent,
  token: string | undefined,
): Promise<ApiResult> {
  if (token === undefined) return handler(asked, {} as Context);
  const failures = new TokenFailures(() => 0);
  const authorizer = authorizerHandler({ verifier: () => verifier, failures, log: () => undefined });
  const answer = await authorizer(asked as unknown as APIGatewayRequestAuthorizerEventV2);
  if (!answer.isAuthorized) return refusalProblem(answer.context, () => undefined);
  const requestContext = { ...asked.requestContext, authorizer: { lambda: answer.context } };
  return handler({ ...asked, requestContext }, {} as Context);
}

/** News as they were told. */
export class MemoryStream implements NewsStream {
  readonly told: News[] = [];

  async tell(news: News): Promise<void> {
    this.told.push(news);
  }
}

export interface World extends SessionsPorts, AccessPorts {
  readonly access: MemoryAccess;
  readonly stream: MemoryStream;
  /** The time, which a test moves. */
  readonly clock: { now: Date };
  readonly catalog: MemoryIndex;
  readonly source: MemoryStore;
  readonly leaves: MemoryLeaves;
  readonly faults: CustodyError[];
  readonly keys: ReturnType<typeof memorySigner>;
}

/** Ports in memory: a link is the key behind `https://links.example/`. */
export function world(policy: Config = POLICY): World {
  const faults: CustodyError[] = [];
  const [access, leaves, stream] = [new MemoryAccess(), new MemoryLeaves(), new MemoryStream()];
  const clock = { now: NOW };
  const now = (): Date => clock.now;
  const signer = memorySigner();
  let ids = 0;
  const newId = (at: Date): string => newSessionId(at.getTime() + (ids += 1), new Uint8Array(10));
  return {
    catalog: new MemoryIndex(),
    source: new MemoryStore(),
    leaves,
    stream,
    access,
    clock,
    requests: access,
    terminations: access,
    runs: new MemoryRuns(),
    desk: new AccessDesk({ requests: access, leaves, stream, now, newId }),
    signer: async () => signer.der,
    keys: signer,
    ledger: { newest: async () => undefined, fetch: async () => new Uint8Array() },
    faults,
    policy: () => policy,
    links: { linkTo: async (key) => `https://links.example/${key}` },
    now,
    log: (error) => void faults.push(error),
  };
}

/** A closed session number `n`, with evidence of three objects. */
export async function addSession(
  { catalog, source }: Pick<World, 'catalog' | 'source'>,
  n: number,
  more: Parameters<typeof sessionRecord>[1] = {},
): Promise<string> {
  const record = sessionRecord(n, more);
  await catalog.opened(record);
  await catalog.closed(record.id, OUTCOME);
  for (const [i, name] of ['00000000.seg', 'open.json', 'open.json.sig'].entries()) {
    await source.put(`sessions/${record.id}/${name}`, new Uint8Array(i + 1));
  }
  return record.id;
}

export const MISSING = newSessionId(1_600_000_000_000, new Uint8Array(10));
