/** One person at two issuers: what is theirs at both where the file says so, and at one where it does not. */
import { describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import type { Principal } from '#core/identity/principal.ts';
import { accessHandler } from '#lambdas/access/handler.ts';
import type { HttpHandler } from '#lambdas/http.ts';
import { sessionsHandler } from '#lambdas/sessions/handler.ts';
import { targetsHandler } from '#lambdas/targets/handler.ts';
import { sessionRecord } from '#test/support/session-records.ts';
import { event, ISSUER, NOW, POLICY, type World, world } from './support.ts';

const OTHER = 'https://other.example';

function policyOf(shares: string): Config {
  const text = `version: 1
targets: {}
identity:
  - { issuer: ${ISSUER}, audience: custody ${shares} }
  - { name: other, issuer: ${OTHER}, audience: custody, groupsPrefix: "other:" ${shares} }`;
  return { ...POLICY, issuers: parseConfig(text, 'c').issuers };
}

const SHARED = policyOf(', emailVerified: required, sharesPeople: true');
const APART = policyOf('');
const [groups, email] = [['developers'], 'dana@example.com'];
const expiresAt = new Date(NOW.getTime() + 3_600_000);
const here: Principal = { issuer: ISSUER, issuerName: 'default', subject: 'dana', email, groups, expiresAt };
const there: Principal = { ...here, issuer: OTHER, issuerName: 'other', subject: 'd-1' };
const eve: Principal = { ...there, subject: 'eve', email: 'eve@example.com' };

/** As the authorizer hands somebody on. */
async function as(
  who: Principal,
  handler: HttpHandler,
  path: string,
  more: Parameters<typeof event>[1] = {},
) {
  const asked = event(path, more);
  const lambda = { principal: JSON.stringify(who) };
  const requestContext = { ...asked.requestContext, authorizer: { lambda } } as typeof asked.requestContext;
  const { statusCode, body } = await handler({ ...asked, requestContext }, {} as never);
  return { status: statusCode, body: JSON.parse(body!) as Record<string, unknown> };
}

async function asked(ports: World, who = here): Promise<string> {
  const body = { target: 'stock-db', reason: 'a bug' };
  const { status, body: made } = await as(who, accessHandler(ports), '/v1/requests', {
    method: 'POST',
    body,
  });
  expect(status).toBe(201);
  return made['id'] as string;
}

describe.each([
  ['share people', SHARED, true],
  ['share none', APART, false],
])('two issuers that %s', (_what, policy, shared) => {
  it('list, show and give back a request at both, or at its own', async () => {
    const ports = world(policy);
    const id = await asked(ports);
    const handler = accessHandler(ports);
    const listed = async (who: Principal) =>
      (await as(who, handler, '/v1/requests')).body['requests'] as unknown[];
    expect([await listed(here), await listed(there), await listed(eve)].map(({ length }) => length)).toEqual([
      1,
      shared ? 1 : 0,
      0,
    ]);
    expect((await as(there, handler, `/v1/requests/${id}`)).status).toBe(shared ? 200 : 404);
    const back = await as(there, handler, `/v1/requests/${id}/return`, { method: 'POST', body: {} });
    expect(back.status).toBe(shared ? 200 : 404);
  });

  it('let nobody decide about their own, whatever they share (security case 11)', async () => {
    const ports = world(policy);
    const id = await asked(ports);
    const reviewer = { ...there, groups: ['reviewers'] };
    const body = { decision: 'approved' };
    const path = `/v1/requests/${id}/decisions`;
    const decided = await as(reviewer, accessHandler(ports), path, { method: 'POST', body });
    expect(decided.status).toBe(shared ? 403 : 404);
  });

  it('let nobody decide about what they asked for at the other with an address that it does not vouch for', async () => {
    const ports = world(policy);
    const { email: unverifiedEmail, ...rest } = here;
    const asker = { ...rest, unverifiedEmail } as Principal;
    const id = await asked(ports, asker);
    const handler = accessHandler(ports);
    const path = `/v1/requests/${id}/decisions`;
    const decide = (who: Principal) =>
      as(who, handler, path, { method: 'POST', body: { decision: 'approved' } });
    const reviewer = { groups: ['reviewers'] };
    expect((await decide({ ...there, ...reviewer })).status).toBe(404);
    const decided = await decide({ ...eve, email: 'rui@example.com', ...reviewer });
    expect(decided).toMatchObject({ status: 200, body: { decisions: [{ decision: 'approved' }] } });
    // Kept, and shown to nobody.
    expect((await ports.access.get(id)).requester).toMatchObject({ unverifiedEmail });
    const seen = await as(asker, handler, `/v1/requests/${id}`);
    const told = [seen.body, decided.body, [...ports.leaves.added], ports.stream.told];
    expect(JSON.stringify(told)).not.toContain(unverifiedEmail);
  });

  it('give access by a grant of the one at the other, or not', async () => {
    const ports = world(policy);
    const id = await asked(ports);
    const at = NOW.toISOString();
    const step = { at, kind: 'granted', until: expiresAt.toISOString() } as const;
    await ports.access.append(id, 0, [step]);
    const gateway = async () => ({ host: 'gateway.example', port: 5432 });
    const handler = targetsHandler({ ...ports, requests: ports.access, gateway });
    const accessOf = async (who: Principal) => {
      const { targets } = (await as(who, handler, '/v1/targets')).body as {
        targets: Record<string, string>[];
      };
      return targets.find(({ name }) => name === 'stock-db')!['access'];
    };
    expect(await accessOf(here)).toBe('granted');
    expect(await accessOf(there)).toBe(shared ? 'granted' : 'requestable');
    expect(await accessOf(eve)).toBe('requestable');
  });

  it('list the sessions of the one at the other, or not', async () => {
    const ports = world(policy);
    for (const [n, { issuer, subject, email: address }] of [here, there, eve].entries())
      await ports.catalog.opened({
        ...sessionRecord(n + 1),
        principal: { issuer, subject, email: address! },
      });
    const handler = sessionsHandler(ports);
    const seen = async (who: Principal, query = {}) => {
      const { sessions } = (await as(who, handler, '/v1/sessions', { query })).body as {
        sessions: { principal: { subject: string } }[];
      };
      return sessions.map(({ principal }) => principal.subject);
    };
    expect(await seen(there)).toEqual(shared ? ['d-1', 'dana'] : ['d-1']);
    expect(await seen(there, { person: 'dana' })).toEqual(shared ? ['dana'] : []);
    expect(await seen(eve)).toEqual(['eve']);
  });
});
