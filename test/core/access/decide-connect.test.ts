import { describe, expect, it } from 'vitest';
import type { Question, Refusal } from '#core/access/decide.ts';
import type { Step } from '#core/access/request.ts';
import {
  admin,
  answer,
  ask,
  byDana,
  dana,
  GRANT,
  grant,
  HOME,
  lee,
  oncall,
  POLICY,
  type Row,
} from './decide-support.ts';
import {
  after,
  grantedRequest,
  HOUR,
  idOf,
  iso,
  NOW,
  person,
  policyOf,
  principal,
  requestOf,
} from './support.ts';

describe('connect', () => {
  it.each<Row>([
    ['without a request', {}, 'approval-required'],
    ['with a request that nobody has decided about', { grants: [byDana()] }, 'approval-required'],
    ['with a grant', grant(), GRANT],
    ['with a grant, at its very start', { ...grant(), now: after(-60_000) }, GRANT],
    ['with a grant, before its start', { ...grant(), now: after(-60_001) }, 'approval-required'],
    [
      'with a grant, a millisecond before its end',
      { ...grant(), now: after(HOUR - 60_001), principal: { ...dana, expiresAt: after(2 * HOUR) } },
      GRANT,
    ],
    [
      'with a grant, at its end',
      { ...grant(), now: after(HOUR - 60_000), principal: { ...dana, expiresAt: after(2 * HOUR) } },
      'approval-required',
    ],
    [
      "with somebody else's grant",
      { ...grant(), principal: principal('eve', ['developers']) },
      'approval-required',
    ],
    [
      'with the grant of another issuer’s dana',
      { ...grant(), principal: { ...dana, issuer: 'https://other.example' } },
      'approval-required',
    ],
    [
      'with the grant of a second account of the same e-mail',
      { ...grant({ requester: person('dana-2', 'dana@example.com') }) },
      'approval-required',
    ],
    ['with a grant for another target', grant({ target: 'payroll-db' }), 'approval-required'],
    ['with a grant by another rule', grant({ rule: 'ask-exact' }), 'approval-required'],
    [
      'with a grant by a broken glass of a rule that has none',
      grant({ breakGlass: true }),
      'approval-required',
    ],
    [
      'with a grant, out of the group by now',
      { ...grant(), principal: principal('dana', []) },
      'access-denied',
    ],
    ['with the second of two requests', { grants: [byDana({ id: idOf(2) }), grantedRequest()] }, GRANT],
    [
      'with a grant, from where nobody may',
      { ...grant(), context: { network: '192.0.2.1' } },
      'access-denied',
    ],
    ['with a grant, from nobody knows where', { ...grant(), context: {} }, 'access-denied'],
    ['to another target', { target: 'payroll-db' }, 'access-denied'],
    ['on call, without a broken glass', { principal: oncall }, 'approval-required'],
    [
      'on call, with one',
      { principal: oncall, ...grant({ requester: person('oncall'), rule: 'glass', breakGlass: true }) },
      `glass by ${idOf(1)}`,
    ],
    [
      'on call, with a grant that was approved and is no broken glass',
      { principal: oncall, ...grant({ requester: person('oncall'), rule: 'glass' }) },
      'approval-required',
    ],
    ['by a task', { principal: principal('bot', ['bots'], { task: 'deploy' }) }, 'bots'],
    ['by another task', { principal: principal('bot', ['bots'], { task: 'other' }) }, 'access-denied'],
    ['by a reviewer, who may only approve', { principal: lee }, 'access-denied'],
    ['by an administrator, who may only administer', { principal: admin }, 'access-denied'],
  ])('%s (security cases 12, 14)', (_what, question, expected) => {
    expect(answer(question)).toBe(expected);
  });

  const bound = {
    device: { key: 'SHA256:x', proof: 'tls-certificate' as const, thumbprint: 'x', expiresAt: after(1) },
  };
  const atOffice = {
    principal: principal('olaf', ['office'], { ...bound, mfa: true }),
    context: { network: '10.1.2.3' },
  };
  it.each<Row>([
    ['all conditions hold', {}, 'office'],
    ['elsewhere', { context: HOME }, 'access-denied'],
    ['nobody knows where', { context: {} }, 'access-denied'],
    ['too early', { now: after(-2 * HOUR - 1) }, 'access-denied'],
    ['on another day', { now: after(-24 * HOUR) }, 'access-denied'],
    ['no device', { principal: principal('olaf', ['office'], { mfa: true }) }, 'access-denied'],
    [
      'a device whose certificate is over',
      {
        principal: principal('olaf', ['office'], {
          device: { key: 'SHA256:x', proof: 'tls-certificate' as const, thumbprint: 'x', expiresAt: NOW },
          mfa: true,
        }),
      },
      'access-denied',
    ],
    [
      'no second factor (security case 3)',
      { principal: principal('olaf', ['office'], bound) },
      'access-denied',
    ],
    ['the same conditions for replay', { action: 'replay', session: person('olaf') }, 'office'],
    [
      'replay elsewhere, by the rule that has no conditions',
      { action: 'replay', session: person('olaf'), context: HOME },
      'own',
    ],
  ])('under conditions: %s', (_what, question, expected) => {
    expect(answer({ ...atOffice, ...question })).toBe(expected);
  });

  it('carries the grant: its id, its end, its commands', () => {
    const statements = [{ sha256: 'b'.repeat(64), text: 'select 1' }];
    const grants = [grantedRequest({ rule: 'ask-exact', requester: person('dana'), statements })];
    const decision = ask({ principal: principal('dana', ['scripts']), grants });
    expect(decision).toMatchObject({
      rule: 'ask-exact',
      grant: { id: idOf(1), until: after(HOUR - 60_000), statements },
      policyVersion: POLICY.version,
    });
  });

  it('uses no grant up where a standing rule allows it', () => {
    const both = policyOf([
      `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h }`,
      `name: standing, groups: [developers], targets: [orders-db], allow: [connect]`,
    ]);
    expect(answer({ policy: both, grants: [grantedRequest()] })).toBe('standing');
  });

  it('takes a grant for one session once', () => {
    const statements = [{ sha256: 'b'.repeat(64), text: 'select 1' }];
    const used = { at: iso(-1), kind: 'used', session: idOf(7) } as const;
    const grants = [grantedRequest({ statements }, used)];
    expect(answer({ grants })).toBe('approval-required');
    const live = { session: idOf(7), rule: 'ask', grant: idOf(1), startedAt: after(-1) };
    expect(answer({ grants, live })).toBe(GRANT);
    expect(answer({ grants, live: { ...live, session: idOf(8) } })).toBe('access-denied');
  });
});

describe('what a refusal says', () => {
  const NO_TARGET = 'see what you may use: custody targets';
  it.each<
    [what: string, question: Partial<Question>, code: string, message: string, hint: string, ask?: string]
  >([
    [
      'a request would help',
      {},
      'approval-required',
      'access to "orders-db" needs an approval',
      'ask for access: custody request orders-db --reason "…" --for 4h',
      'ask',
    ],
    [
      'a broken glass would help',
      { principal: oncall },
      'approval-required',
      'access to "orders-db" needs an approval',
      'in an emergency: custody request orders-db --break-glass --reason "…"',
    ],
    [
      'both would',
      { principal: principal('x', ['developers', 'on-call']) },
      'approval-required',
      'access to "orders-db" needs an approval',
      'ask for access: custody request orders-db --reason "…" --for 4h; in an emergency: custody request orders-db --break-glass --reason "…"',
      'ask',
    ],
    [
      'nothing would',
      { principal: lee },
      'access-denied',
      'there is no target "orders-db" that you may connect to',
      NO_TARGET,
    ],
    [
      'nor to ask',
      { principal: lee, action: 'request' },
      'access-denied',
      'there is no target "orders-db" that you may ask for',
      NO_TARGET,
    ],
    [
      'to replay',
      { action: 'replay', session: person('eve') },
      'access-denied',
      'you may not replay this session',
      NO_TARGET,
    ],
    [
      'to export',
      { action: 'export', session: person('dana') },
      'access-denied',
      'you may not export this session',
      NO_TARGET,
    ],
    [
      'to terminate',
      { action: 'terminate', session: person('dana') },
      'access-denied',
      'you may not terminate this session',
      NO_TARGET,
    ],
    [
      'to rerun',
      { action: 'rerun', session: person('eve') },
      'access-denied',
      'you may not rerun this session',
      NO_TARGET,
    ],
    [
      'to approve',
      { action: 'approve', request: requestOf() },
      'access-denied',
      'you may not decide about this request',
      'reviewers of its rule decide, and nobody about their own: custody requests',
    ],
    [
      'to administer',
      { action: 'administer', target: '*' },
      'access-denied',
      'you may not administer this gateway',
      'ask whoever runs it',
    ],
    [
      'an expired token',
      { now: after(HOUR) },
      'token-invalid',
      'the token has expired',
      'log in again: custody login',
    ],
  ])('%s', (_what, question, code, message, hint, rule) => {
    const { ask: asked, ...refusal } = ask(question) as Refusal;
    expect({ ...refusal, ask: asked?.name }).toEqual({ code, message, hint, ask: rule });
  });

  it('says of a grant for one session that it is used', () => {
    const used: Step = { at: iso(-1), kind: 'used', session: idOf(8) };
    expect(ask(grant())).toMatchObject({ rule: 'ask' });
    const refusal = ask({ grants: [grantedRequest({}, used)] }) as Refusal;
    expect([refusal.code, refusal.message]).toEqual([
      'approval-required',
      'access to "orders-db" needs an approval: the grant was for one session, and is used',
    ]);
  });

  it('says nothing of a request to who is disabled, or may not ask, or has a running session', () => {
    const disabled = { ...POLICY, disabled: [{ subject: 'dana' }] };
    expect(answer({ policy: disabled })).toBe('access-denied');
    const live = { session: idOf(7), rule: 'ask', startedAt: NOW };
    expect(answer({ live })).toBe('access-denied');
    const mayNotAsk = policyOf([
      `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h }`,
      `name: no, groups: [developers], targets: ['*'], deny: [request]`,
    ]);
    expect(answer({ policy: mayNotAsk })).toBe('access-denied');
    expect(answer({ context: { network: '192.0.2.1' } })).toBe('access-denied');
  });
});
