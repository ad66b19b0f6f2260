import { describe, expect, it } from 'vitest';
import { type Authorization, decide, type Question, type Refusal } from '#core/access/decide.ts';
import type { AccessRequest } from '#core/access/request.ts';
import type { Principal } from '#core/identity/principal.ts';
import {
  after,
  grantedRequest,
  HOUR,
  idOf,
  ISSUER,
  iso,
  NOW,
  person,
  policyOf,
  principal,
  requestOf,
} from './support.ts';

const POLICY = policyOf([
  `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads, owners] }, maxDuration: 4h }`,
  `name: ask-exact, groups: [scripts], targets: [orders-db], allow: [connect], approval: { reviewers: { all: [leads, owners] }, maxDuration: 1h, statements: exact, wait: 2m }`,
  `name: glass, groups: [on-call], targets: ['*'], allow: [connect], breakGlass: { reviewers: { any: [owners] }, maxDuration: 30m }`,
  `name: bots, groups: [bots], targets: [orders-db], allow: [connect], when: { tasks: [deploy] }, session: { maxDuration: 1h, endsWithToken: true }`,
  `name: office, groups: [office], targets: [orders-db], allow: [connect, replay], when: { networks: [10.0.0.0/8], hours: { days: [mon], from: '08:00', to: '18:00', zone: Europe/Zurich }, device: bound, mfa: required }`,
  `name: own, groups: ['*'], targets: ['*'], allow: [replay, rerun]`,
  `name: operators, groups: [operators], targets: [orders-db], allow: [terminate, rerun], sessions: any`,
  `name: admins, groups: [admins], targets: ['*'], allow: [administer, export], sessions: any`,
  `name: not-from-there, groups: ['*'], targets: ['*'], deny: [connect, request, approve, administer], when: { networks: [192.0.2.0/24] }`,
  `name: never-payroll, groups: [contractors], targets: [payroll-db], deny: [connect, request, approve, replay, export, terminate, rerun]`,
]);
const HOME = { network: '198.51.100.7' };

const dana = principal('dana', ['developers'], { email: 'dana@example.com' });
const lee = principal('lee', ['leads']);
const oncall = principal('oncall', ['on-call']);
const admin = principal('adam', ['admins']);
const operator = principal('olga', ['operators']);

function ask(question: Partial<Question>): Authorization | Refusal {
  const base = { policy: POLICY, principal: dana, action: 'connect', target: 'orders-db', now: NOW } as const;
  return decide({ ...base, context: HOME, ...question });
}

/** The rule that allowed it, and the grant where it rests on one; or the refusal's code. */
function answer(question: Partial<Question>): string {
  const decision = ask(question);
  if ('code' in decision) return decision.code;
  return decision.grant === undefined ? decision.rule : `${decision.rule} by ${decision.grant.id}`;
}

type Row = readonly [what: string, question: Partial<Question>, answer: string];
const GRANT = `ask by ${idOf(1)}`;
const byDana = (more: Partial<AccessRequest> = {}) => requestOf({ requester: person('dana'), ...more });
const grant = (more: Partial<AccessRequest> = {}) => ({ grants: [grantedRequest(more)] });

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

  const bound = { device: { thumbprint: 'x', expiresAt: after(1) } };
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
        principal: principal('olaf', ['office'], { device: { thumbprint: 'x', expiresAt: NOW }, mfa: true }),
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

describe('request', () => {
  const both = principal('x', ['developers', 'scripts', 'on-call']);
  it.each<Row>([
    ['what one may ask for', {}, 'ask'],
    ['by the first rule of two', { principal: both }, 'ask'],
    ['by the rule that is named', { principal: both, wish: { rule: 'ask-exact' } }, 'ask-exact'],
    ['by a rule of another group', { wish: { rule: 'ask-exact' } }, 'access-denied'],
    ['by a rule that is not there', { wish: { rule: 'nothing' } }, 'access-denied'],
    ['a broken glass', { principal: oncall, wish: { breakGlass: true } }, 'glass'],
    ['a broken glass, where both are possible', { principal: both, wish: { breakGlass: true } }, 'glass'],
    ['a broken glass by a rule that has none', { wish: { breakGlass: true, rule: 'ask' } }, 'access-denied'],
    ['an approval by a rule for a broken glass', { principal: oncall }, 'access-denied'],
    [
      'a target that is not there',
      { target: 'nowhere', principal: oncall, wish: { breakGlass: true } },
      'access-denied',
    ],
    ['every target', { target: '*', principal: oncall, wish: { breakGlass: true } }, 'access-denied'],
    [
      'what one has standing access to',
      { principal: principal('bot', ['bots'], { task: 'deploy' }) },
      'access-denied',
    ],
    ['as a reviewer', { principal: lee }, 'access-denied'],
    ['as an administrator', { principal: admin }, 'access-denied'],
    ['from where nobody may', { context: { network: '192.0.2.1' } }, 'access-denied'],
    [
      'by a contractor, for what is denied',
      {
        target: 'payroll-db',
        principal: principal('x', ['on-call', 'contractors']),
        wish: { breakGlass: true },
      },
      'access-denied',
    ],
  ])('%s', (_what, question, expected) => {
    expect(answer({ action: 'request', ...question })).toBe(expected);
  });

  it('gives the terms of the rule, and the target whole', () => {
    const permission = ask({ action: 'request' }) as Authorization<'request'>;
    expect(permission.terms.approval).toMatchObject({
      maxDuration: 4 * HOUR,
      pendingFor: 24 * HOUR,
      approvals: 1,
    });
    expect(permission.target).toMatchObject({ name: 'orders-db', protocol: 'postgres' });
  });
});

describe('approve', () => {
  const everything = ['developers', 'leads', 'owners', 'admins', 'operators', 'on-call'];
  const glass = byDana({ rule: 'glass', breakGlass: true });
  const as = (who: Principal, request: AccessRequest = byDana()): Partial<Question> => ({
    principal: who,
    request,
  });
  it.each<Row>([
    ['by a reviewer', as(lee), 'ask'],
    ['by a reviewer of the other group', as(principal('o', ['owners'])), 'ask'],
    ['by a reviewer of `all`', as(lee, byDana({ rule: 'ask-exact' })), 'ask-exact'],
    ['of a broken glass, by who looks at it afterwards', as(principal('o', ['owners']), glass), 'glass'],
    ['of a broken glass, by a reviewer of another rule', as(lee, glass), 'access-denied'],
    ['of a broken glass, by who may break it', as(oncall, glass), 'access-denied'],
    ['of nothing', { principal: lee }, 'access-denied'],
    ['by no reviewer', as(principal('eve', ['developers'])), 'access-denied'],
    ['by an administrator', as(admin), 'access-denied'],
    ['by an operator', as(operator), 'access-denied'],
    ['of one’s own', as(principal('dana', everything)), 'access-denied'],
    [
      'of one’s own, by another account with the e-mail in other letters',
      as(
        principal('d2', everything, { email: 'DANA@Example.com' }),
        byDana({ requester: person('dana', 'dana@example.com') }),
      ),
      'access-denied',
    ],
    [
      'of one’s own, by the same subject with another e-mail',
      as(
        principal('dana', everything, { email: 'else@example.com' }),
        byDana({ requester: person('dana', 'dana@example.com') }),
      ),
      'access-denied',
    ],
    [
      'of the same subject of another issuer',
      as({ ...principal('dana', ['leads']), issuer: 'https://other.example' }),
      'ask',
    ],
    ['by a rule that is gone', as(lee, byDana({ rule: 'gone' })), 'access-denied'],
    ['of a request of the other kind', as(lee, byDana({ breakGlass: true })), 'access-denied'],
    [
      'for another target than it is for',
      { ...as(lee, byDana({ target: 'payroll-db' })), target: 'orders-db' },
      'access-denied',
    ],
    [
      'for a target that its rule is not for',
      { ...as(lee, byDana({ target: 'payroll-db' })), target: 'payroll-db' },
      'access-denied',
    ],
    ['from where nobody may', { ...as(lee), context: { network: '192.0.2.1' } }, 'access-denied'],
    ['with a token that has expired', { ...as(lee), now: after(HOUR) }, 'token-invalid'],
    [
      'by a contractor, for what is denied',
      {
        ...as(principal('x', ['owners', 'contractors']), { ...glass, target: 'payroll-db' }),
        target: 'payroll-db',
      },
      'access-denied',
    ],
    [
      'for a target that is no more in the file',
      { ...as(principal('o', ['owners']), { ...glass, target: 'gone-db' }), target: 'gone-db' },
      'glass',
    ],
  ])('%s (security case 11)', (_what, question, expected) => {
    expect(answer({ action: 'approve', ...question })).toBe(expected);
  });

  it('may be given to everybody, and then to everybody else', () => {
    const policy = policyOf([
      `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: ['*'] }, maxDuration: 4h }`,
    ]);
    const approve = { action: 'approve', policy, request: byDana() } as const;
    expect(answer({ ...approve, principal: principal('anybody', []) })).toBe('ask');
    expect(answer({ ...approve, principal: principal('dana', ['*']) })).toBe('access-denied');
  });
});

describe('replay, export, terminate, rerun, administer', () => {
  const [own, others] = [person('dana'), person('eve')];
  it.each<Row>([
    ['replay of an own session', { action: 'replay', session: own }, 'own'],
    ["replay of another's", { action: 'replay', session: others }, 'access-denied'],
    ['rerun of an own session', { action: 'rerun', session: own }, 'own'],
    ["rerun of another's", { action: 'rerun', session: others }, 'access-denied'],
    [
      "rerun of another's, by an operator",
      { action: 'rerun', session: others, principal: operator },
      'operators',
    ],
    ['terminate an own session, without a rule', { action: 'terminate', session: own }, 'access-denied'],
    [
      "terminate another's, by an operator",
      { action: 'terminate', session: others, principal: operator },
      'operators',
    ],
    [
      'terminate on another target, by an operator',
      { action: 'terminate', session: others, principal: operator, target: 'payroll-db' },
      'access-denied',
    ],
    [
      'terminate by an administrator',
      { action: 'terminate', session: others, principal: admin },
      'access-denied',
    ],
    [
      "export of another's, by an administrator",
      { action: 'export', session: others, principal: admin },
      'admins',
    ],
    ['export of an own session, without a rule', { action: 'export', session: own }, 'access-denied'],
    [
      'of a contractor, what is denied',
      {
        action: 'replay',
        session: person('x'),
        target: 'payroll-db',
        principal: principal('x', ['contractors']),
      },
      'access-denied',
    ],
    [
      'of a contractor, what is not',
      { action: 'replay', session: person('x'), principal: principal('x', ['contractors']) },
      'own',
    ],
    ['administer', { action: 'administer', target: '*', principal: admin }, 'admins'],
    [
      'administer, by an operator',
      { action: 'administer', target: '*', principal: operator },
      'access-denied',
    ],
    ['administer, by everybody', { action: 'administer', target: '*' }, 'access-denied'],
    [
      'administer, from where nobody may',
      { action: 'administer', target: '*', principal: admin, context: { network: '192.0.2.1' } },
      'access-denied',
    ],
    [
      'administer, with a token that has expired',
      { action: 'administer', target: '*', principal: admin, now: after(HOUR) },
      'token-invalid',
    ],
  ])('%s (security cases 7, 14)', (_what, question, expected) => {
    expect(answer(question)).toBe(expected);
  });
});

describe('a rule that denies', () => {
  const standing = `name: all, groups: ['*'], targets: ['*'], allow: [connect, replay, administer], sessions: any`;
  const asking = `name: ask, groups: ['*'], targets: ['*'], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h }`;
  it.each<[what: string, deny: string, question: Partial<Question>, answer: string]>([
    ['its action', `groups: ['*'], targets: ['*'], deny: [connect]`, {}, 'access-denied'],
    ['not another action', `groups: ['*'], targets: ['*'], deny: [replay]`, {}, 'all'],
    ['its group', `groups: [developers], targets: ['*'], deny: [connect]`, {}, 'access-denied'],
    ['not another group', `groups: [leads], targets: ['*'], deny: [connect]`, {}, 'all'],
    ['its target', `groups: ['*'], targets: [orders-db], deny: [connect]`, {}, 'access-denied'],
    ['not another target', `groups: ['*'], targets: [payroll-db], deny: [connect]`, {}, 'all'],
    [
      "anybody's session",
      `groups: ['*'], targets: ['*'], deny: [replay]`,
      { action: 'replay', session: person('eve') },
      'access-denied',
    ],
    [
      'its hours',
      `groups: ['*'], targets: ['*'], deny: [connect], when: { hours: { from: '09:00', to: '10:00', zone: UTC } }`,
      {},
      'access-denied',
    ],
    [
      'not outside its hours',
      `groups: ['*'], targets: ['*'], deny: [connect], when: { hours: { from: '10:00', to: '11:00', zone: UTC } }`,
      {},
      'all',
    ],
    [
      'who comes without a device',
      `groups: ['*'], targets: ['*'], deny: [connect], when: { device: unbound }`,
      {},
      'access-denied',
    ],
    [
      'an address that cannot be read',
      `groups: ['*'], targets: ['*'], deny: [connect], when: { networks: [192.0.2.0/24] }`,
      { context: { network: 'x' } },
      'access-denied',
    ],
    [
      'to administer',
      `groups: ['*'], targets: ['*'], deny: [administer]`,
      { action: 'administer', target: '*' },
      'access-denied',
    ],
  ])('denies %s', (_what, deny, question, expected) => {
    expect(answer({ policy: policyOf([standing, `name: deny, ${deny}`]), ...question })).toBe(expected);
    expect(answer({ policy: policyOf([`name: deny, ${deny}`, standing]), ...question })).toBe(expected);
  });

  it.each(['connect', 'request'])('that denies to %s leaves nothing to ask for', (action) => {
    const policy = policyOf([
      asking,
      `name: deny, groups: [developers], targets: [orders-db], deny: [${action}]`,
    ]);
    expect(answer({ policy })).toBe('access-denied');
    expect(answer({ policy, target: 'payroll-db' })).toBe('approval-required');
  });

  it('that denies to connect ends what a grant allows', () => {
    const policy = policyOf([
      asking,
      `name: deny, groups: [developers], targets: [orders-db], deny: [connect]`,
    ]);
    expect(answer({ policy, ...grant() })).toBe('access-denied');
  });
});

it('looks at the conditions of who administers', () => {
  const policy = policyOf([
    `name: admins, groups: [admins], targets: ['*'], allow: [administer], when: { mfa: required }`,
  ]);
  const administer = { policy, action: 'administer', target: '*' } as const;
  expect(answer({ ...administer, principal: admin })).toBe('access-denied');
  expect(answer({ ...administer, principal: { ...admin, mfa: true } })).toBe('admins');
});

describe('who is disabled', () => {
  const everyone = principal('dana', ['developers', 'admins'], { email: 'Dana@Example.com' });
  it.each([
    ['by subject', `{ subject: dana }`],
    ['by subject and issuer', `{ subject: dana, issuer: ${ISSUER} }`],
    ['by e-mail', `{ email: dana@example.com }`],
    ['by e-mail in other letters', `{ email: DANA@EXAMPLE.COM }`],
    ['among others', `{ subject: eve }, { email: dana@example.com }`],
  ])('may do nothing: %s (security case 12)', (_what, disabled) => {
    const policy = policyOf(
      [
        `name: all, groups: ['*'], targets: ['*'], allow: [connect, replay, export, terminate, rerun, administer]`,
      ],
      `disabled: [${disabled}]`,
    );
    for (const action of ['connect', 'replay', 'export', 'terminate', 'rerun', 'administer'] as const) {
      const question = { policy, action, principal: everyone, session: person('dana') };
      expect(answer(question)).toBe('access-denied');
      expect(answer({ ...question, principal: principal('rui', []), session: person('rui') })).toBe('all');
    }
    const live = { session: idOf(7), rule: 'all', startedAt: NOW };
    expect(answer({ policy, principal: everyone, live })).toBe('access-denied');
  });

  it.each([
    ['the same subject of another issuer', `{ subject: dana, issuer: 'https://other.example' }`],
    ['a subject in other letters, which is another', `{ subject: Dana }`],
    ['an e-mail that only begins alike', `{ email: dana@example.com.evil }`],
    ['an e-mail that is a subject', `{ email: dana }`],
  ])('is not %s', (_what, disabled) => {
    const policy = policyOf(
      [`name: all, groups: ['*'], targets: ['*'], allow: [connect]`],
      `disabled: [${disabled}]`,
    );
    expect(answer({ policy, principal: everyone })).toBe('all');
  });
});
