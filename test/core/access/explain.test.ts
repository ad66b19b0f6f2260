import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Authorization, decide, type Question } from '#core/access/decide.ts';
import { explain } from '#core/access/explain.ts';
import { anyLiveQuestion, anyQuestion } from './arbitrary.ts';
import {
  after,
  CI,
  grantedRequest,
  HOUR,
  idOf,
  iso,
  issuersOf,
  NOW,
  person,
  policyOf,
  principal,
  requestOf,
} from './support.ts';

const RULES = [
  `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h }`,
  `name: own, groups: ['*'], targets: ['*'], allow: [replay]`,
  `name: night, groups: [bots, leads], targets: [orders-db], allow: [connect], when: { networks: [10.0.0.0/8], hours: { from: '20:00', to: '21:00', zone: UTC }, device: bound, tasks: [deploy], mfa: required }, session: { maxDuration: 1h, endsWithToken: true }`,
  `name: no-contractors, groups: [contractors], targets: [orders-db], deny: [connect, request], when: { networks: [192.0.2.0/24] }`,
];
const POLICY = policyOf(RULES);
const dana = principal('dana', ['developers']);

function ask(question: Partial<Question>) {
  const base = { policy: POLICY, principal: dana, action: 'connect', target: 'orders-db', now: NOW } as const;
  return explain({ ...base, context: { network: '198.51.100.7' }, ...question });
}

const HINT_TARGETS = 'see what you may use: custody targets';
const HINT_ASK = 'ask for access: custody request orders-db --reason "…" --for 4h';

/** Rules that are about who somebody is, and what each says of them. */
function because(rules: readonly string[], question: Partial<Question>): Record<string, readonly string[]> {
  const policy = { ...policyOf(rules), issuers: issuersOf() };
  return Object.fromEntries(ask({ policy, ...question }).rules.map(({ rule, because }) => [rule, because]));
}

describe('explain, of issuers, claims and actors', () => {
  const rest = "targets: ['*'], allow: [connect]";
  const RULES_OF_WHOM = [
    `name: people, groups: ['*'], ${rest}`,
    `name: deploys, issuer: default, claims: { repository: acme/shop, ref: [refs/heads/main, 'refs/tags/*'] }, ${rest}`,
    `name: agents, groups: ['*'], actor: { subject: 'agent-*' }, ${rest}`,
  ];
  const job = { issuer: CI, issuerName: 'ci', workload: true } as const;
  const actor = (subject: string, issuer = CI) => ({ actors: [{ issuer, subject }] });

  it('says whose tokens a rule is for, and whose this one is', () => {
    expect(because(RULES_OF_WHOM, { principal: principal('job', [], job) })).toEqual({
      people: ['it is for people: a rule for machines names their issuer or their groups'],
      deploys: expect.arrayContaining(['it is for tokens of default; this one is of ci']) as string[],
      agents: [
        'it is for people: a rule for machines names their issuer or their groups',
        'it is for those who act for somebody, and nobody acts here',
      ],
    });
    const { deploys } = because(RULES_OF_WHOM, { principal: principal('dana', []) });
    expect(deploys).toContain('it is for tokens of default; this one is of https://id.example');
  });

  it('says which claim is in the way, and what the token says of it', () => {
    const claims = { repository: 'acme/shop-fork', ref: ['a', 'b'] };
    const found = because(RULES_OF_WHOM, {
      principal: principal('x', [], { issuerName: 'default', claims }),
    });
    expect(found['deploys']).toEqual([
      'the claim repository is acme/shop-fork, and it is for acme/shop',
      'the claim ref is a, b, and it is for refs/heads/main or refs/tags/*',
    ]);
    const none = because(RULES_OF_WHOM, { principal: principal('x', [], { issuerName: 'default' }) });
    expect(none['deploys']![0]).toBe('the claim repository is not in the token, and it is for acme/shop');
  });

  it('says who may act, and who does', () => {
    const found = because(RULES_OF_WHOM, { principal: principal('dana', [], actor('agent-7')) });
    expect(found['people']).toEqual(['it lets nobody act for others']);
    expect(found['agents']).toEqual([
      "agent-7 of https://ci.example is none of those that may act for others by it: agent-* of the token's own issuer",
    ]);
    const decides = because(RULES, {
      action: 'approve',
      request: requestOf(),
      policy: POLICY,
      principal: principal('lee', ['leads'], actor('agent-7')),
    });
    expect(decides['ask']).toContain('who acts for somebody decides about nothing');
    const glass = `name: glass, groups: ['*'], targets: ['*'], allow: [connect], breakGlass: { reviewers: { any: [a] }, maxDuration: 1h }`;
    const broken = because([glass], { action: 'request', principal: principal('d', [], actor('agent-7')) });
    expect(broken['glass']).toContain('no agent breaks a glass');
  });

  it('says why nobody decides about what was asked for in their name, or by themselves for others', () => {
    const requester = { ...person('dana'), ...actor('agent-7') };
    const decides = because(RULES, {
      action: 'approve',
      request: requestOf({ requester }),
      policy: POLICY,
      principal: principal('agent-7', ['leads'], { issuer: CI }),
    });
    expect(decides['ask']).toEqual([
      'nobody decides about what was asked for in their name, or what they asked for in the name of others',
    ]);
  });

  it('shows an issuer’s words short, and nothing that cannot be seen (security case 18)', () => {
    const claims = {
      repository: `\u001b[31mred\u202e${'x'.repeat(500)}`,
      ref: Array.from({ length: 30 }, (_, n) => `v${n}`),
    };
    const who = principal('x', [], {
      issuerName: 'default',
      claims,
      actors: [{ issuer: 'i\u0007', subject: 's\n' }],
    });
    const text = JSON.stringify(because(RULES_OF_WHOM, { principal: who }));
    expect(text).toContain('?[31mred?xxx');
    expect(text).toContain('v19, and 10 more');
    expect(text).toContain('s? of i?');
    expect(text.length).toBeLessThan(1500);
    expect(text).not.toMatch(/\\u0|\\n|x{200}/);
  });
});

describe('explain', () => {
  it.each<[what: string, question: Partial<Question>, verdict: string, because: string, hint?: string]>([
    ['a rule', { action: 'replay', session: person('dana') }, 'allowed', 'the rule own allows it'],
    [
      'a grant',
      { grants: [grantedRequest()] },
      'allowed',
      `the rule ask allows it with the grant ${idOf(1)}, until 2026-11-23T09:59:00.000Z`,
    ],
    ['a request that would help', {}, 'requestable', 'access to "orders-db" needs an approval', HINT_ASK],
    ['no rule', { target: 'payroll-db' }, 'denied', 'no rule allows it', HINT_TARGETS],
    [
      'no target',
      { target: 'nowhere' },
      'denied',
      'there is no target "nowhere" in the configuration',
      HINT_TARGETS,
    ],
    [
      'no rule to administer, which is for no target',
      { action: 'administer', target: '*' },
      'denied',
      'no rule allows it',
      'ask whoever runs it',
    ],
    [
      'a rule that denies',
      { principal: principal('x', ['developers', 'contractors']), context: { network: '192.0.2.1' } },
      'denied',
      'the rule no-contractors denies it',
      HINT_TARGETS,
    ],
    [
      'somebody disabled',
      { policy: { ...POLICY, disabled: [{ subject: 'dana' }] } },
      'denied',
      'this person is disabled in the configuration',
      HINT_TARGETS,
    ],
    [
      'an expired token',
      { now: after(HOUR) },
      'denied',
      'the token has expired',
      'log in again: custody login',
    ],
    [
      'a running session, whose token may expire',
      { now: after(HOUR), live: { session: idOf(7), rule: 'gone', startedAt: NOW } },
      'denied',
      'no rule allows it',
      HINT_TARGETS,
    ],
    [
      'one’s own request',
      { action: 'approve', request: requestOf(), principal: principal('dana', ['leads']) },
      'denied',
      'no rule allows it',
      'reviewers of its rule decide, and nobody about their own: custody requests',
    ],
  ])('says what decides: %s', (_what, question, verdict, because, hint) => {
    const { rules, ...said } = ask(question);
    const { action = 'connect', target = 'orders-db' } = question;
    expect(said).toEqual({
      verdict,
      action,
      target,
      policy: POLICY.version,
      because,
      ...(hint === undefined ? {} : { hint }),
    });
    expect(rules.map(({ rule, effect }) => `${rule}: ${effect}`)).toEqual([
      'ask: allow',
      'own: allow',
      'night: allow',
      'no-contractors: deny',
    ]);
  });

  const night = principal('bot', ['bots']);
  const lead = principal('lee', ['leads']);
  const live = { session: idOf(7), rule: 'night', startedAt: after(-2 * HOUR) };
  const late = {
    principal: {
      ...night,
      device: { key: 'SHA256:x', proof: 'tls-certificate' as const, thumbprint: 'x', expiresAt: NOW },
    },
    now: after(11.5 * HOUR),
  };
  it.each<[rule: string, question: Partial<Question>, because: string[]]>([
    ['ask', {}, ['it needs a grant']],
    ['ask', { grants: [requestOf()] }, ['it needs a grant; the last one is pending']],
    [
      'ask',
      { grants: [grantedRequest()], now: after(HOUR - 60_000) },
      ['it needs a grant; the last one is ended'],
    ],
    [
      'ask',
      { grants: [grantedRequest({}, { at: iso(-1), kind: 'used', session: idOf(7) })] },
      ['it needs a grant; the last one is used'],
    ],
    [
      'ask',
      { grants: [grantedRequest({}, { at: iso(-1), kind: 'revoked', by: person('lee') })] },
      ['it needs a grant; the last one is revoked'],
    ],
    ['ask', { grants: [grantedRequest()] }, []],
    [
      'ask',
      { action: 'replay', target: 'payroll-db', principal: lead },
      [
        'it is not for replay',
        'it is not for "payroll-db"',
        'it is for developers; the groups are leads',
        "it reaches one's own sessions only",
      ],
    ],
    [
      'ask',
      { principal: principal('x', []) },
      ['it is for developers; the groups are none', 'it needs a grant'],
    ],
    ['ask', { action: 'request', wish: { breakGlass: true } }, ['it has nothing to ask for in this way']],
    [
      'ask',
      { action: 'approve', request: requestOf({ rule: 'own' }), principal: lead },
      ['the request is by another rule'],
    ],
    [
      'ask',
      { action: 'approve', request: requestOf(), principal: principal('eve', ['developers']) },
      ['its reviewers are of other groups'],
    ],
    [
      'ask',
      { action: 'approve', request: requestOf(), principal: principal('dana', ['leads']) },
      ['nobody decides about their own request'],
    ],
    ['ask', { action: 'approve', request: requestOf(), principal: lead }, []],
    ['own', { action: 'replay', session: person('eve') }, ["it reaches one's own sessions only"]],
    ['own', { action: 'replay', session: person('dana') }, []],
    [
      'night',
      { principal: night },
      [
        'the connection does not come from its networks',
        'it is outside its hours',
        'the token is not bound to a device as it wants',
        'the token was not issued for one of its tasks',
        'the token does not say that a second factor was checked',
      ],
    ],
    [
      'night',
      { ...late, live, context: { network: '10.0.0.1' } },
      [
        'the token was not issued for one of its tasks',
        'the token does not say that a second factor was checked',
        'the token has expired, and the rule ends a session with it',
        "the device's certificate has expired",
        'the session has lasted as long as it may',
      ],
    ],
    [
      'no-contractors',
      {},
      ['it is for contractors; the groups are developers', 'the connection does not come from its networks'],
    ],
    ['no-contractors', { principal: principal('x', ['contractors']), context: { network: '192.0.2.1' } }, []],
    [
      'no-contractors',
      { action: 'replay', principal: principal('x', ['contractors']), context: {} },
      ['it is not for replay'],
    ],
  ])('says of the rule %s why it has no effect: %j', (name, question, because) => {
    const rule = ask(question).rules.find(({ rule }) => rule === name);
    expect(rule).toMatchObject({ because, applies: because.length === 0 });
  });

  it('takes no rule that allows for one that denies: a session lives by its own', () => {
    const policy = policyOf([`name: standing, groups: ['*'], targets: ['*'], allow: [connect]`]);
    const live = { session: idOf(7), rule: 'gone', startedAt: NOW };
    expect(ask({ policy, live })).toMatchObject({ verdict: 'denied', because: 'no rule allows it' });
  });

  it('repeats what comes from outside neither raw nor whole (security case 18)', () => {
    const hostile = 'a\u001b[2J\u009b31m\u202e\u2028\n<b>';
    const groups = [
      hostile,
      'Küche',
      ...Array.from({ length: 10_000 }, (_, n) => `group-${n}-${'x'.repeat(100)}`),
    ];
    const explanation = ask({ target: hostile.repeat(1_000), principal: principal('x', groups) });
    const words = [
      explanation.because,
      explanation.hint,
      ...explanation.rules.flatMap(({ because }) => because),
    ].join('');
    expect(words).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    expect(words.length).toBeLessThan(10_000);
    expect(words).toContain('Küche');
    expect(words).toContain('and 9982 more');
  });

  it('has the verdict that decide has, and an effect for each rule that has one', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(fc.oneof(anyQuestion(), anyLiveQuestion), (question) => {
        const decision = decide(question);
        const code = Authorization.isOne(decision) ? 'allowed' : decision.code;
        const verdict = code === 'allowed' ? code : code === 'approval-required' ? 'requestable' : 'denied';
        const { because, rules, ...said } = explain(question);
        expect(said.verdict).toBe(verdict);
        expect(because).not.toBe('');
        expect('hint' in said).toBe(verdict !== 'allowed');
        for (const { applies, because } of rules) expect(applies).toBe(because.length === 0);
        const deciding = Authorization.isOne(decision) ? decision.rule : undefined;
        expect(rules.filter(({ rule, applies }) => rule === deciding && !applies)).toEqual([]);
        expect(
          deciding !== undefined && rules.some(({ effect, applies }) => effect === 'deny' && applies),
        ).toBe(false);
        seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
      }),
      { numRuns: 2_000 },
    );
    expect(
      Math.min(...['allowed', 'requestable', 'denied'].map((verdict) => seen.get(verdict) ?? 0)),
    ).toBeGreaterThan(5);
  });
});
