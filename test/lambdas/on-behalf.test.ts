/** What people and agents see and may do at the API where an agent acts for somebody. */
import { describe, expect, it } from 'vitest';
import { accessHandler } from '#lambdas/access/handler.ts';
import { explanationHandler } from '#lambdas/explanation/handler.ts';
import { sessionsHandler } from '#lambdas/sessions/handler.ts';
import { sessionRecord } from '#test/support/session-records.ts';
import { call, ISSUER, POLICY, type World, world } from './support.ts';

const AGENT = 'agent-7>dana';
const DANA = { issuer: ISSUER, subject: 'dana' };
const acting = { ...DANA, actors: [{ issuer: ISSUER, subject: 'agent-7' }] };

async function asked(ports: World, token = AGENT, more: object = {}, headers: Record<string, string> = {}) {
  const body = { target: 'payroll-db', reason: 'a look', ...more };
  return call(accessHandler(ports), '/v1/requests', { token, method: 'POST', body, headers });
}

const post = (ports: World, token: string, path: string, body: object = {}) =>
  call(accessHandler(ports), path, { token, method: 'POST', body });
const get = (ports: World, token: string, path: string) => call(accessHandler(ports), path, { token });

describe('a request of an agent for somebody', () => {
  it('names both to whoever decides, in the answer, the ledger and the news', async () => {
    const ports = world();
    const { status, body } = await asked(ports);
    expect([status, body['requester']]).toEqual([201, acting]);
    const seen = await get(ports, 'rui', `/v1/requests/${String(body['id'])}`);
    expect(seen.body).toMatchObject({ requester: acting, mayDecide: true, rule: 'agents-ask' });
    expect([...ports.leaves.added].map((leaf) => JSON.parse(leaf) as object)).toMatchObject([{ by: acting }]);
    expect(ports.stream.told).toMatchObject([{ requester: acting, by: acting }]);
  });

  it('is not one that the person or a plain developer may make', async () => {
    expect((await asked(world(), 'dana')).status).toBe(403);
    expect((await asked(world(), 'rogue>dana')).status).toBe(403);
  });

  it('is decided by somebody else, and never by the person, the agent, or for somebody', async () => {
    const ports = world();
    const { body } = await asked(ports, 'agent-7>devrev');
    const path = `/v1/requests/${String(body['id'])}/decisions`;
    const decided = async (token: string) =>
      (await post(ports, token, path, { decision: 'approved' })).status;
    // The person knows of it, the others do not.
    expect([await decided('devrev'), await decided('agent-7'), await decided('agent-8>rui')]).toEqual([
      403, 404, 404,
    ]);
    expect((await post(ports, 'rui', path, { decision: 'approved' })).body).toMatchObject({
      state: 'granted',
    });
  });

  it('is seen and given back by the person and the very agent, not by another', async () => {
    const ports = world();
    const id = String((await asked(ports)).body['id']);
    expect((await get(ports, 'dana', `/v1/requests/${id}`)).status).toBe(200);
    expect((await get(ports, AGENT, '/v1/requests')).body['requests']).toHaveLength(1);
    expect((await get(ports, 'agent-8>dana', `/v1/requests/${id}`)).status).toBe(404);
    expect((await get(ports, 'agent-8>dana', '/v1/requests')).body['requests']).toEqual([]);
    expect((await post(ports, 'agent-8>dana', `/v1/requests/${id}/return`)).status).toBe(404);
    expect((await post(ports, 'dana', `/v1/requests/${id}/return`)).body).toMatchObject({
      state: 'withdrawn',
    });
  });

  it('shares no idempotency key with the person', async () => {
    const ports = world();
    const headers = { 'idempotency-key': 'k' };
    expect((await asked(ports, 'dana', { target: 'stock-db' }, headers)).status).toBe(201);
    const agents = await asked(ports, AGENT, {}, headers);
    expect([agents.status, agents.body['code']]).toEqual([409, 'conflict']);
    // The very same question, of another agent.
    const [key, question] = [{ 'idempotency-key': 'k2' }, {}];
    const first = await asked(ports, AGENT, question, key);
    expect(await asked(ports, AGENT, question, key)).toMatchObject({
      status: 201,
      body: { id: first.body['id'] },
    });
    expect((await asked(ports, 'agent-8>dana', question, key)).status).toBe(409);
  });
});

describe('what an agent sees', () => {
  it('is of its own sessions alone, as long as no rule says more; the person sees all', async () => {
    const ports = world();
    for (const [n, principal] of [DANA, acting, { ...acting, subject: 'eve' }].entries())
      await ports.catalog.opened({ ...sessionRecord(n + 1), principal });
    const seen = async (token: string, query: Record<string, string> = {}): Promise<unknown> => {
      const { body } = await call(sessionsHandler(ports), '/v1/sessions', { token, query });
      return (body['sessions'] as { principal: object }[]).map(({ principal }) => principal);
    };
    expect(await seen('dana')).toEqual([acting, DANA]);
    expect(await seen(AGENT)).toEqual([acting]);
    expect(await seen('agent-8>dana')).toEqual([]);
    expect(await seen('ada', { person: 'agent-7' })).toHaveLength(2);
    const { id } = sessionRecord(1);
    expect((await call(sessionsHandler(ports), `/v1/sessions/${id}`, { token: AGENT })).status).toBe(404);
    expect((await call(sessionsHandler(ports), `/v1/sessions/${id}/steps`, { token: AGENT })).status).toBe(
      404,
    );
  });

  it('is why it may not, as for everybody', async () => {
    const { access, clock } = world();
    const handler = explanationHandler({
      withKnownGroups: async (principal) => principal,
      policy: () => POLICY,
      requests: access,
      now: () => clock.now,
      log: () => undefined,
    });
    const query = { action: 'connect', target: 'payroll-db' };
    expect((await call(handler, '/v1/explanation', { token: AGENT, query })).body).toMatchObject({
      verdict: 'requestable',
    });
    expect((await call(handler, '/v1/explanation', { token: 'dana', query })).body).toMatchObject({
      verdict: 'denied',
    });
  });
});
