import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { type Config, parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal, TokenVerifier } from '#core/identity/principal.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import type { HttpHandler } from '#lambdas/http.ts';
import type { SessionsPorts } from '#lambdas/sessions/handler.ts';
import { MemoryIndex, MemoryLeaves, MemoryStore } from '#test/support/memory-ports.ts';
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
};

/** Takes a name for a token: `dana`, or `dana@https://other` for the same subject of another issuer. */
export const verifier: TokenVerifier = {
  verify: async (token): Promise<Principal> => {
    const [subject, issuer = ISSUER] = token.split('@') as [string, string?];
    const groups = GROUPS[subject];
    if (groups === undefined) throw new CustodyError('token-invalid', 'the token is not valid');
    return { issuer, subject, groups, expiresAt: new Date(NOW.getTime() + 60_000) };
  },
};

export function event(rawPath: string, query: Record<string, string> = {}, token?: string) {
  return {
    version: '2.0',
    rawPath,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    queryStringParameters: query,
  } as unknown as APIGatewayProxyEventV2;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Record<string, unknown>;
}

/** Calls a handler as API Gateway does. */
export async function call(
  handler: HttpHandler,
  path: string,
  { token, query }: { token?: string; query?: Record<string, string> } = {},
): Promise<Answered> {
  const { statusCode, headers, body } = await handler(event(path, query, token), {} as Context);
  return { status: statusCode!, headers: headers!, body: JSON.parse(body!) as Record<string, unknown> };
}

export interface World extends SessionsPorts {
  readonly catalog: MemoryIndex;
  readonly source: MemoryStore;
  readonly leaves: MemoryLeaves;
  readonly faults: CustodyError[];
}

/** Ports in memory: a link is the key behind `https://links.example/`. */
export function world(policy: Config = POLICY): World {
  const faults: CustodyError[] = [];
  return {
    catalog: new MemoryIndex(),
    source: new MemoryStore(),
    leaves: new MemoryLeaves(),
    ledger: { newest: async () => undefined, fetch: async () => new Uint8Array() },
    faults,
    policy,
    verifier,
    links: { linkTo: async (key) => `https://links.example/${key}` },
    now: () => NOW,
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
