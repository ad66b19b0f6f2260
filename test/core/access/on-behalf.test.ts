import { describe, expect, it } from 'vitest';
import type { Config } from '#core/access/config.ts';
import { Authorization, decide, isDisabled, type Question } from '#core/access/decide.ts';
import { explain } from '#core/access/explain.ts';
import { giveBack, judge, newRequest, review, revoke } from '#core/access/lifecycle.ts';
import { endingOf } from '#core/access/live.ts';
import { owns } from '#core/access/own.ts';
import { openRequestsOf } from '#core/access/own-requests.ts';
import { type AccessRequest, digestOf } from '#core/access/request.ts';
import type { Principal } from '#core/identity/principal.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';
import {
  CI,
  grantedRequest,
  ISSUER,
  idOf,
  issuersOf,
  NOW,
  OTHER,
  person,
  policyOf,
  principal,
  requestOf,
  thrownBy,
} from './support.ts';

const APPROVAL = 'approval: { reviewers: { any: [leads] }, maxDuration: 1h }';
const policy: Config = {
  ...policyOf([
    `name: ask, groups: [developers], targets: [orders-db], allow: [connect], ${APPROVAL}`,
    `name: agents, groups: [developers], actor: { subject: "agent-*" }, targets: [orders-db], allow: [connect], ${APPROVAL}`,
    `name: covering, groups: [developers], actor: any, targets: [orders-db], allow: [connect], ${APPROVAL.replace('1h', '1h, coversActors: true')}`,
    'name: glass, groups: [developers], targets: [payroll-db], allow: [connect], breakGlass: { reviewers: { any: [leads] }, maxDuration: 1h }',
  ]),
  issuers: issuersOf(),
};
const sharing: Config = { ...policy, issuers: issuersOf(', emailVerified: required, sharesPeople: true') };

const agent = { issuer: CI, subject: 'agent-7' };
const groups = ['developers', 'leads'];
const dana = principal('dana', groups, { issuerName: 'default', email: 'dana@example.com' });
const rita = principal('rita', groups, { issuerName: 'default', email: 'rita@example.com' });
const elsewhere = principal('d-1', groups, { issuer: OTHER, issuerName: 'other', email: 'dana@example.com' });
const machine = principal('agent-7', groups, { issuer: CI, issuerName: 'ci', workload: true });
const acting: Principal = { ...dana, actors: [{ issuer: ISSUER, subject: 'agent-7' }] };
const byMachine: Principal = { ...dana, actors: [agent] };

const danas = person('dana', 'dana@example.com');
const asked = (
  rule: string,
  actors?: Principal['actors'],
  more: Partial<AccessRequest> = {},
): AccessRequest => requestOf({ rule, requester: { ...danas, ...(actors && { actors }) }, ...more });
const granted = (rule: string, actors?: Principal['actors']): AccessRequest =>
  grantedRequest({ rule, requester: { ...danas, ...(actors && { actors }) } });

const base = { policy, target: 'orders-db', now: NOW };
const isAllowed = (question: Omit<Question, 'policy' | 'target' | 'now'> & Partial<Question>): boolean =>
  Authorization.isOne(decide({ ...base, ...question }));
const mayApprove = (who: Principal, request: AccessRequest): boolean =>
  isAllowed({ action: 'approve', principal: who, request });

describe('a request of somebody for whom an agent acts', () => {
  it('names the agent, is another question with another hash, and is asked by the rule for agents', () => {
    const permission = decide({ ...base, action: 'request', principal: acting, wish: {} });
    if (!Authorization.isOne(permission)) throw new Error('not allowed');
    expect(permission.rule).toBe('agents');
    const request = newRequest(permission, { reason: 'look' }, idOf(1), NOW);
    expect(request.requester).toEqual({ ...danas, actors: acting.actors });
    const { actors: _, ...alone } = request.requester;
    expect(digestOf(request)).toBe(request.digest);
    expect(digestOf({ ...request, requester: alone })).not.toBe(request.digest);
  });

  it.each<[who: string, Principal, boolean]>([
    ['somebody else', rita, true],
    ['whom it acts for', dana, false],
    ['a second account of whom it acts for', elsewhere, false],
    [
      'a second account, with an address that nobody verified',
      { ...rita, unverifiedEmail: 'DANA@example.com' },
      false,
    ],
    ['the agent as itself', machine, false],
    ['somebody for whom an agent acts', { ...rita, actors: [agent] }, false],
    [
      'an agent of the same name at another issuer, which is another',
      { ...machine, issuer: OTHER, issuerName: 'other' },
      true,
    ],
  ])('is decided by %s: %j', (_who, who, may) => {
    expect(mayApprove(who, asked('agents', [agent]))).toBe(may);
  });

  it('is decided about by nobody who acts in it further back', () => {
    expect(mayApprove(machine, asked('agents', [{ issuer: ISSUER, subject: 'agent-7' }, agent]))).toBe(false);
  });

  it('is kept from them by the lifecycle as well', () => {
    const request = asked('agents', [agent]);
    const permission = decide({ ...base, action: 'approve', principal: rita, request });
    if (!Authorization.isOne(permission)) throw new Error('not allowed');
    const forged = (who: Principal) =>
      Object.assign(Object.create(Authorization.prototype), permission, {
        principal: who,
      }) as typeof permission;
    for (const who of [dana, machine, elsewhere, { ...rita, actors: [agent] }])
      for (const step of [
        () => judge(request, forged(who), 'approved', undefined, NOW),
        () => revoke(request, forged(who), undefined, NOW),
        () => review(request, forged(who), 'justified', undefined, NOW),
      ])
        expect(thrownBy(step).code).toBe('internal');
  });

  it('is given back by whom it was made for, and by the very agent', () => {
    const request = asked('agents', [agent]);
    expect(giveBack(request, dana, NOW)).toMatchObject([{ kind: 'withdrawn', by: danas }]);
    expect(giveBack(request, byMachine, NOW)).toMatchObject([{ by: { actors: [agent] } }]);
    for (const other of [acting, rita, machine])
      expect(thrownBy(() => giveBack(request, other, NOW)).code).toBe('access-denied');
    expect(thrownBy(() => giveBack(asked('ask'), byMachine, NOW)).code).toBe('access-denied');
  });
});

describe('a grant', () => {
  const connects = (who: Principal, grants: AccessRequest[]): boolean =>
    isAllowed({ action: 'connect', principal: who, grants });
  const chain = [agent, { issuer: ISSUER, subject: 'planner' }];

  it.each<[what: string, Principal, AccessRequest, boolean]>([
    ['of the person: the person', dana, granted('ask'), true],
    ['of the person: no agent of theirs', acting, granted('ask'), false],
    ['of the person by a rule that covers agents: the person', dana, granted('covering'), true],
    ['of the person by a rule that covers agents: the agent', acting, granted('covering'), true],
    ['of an agent: the agent', byMachine, granted('covering', [agent]), true],
    ['of an agent: not the person', dana, granted('covering', [agent]), false],
    ['of an agent: no other agent', acting, granted('covering', [agent]), false],
    ['of an agent: not as itself', machine, granted('covering', [agent]), false],
    ['of a chain: the chain', { ...dana, actors: chain }, granted('covering', chain), true],
    ['of a chain: no shorter one', byMachine, granted('covering', chain), false],
    ['of an agent: no longer chain', { ...dana, actors: chain }, granted('covering', [agent]), false],
    ['of the person: nobody else’s agent', { ...rita, actors: [agent] }, granted('covering'), false],
  ])('%s', (_what, who, grant, may) => {
    expect(connects(who, [grant])).toBe(may);
  });

  it('comes of no broken glass for an agent', () => {
    const wish = { breakGlass: true };
    expect(isAllowed({ action: 'request', principal: dana, target: 'payroll-db', wish })).toBe(true);
    expect(isAllowed({ action: 'request', principal: acting, target: 'payroll-db', wish })).toBe(false);
  });

  it('ends the session of an agent as it ends a person’s, and so does a rule that wants another actor or claim', () => {
    const live = { session: idOf(9), rule: 'agents', grant: idOf(1), startedAt: NOW };
    const grants = [granted('agents', acting.actors)];
    const question = { ...base, action: 'connect', principal: acting, grants, live } as const;
    expect(endingOf(question)).toBeUndefined();
    const changed = (more: object): Config => ({
      ...policy,
      rules: policy.rules.map((rule) => (rule.name === 'agents' ? { ...rule, ...more } : rule)),
    });
    for (const more of [
      { actor: { subject: ['x'] } },
      { claims: { ref: ['main'] } },
      { issuer: 'other' },
      { actor: undefined },
    ])
      expect(endingOf({ ...question, policy: changed(more) })).toMatchObject({ reason: 'revoked' });
    const deny = {
      name: 'no-agents',
      groups: ['*'],
      targets: ['*'],
      sessions: 'own',
      deny: ['connect'],
      actor: 'any',
    } as const;
    const denied = { ...policy, rules: [...policy.rules, deny] } as Config;
    expect(endingOf({ ...question, policy: denied })?.error.message).toContain('no-agents');
  });
});

describe('isDisabled', () => {
  it('is also who acts, and for whom somebody disabled acts', () => {
    const disabled = (list: Config['disabled'], who: Principal): boolean =>
      isDisabled({ ...policy, disabled: list }, who);
    expect(disabled([{ subject: 'agent-7', issuer: CI }], byMachine)).toBe(true);
    expect(
      disabled([{ subject: 'agent-7', issuer: CI }], { ...dana, actors: [...acting.actors!, agent] }),
    ).toBe(true);
    expect(disabled([{ subject: 'agent-7', issuer: CI }], acting)).toBe(false);
    expect(disabled([{ subject: 'dana', issuer: ISSUER }], byMachine)).toBe(true);
    expect(disabled([{ email: 'dana@example.com' }], elsewhere)).toBe(true);
  });
});

describe('an issuer that is in the file no more', () => {
  const gone: Config = { ...policy, issuers: policy.issuers.filter(({ name }) => name !== 'default') };

  it('vouches for nobody: its people are denied, their sessions end, and it is said why', () => {
    const grants = [granted('ask')];
    const question = { ...base, action: 'connect', principal: dana, grants } as const;
    expect(Authorization.isOne(decide(question))).toBe(true);
    expect(decide({ ...question, policy: gone })).toMatchObject({ code: 'access-denied' });
    expect(explain({ ...question, policy: gone }).because).toBe('their issuer is not in the configuration');
    const live = { session: idOf(9), rule: 'ask', grant: idOf(1), startedAt: NOW };
    expect(endingOf({ ...question, live })).toBeUndefined();
    expect(endingOf({ ...question, live, policy: gone })).toMatchObject({ reason: 'revoked' });
  });

  it('has no requests made or decided', () => {
    const wish = { rule: 'ask' };
    expect(isAllowed({ action: 'request', principal: dana, wish })).toBe(true);
    expect(isAllowed({ action: 'request', principal: dana, wish, policy: gone })).toBe(false);
    expect(isAllowed({ action: 'approve', principal: rita, request: asked('ask'), policy: gone })).toBe(
      false,
    );
  });
});

describe('what is somebody’s own', () => {
  const record = (more: object) => ({ ...danas, ...more });
  it.each<[what: string, Principal, object, own: boolean, shared: boolean]>([
    ['their account', dana, {}, true, true],
    ['what their agent did', dana, { actors: [agent] }, true, true],
    ['of an agent: its own', byMachine, { actors: [agent] }, true, true],
    ['of an agent: not the person’s', byMachine, {}, false, false],
    ['of an agent: not another’s', acting, { actors: [agent] }, false, false],
    ['the same address at another issuer', elsewhere, {}, false, true],
    ['the same address in capitals', elsewhere, { email: 'DANA@EXAMPLE.COM' }, false, true],
    [
      'the same address, which nobody vouches for',
      { ...elsewhere, email: undefined, unverifiedEmail: 'dana@example.com' } as unknown as Principal,
      {},
      false,
      false,
    ],
    ['another address', { ...elsewhere, email: 'eve@example.com' }, {}, false, false],
    ['a second account at the same issuer', { ...dana, subject: 'dana-admin' }, {}, false, false],
    [
      'the same address at an issuer that does not share',
      { ...elsewhere, issuer: CI, issuerName: 'ci' },
      {},
      false,
      false,
    ],
    [
      'the same address at an issuer under a foreign name',
      { ...elsewhere, issuerName: 'default' },
      {},
      false,
      false,
    ],
    [
      'the same address of an issuer that is gone',
      elsewhere,
      { issuer: 'https://gone.example' },
      false,
      false,
    ],
  ])('%s', (_what, who, more, own, shared) => {
    expect(owns(who, record(more), policy)).toBe(own);
    expect(owns(who, record(more), sharing)).toBe(shared);
  });

  it('is not what an issuer that shares nobody vouches for, also where the file has it twice', () => {
    const [here, other] = sharing.issuers as [Config['issuers'][number], Config['issuers'][number]];
    const twice = { ...here, name: 'again', sharesPeople: false };
    expect(owns(elsewhere, danas, { issuers: [here, other] })).toBe(true);
    expect(owns(elsewhere, danas, { issuers: [twice, other] })).toBe(false);
    expect(owns(elsewhere, danas, { issuers: [here, twice, other] })).toBe(false);
  });

  it('is what a grant and a session of one’s own are, where issuers share people', () => {
    const grants = [granted('ask')];
    expect(isAllowed({ action: 'connect', principal: elsewhere, grants })).toBe(false);
    expect(isAllowed({ action: 'connect', principal: elsewhere, grants, policy: sharing })).toBe(true);
  });

  it('is found by the account, and by the address among what is open where issuers share people', async () => {
    const store = new MemoryAccess();
    for (const [n, requester] of [
      danas,
      { ...danas, actors: [agent] },
      person('eve', 'eve@x.example'),
    ].entries())
      await store.create(requestOf({ id: idOf(n + 1), requester }));
    await store.create(
      requestOf({ id: idOf(7), requester: { issuer: OTHER, subject: 'd-1', email: 'dana@example.com' } }),
    );
    const found = async (caller: Principal, config: Config) => {
      const query = { caller, policy: config, target: 'orders-db', openAt: NOW, limit: 10 };
      return (await openRequestsOf(query, store)).map(({ id }) => id);
    };
    expect(await found(elsewhere, policy)).toEqual([idOf(7)]);
    expect(await found(elsewhere, sharing)).toEqual([idOf(7), idOf(2), idOf(1)]);
    expect(await found(dana, policy)).toEqual([idOf(2), idOf(1)]);
  });
});
