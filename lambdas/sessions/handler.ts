import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { z } from 'zod';
import type { Action, Config } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal, TokenVerifier } from '#core/identity/principal.ts';
import { objectKey, sessionPrefix } from '#core/recording/layout.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionCatalog, SessionPage, SessionRecord } from '#core/recording/session-index.ts';
import type { EvidenceLinks } from '#core/replay/links.ts';
import { callerOf } from '../caller.ts';
import { json, problemJson } from '../problem.ts';

export interface SessionsPorts {
  readonly catalog: SessionCatalog;
  readonly policy: Config;
  readonly verifier: TokenVerifier;
  readonly links: EvidenceLinks;
  readonly source: RecordingSource;
  readonly now: () => Date;
}

const PAGE_MAX = 200;
const sessionId = z.uuid().lowercase();
const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
  cursor: sessionId.optional(),
  target: z.string().max(63).optional(),
});

/** GET /v1/sessions, /v1/sessions/{id}, /v1/sessions/{id}/evidence. */
export function sessionsHandler(ports: SessionsPorts) {
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use(problemJson())
    .handler(async (event) => {
      const caller = await callerOf(event, ports.verifier);
      const [, , , id, part] = event.rawPath.split('/');
      if (id === undefined) return json(await listFor(caller, event, ports));
      const session = await visibleSession(id, caller, ports);
      if (part === 'evidence') return json(await evidenceOf(session, caller, ports));
      return json(session);
    });
}

/** Pages of what the caller may see. Pages are filled by reading on, so that a cursor never skips anything. */
async function listFor(
  caller: Principal,
  event: APIGatewayProxyEventV2,
  { catalog, policy, now }: SessionsPorts,
): Promise<SessionPage> {
  const { limit, cursor, target } = parseQuery(event);
  const filter = target === undefined ? {} : { target };
  const own = policy.rules.some(
    (rule) => rule.sessions === 'any' && rule.allow.some((action) => action !== 'connect'),
  )
    ? {}
    : { subject: { issuer: caller.issuer, subject: caller.subject } };
  const found: SessionRecord[] = [];
  let from = cursor;
  do {
    const page = await catalog.list({
      ...filter,
      ...own,
      limit: PAGE_MAX,
      ...(from === undefined ? {} : { cursor: from }),
    });
    for (const session of page.sessions) {
      if (!maySee(session, caller, policy, now())) continue;
      if (found.length === limit) return { sessions: found, next: found.at(-1)!.id };
      found.push(session);
    }
    from = page.next;
  } while (from !== undefined);
  return { sessions: found };
}

function parseQuery(event: APIGatewayProxyEventV2): z.infer<typeof listQuery> {
  const parsed = listQuery.safeParse(event.queryStringParameters ?? {});
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new CustodyError('format-invalid', `${path.join('.')}: ${message}`);
}

/** A session that the caller may not see answers like one that does not exist (security cases 7, 14). */
async function visibleSession(
  id: string,
  caller: Principal,
  { catalog, policy, now }: SessionsPorts,
): Promise<SessionRecord> {
  const unknown = new CustodyError('not-found', 'no such session', { hint: 'see yours: custody sessions' });
  if (!sessionId.safeParse(id).success) throw unknown;
  const session = await catalog.get(id).catch(() => undefined);
  if (session === undefined || !maySee(session, caller, policy, now())) throw unknown;
  return session;
}

async function evidenceOf(
  session: SessionRecord,
  caller: Principal,
  { policy, source, links, now }: SessionsPorts,
): Promise<{ session: string; objects: { name: string; size: number; url: string }[] }> {
  if (!mayRead(session, caller, policy, now())) {
    throw new CustodyError('access-denied', 'you may see that this session was, but not what was in it', {
      hint: 'ask whoever keeps the access rules for replay or export',
    });
  }
  const names = await source.list(sessionPrefix(session.id));
  const objects = names.map(async (name) => {
    const key = objectKey(session.id, name);
    return { name, size: await source.size(key), url: await links.linkTo(key) };
  });
  return { session: session.id, objects: await Promise.all(objects) };
}

/** People see their own sessions in the list, and those they may replay or export. */
function maySee(session: SessionRecord, caller: Principal, policy: Config, now: Date): boolean {
  return isOwn(session, caller) || mayRead(session, caller, policy, now);
}

function mayRead(session: SessionRecord, caller: Principal, policy: Config, now: Date): boolean {
  const allowed = (action: Action): boolean =>
    Authorization.isOne(
      decide({ policy, principal: caller, action, target: session.target, session: session.principal, now }),
    );
  return allowed('replay') || allowed('export');
}

function isOwn({ principal }: SessionRecord, { issuer, subject }: Principal): boolean {
  return principal.issuer === issuer && principal.subject === subject;
}
