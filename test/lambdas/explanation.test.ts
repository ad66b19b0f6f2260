import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import type { Principal } from '#core/identity/principal.ts';
import { accessHandler } from '#lambdas/access/handler.ts';
import { explanationHandler } from '#lambdas/explanation/handler.ts';
import { call, ISSUER, POLICY, type World, world } from './support.ts';

const explained = async (ports: World, token: string, query: Record<string, string>) =>
  call(explanationHandler({ ...ports, withKnownGroups: async (principal) => principal }), '/v1/explanation', {
    token,
    query,
  });

describe('GET /v1/explanation', () => {
  it.each([
    ['orders-db', 'allowed', 'the rule developers-work allows it'],
    ['stock-db', 'requestable', 'access to "stock-db" needs an approval'],
    ['payroll-db', 'denied', 'no rule allows it'],
  ])('says of %s to dana: %s', async (target, verdict, because) => {
    const { body } = await explained(world(), 'dana', { action: 'connect', target });
    expect(body).toMatchObject({ verdict, because, action: 'connect', target });
    expect(body).not.toHaveProperty('rules');
  });

  it('names the grant that it rests on', async () => {
    const ports = world();
    const post = (token: string, path: string, body: object) =>
      call(accessHandler(ports), path, { token, method: 'POST', body });
    const { body } = await post('dana', '/v1/requests', { target: 'stock-db', reason: 'x' });
    for (const who of ['rui', 'sam']) {
      await post(who, `/v1/requests/${String(body['id'])}/decisions`, { decision: 'approved' });
    }
    const answer = await explained(ports, 'dana', { action: 'connect', target: 'stock-db' });
    expect(answer.body['because']).toContain(`with the grant ${String(body['id'])}`);
    const other = await explained(ports, 'eve', { action: 'connect', target: 'stock-db' });
    expect(other.body['verdict']).toBe('requestable');
  });

  it('says the same of a target that is not there as of one that is another’s (security case 14)', async () => {
    const [real, none] = await Promise.all(
      ['payroll-db', 'nothing-db'].map((target) => explained(world(), 'dana', { action: 'connect', target })),
    );
    expect({ ...real!.body, target: '', hint: '' }).toEqual({ ...none!.body, target: '', hint: '' });
  });

  it.each([{}, { action: 'fly' }, { action: 'connect', target: '../x' }, { action: 'connect', who: 'eve' }])(
    'takes no query that it does not know: %j',
    async (query) => {
      expect((await explained(world(), 'dana', query as Record<string, string>)).status).toBe(400);
    },
  );

  it.each([
    { as: 'eve' },
    { groups: 'reviewers' },
    { at: '2026-11-23T10:00:00Z' },
    { network: '10.0.0.1' },
    { session: 'eve' },
  ])(
    'is for nobody else about others, or about themselves as they are not: %j (security case 7)',
    async (query) => {
      const asked = { action: 'connect', target: 'payroll-db', ...query };
      for (const who of ['dana', 'ada', 'olga', 'rui'])
        expect(await explained(world(), who, asked as Record<string, string>)).toMatchObject({
          status: 403,
          body: { code: 'access-denied' },
        });
    },
  );

  it('says to who administers about anybody what would be decided, rule by rule', async () => {
    const asked = {
      action: 'connect',
      target: 'stock-db',
      as: 'dana@example.com',
      groups: 'developers, oncall',
    };
    const { status, body } = await explained(world(), 'adm', asked);
    expect([status, body['verdict']]).toEqual([200, 'requestable']);
    expect(body['who']).toMatchObject({ email: 'dana@example.com', groups: ['developers', 'oncall'] });
    const rules = body['rules'] as { rule: string; applies: boolean; because: string[] }[];
    expect(rules.map(({ rule }) => rule)).toEqual(POLICY.rules.map(({ name }) => name));
    expect(rules.find(({ rule }) => rule === 'stock-ask')).toMatchObject({
      applies: false,
      because: ['it needs a grant'],
    });
    expect(rules.find(({ rule }) => rule === 'auditors-look')!.because).toContain(
      'it is for auditors; the groups are developers, oncall',
    );
  });

  it('knows who has asked for something by their address, and what they were granted', async () => {
    const ports = world();
    const post = (token: string, path: string, body: object) =>
      call(accessHandler(ports), path, { token, method: 'POST', body });
    const { body } = await post('dana', '/v1/requests', { target: 'stock-db', reason: 'x' });
    for (const who of ['rui', 'sam'])
      await post(who, `/v1/requests/${String(body['id'])}/decisions`, { decision: 'approved' });
    const asked = { action: 'connect', target: 'stock-db', as: 'dana', groups: 'developers' };
    expect((await explained(ports, 'adm', asked)).body).toMatchObject({
      verdict: 'allowed',
      because: expect.stringContaining(`with the grant ${String(body['id'])}`) as string,
    });
    expect((await explained(ports, 'adm', { ...asked, as: 'eve' })).body['verdict']).toBe('requestable');
  });

  it('looks groups up where none are given, and goes by the conditions that are', async () => {
    const policy = parseConfig(CONDITIONS, 'custody.yaml');
    const ports = {
      ...world(policy),
      withKnownGroups: async (principal: Principal) => ({ ...principal, groups: ['oncall'] }),
    };
    const verdict = async (more: Record<string, string>) => {
      const query = { action: 'connect', target: 'orders-db', as: 'eve', ...more };
      return (await call(explanationHandler(ports), '/v1/explanation', { token: 'adm', query })).body;
    };
    const all = { network: '10.1.2.3', mfa: 'true', device: 'registered', at: '2026-11-23T12:00:00+01:00' };
    expect(await verdict(all)).toMatchObject({ verdict: 'allowed', who: { groups: ['oncall'] } });
    for (const [name, value] of [
      ['network', '192.0.2.9'],
      ['mfa', 'false'],
      ['at', '2026-11-23T20:00:00Z'],
      ['groups', 'developers'],
    ] as const)
      expect((await verdict({ ...all, [name]: value }))['verdict'], name).toBe('denied');
    expect((await verdict({ ...all, issuer: 'nobody' }))['code']).toBe('format-invalid');
  });
});

const CONDITIONS = `version: 1
identity: { issuer: '${ISSUER}', audience: custody }
targets:
  orders-db: { protocol: postgres, address: 'orders:5432', database: main, credential: { user: app, passwordFile: x } }
rules:
  - name: oncall
    groups: [oncall]
    targets: [orders-db]
    allow: [connect]
    when:
      networks: [10.0.0.0/8]
      mfa: required
      device: registered
      hours: { from: '08:00', to: '18:00', zone: UTC }
  - { name: run-it, groups: [platform], targets: ['*'], allow: [administer] }
`;
