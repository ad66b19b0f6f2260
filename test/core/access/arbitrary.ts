/** Any configuration, anybody, any requests and any question about them: small enough that things meet often. */
import fc from 'fast-check';
import type { Action, Config, Rule } from '#core/access/config.ts';
import { days } from '#core/access/formats.ts';
import { type Person, personOf } from '#core/access/person.ts';
import { type AccessRequest, digestOf, type Step } from '#core/access/request.ts';
import type { LiveSession, Question } from '#core/access/rule-match.ts';
import { actions } from '#core/access/schema.ts';
import type { Principal } from '#core/identity/principal.ts';
import { after, CI, HOUR, ISSUER, idOf, iso, issuersOf, NOW, OTHER, person, policyOf } from './support.ts';

const BASE: Config = { ...policyOf([]), issuers: issuersOf() };
const groupNames = ['a', 'b', 'c'] as const;
const groups = fc.subarray<string>([...groupNames]);
const someGroups: fc.Arbitrary<string[]> = fc.oneof(
  fc.constant<string[]>(['*']),
  fc.subarray<string>([...groupNames], { minLength: 1 }),
);
const targetNames = fc.constantFrom('orders-db', 'payroll-db');
const someTargets = fc.oneof(fc.constant(['*']), fc.subarray(['orders-db', 'payroll-db'], { minLength: 1 }));
const sessionNames = fc.constantFrom(idOf(101), idOf(102));

type Of<K extends keyof Rule> = NonNullable<Rule[K]>;

/** Nine times of ten the one. */
function often<T>(one: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 9, arbitrary: one }, { weight: 1, arbitrary: other });
}

/** No member where there is none: `exactOptionalPropertyTypes`. */
function maybe<K extends string, T>(
  key: K,
  value: fc.Arbitrary<T>,
  none = 3,
): fc.Arbitrary<{ [k in K]?: T }> {
  const some = value.map((value) => ({ [key]: value }) as { [k in K]?: T });
  return fc.oneof({ weight: none, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: some });
}

function merged<T extends readonly object[]>(...parts: { [i in keyof T]: fc.Arbitrary<T[i]> }) {
  return fc.tuple(...parts).map((parts) => Object.assign({}, ...(parts as object[])) as object);
}

const anyHours = fc
  .constantFrom(['08:00', '10:00'] as const, ['20:00', '21:00'] as const, ['22:00', '12:00'] as const)
  .map(([from, to]) => ({ days: [...days], from, to, zone: 'UTC' }));
const anyWhen = merged(
  maybe('networks', fc.constantFrom(['10.0.0.0/8'], ['192.0.2.0/24'])),
  maybe('hours', anyHours),
  maybe('device', fc.constantFrom('bound' as const, 'unbound' as const)),
  maybe('tasks', fc.constant(['deploy'])),
  maybe('mfa', fc.constant('required' as const)),
) as fc.Arbitrary<Of<'when'>>;
const anyLimits = merged(
  fc.record({ endsWithToken: fc.boolean() }),
  maybe('maxDuration', fc.constantFrom(HOUR / 2, 2 * HOUR)),
) as fc.Arbitrary<Of<'session'>>;

const anyApproval: fc.Arbitrary<Of<'approval'>> = fc.record({
  reviewers: fc.oneof(fc.record({ any: someGroups }), fc.record({ all: someGroups })),
  approvals: fc.integer({ min: 1, max: 2 }),
  maxDuration: fc.constant(HOUR),
  pendingFor: fc.constant(HOUR),
  reason: fc.constant('optional'),
  ticket: fc.constant('optional'),
  coversActors: fc.boolean(),
  statements: fc.constantFrom('any', 'exact'),
  for: fc.constant('any'),
  allow: fc.constant([]),
});
const anyBreakGlass: fc.Arbitrary<Of<'breakGlass'>> = fc.record({
  reviewers: fc.record({ any: someGroups }),
  maxDuration: fc.constant(HOUR),
});

const reach = fc.record({
  groups: someGroups,
  targets: someTargets,
  sessions: fc.constantFrom('own' as const, 'any' as const),
});
const connects = { allow: fc.constant(['connect'] as const) };
const allowing = merged(
  fc.record({
    allow: fc.subarray(
      [...actions].filter((action) => action !== 'request' && action !== 'approve'),
      {
        minLength: 1,
      },
    ),
  }),
  maybe('session', anyLimits),
);
const asking = merged(fc.record({ ...connects, approval: anyApproval }), maybe('session', anyLimits));
const glass = merged(fc.record({ ...connects, breakGlass: anyBreakGlass }), maybe('session', anyLimits));
const denying = fc.record({ deny: fc.subarray([...actions], { minLength: 1 }) });

/** Whose tokens, beside the groups. */
const whose = merged(
  maybe('issuer', fc.constantFrom('default', 'ci'), 5),
  maybe('claims', fc.constantFrom({ ref: ['main'] }, { ref: ['ma*', 'dev'], env: ['prod'] }), 7),
  maybe(
    'actor',
    fc.constantFrom('any', { subject: ['agent-*'] }, { subject: ['agent-7', 'x'], issuer: CI }),
    2,
  ),
);

function ruleOf(kind: fc.Arbitrary<object>): fc.Arbitrary<Omit<Rule, 'name'>> {
  return merged(reach, kind, whose, maybe('when', anyWhen, 5)) as fc.Arbitrary<Omit<Rule, 'name'>>;
}

/** Rules that are named r1, r2 … by `named`. */
export const anyDeny = ruleOf(denying);
const anyRule = fc.oneof(
  { weight: 3, arbitrary: ruleOf(allowing) },
  { weight: 3, arbitrary: ruleOf(asking) },
  { weight: 2, arbitrary: ruleOf(glass) },
  { weight: 1, arbitrary: anyDeny },
);

export function named(rules: readonly Omit<Rule, 'name'>[]): Rule[] {
  return rules.map((rule, i) => ({ ...rule, name: `r${i + 1}` }));
}

const anyDisabled: fc.Arbitrary<Config['disabled']> = fc.oneof(
  { weight: 20, arbitrary: fc.constant<Config['disabled']>([]) },
  { weight: 1, arbitrary: fc.constant<Config['disabled']>([{ email: 'DANA@example.com' }]) },
  { weight: 1, arbitrary: fc.constant<Config['disabled']>([{ subject: 'eve' }]) },
);

export const anyPolicy: fc.Arbitrary<Config> = fc
  .record({ rules: fc.array(anyRule, { maxLength: 5 }), disabled: anyDisabled })
  .map(({ rules, disabled }) => ({ ...BASE, rules: named(rules), disabled }));

/** Two people, dana with two accounts. */
export const accounts = [
  person('dana', 'dana@example.com'),
  person('dana-admin', 'Dana@Example.com'),
  person('eve'),
  { issuer: OTHER, subject: 'dana' },
  { issuer: CI, subject: 'agent-7' },
] as const;

/** What an issuer makes of its tokens. */
const NAMED: Readonly<Record<string, Partial<Principal>>> = {
  [ISSUER]: { issuerName: 'default' },
  [OTHER]: { issuerName: 'other' },
  [CI]: { issuerName: 'ci', workload: true },
};
export const chains = [
  [{ issuer: ISSUER, subject: 'agent-7' }],
  [{ issuer: CI, subject: 'agent-7' }],
  [{ issuer: ISSUER, subject: 'rogue' }],
  [
    { issuer: CI, subject: 'agent-7' },
    { issuer: ISSUER, subject: 'planner' },
  ],
] as const;

export const anyPrincipal: fc.Arbitrary<Principal> = merged(
  fc.constantFrom(...accounts).map((account) => ({ ...account, ...NAMED[account.issuer] })),
  maybe('actors', fc.constantFrom(...chains)),
  maybe(
    'claims',
    fc.constantFrom({ ref: 'main', env: 'prod' }, { ref: ['x', 'main'] }, { ref: [], env: 'prod' }),
    1,
  ),
  fc.record({ groups, expiresAt: often(fc.constant(after(HOUR)), fc.constant(NOW)) }),
  maybe(
    'device',
    fc.constantFrom({ thumbprint: 'x', expiresAt: after(1) }, { thumbprint: 'x', expiresAt: NOW }),
  ),
  maybe('task', fc.constantFrom('deploy', 'backup')),
  maybe('mfa', fc.boolean()),
) as fc.Arbitrary<Principal>;

const ends: Step[] = [
  { at: iso(-1), kind: 'returned', by: person('dana') },
  { at: iso(-1), kind: 'revoked', by: person('rui') },
  { at: iso(-1), kind: 'denied', by: person('rui'), groups: ['a'] },
  { at: iso(-1), kind: 'withdrawn', by: person('dana') },
];
const grants: Step[] = [
  { at: iso(-2), kind: 'granted', until: iso(HOUR) },
  { at: iso(-2 * HOUR), kind: 'granted', until: iso(0) },
  { at: iso(1), kind: 'granted', until: iso(HOUR) },
];
const anySteps: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: fc.constant(grants[0]) }, fc.constantFrom(undefined, ...grants)),
    fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, sessionNames),
    fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.constantFrom(...ends)),
  )
  .map(([grant, session, end]) => {
    const used: Step | undefined = session === undefined ? undefined : { at: iso(-2), kind: 'used', session };
    return [grant, used, end].filter((step) => step !== undefined);
  });

const anyRequest: fc.Arbitrary<Omit<AccessRequest, 'id' | 'digest'>> = merged(
  fc.record({
    requester: merged(
      fc.constantFrom(...accounts),
      maybe('actors', fc.constantFrom(...chains)),
    ) as fc.Arbitrary<Person>,
    target: targetNames,
    rule: fc.constantFrom('r1', 'r2', 'r3', 'r4', 'r5'),
    breakGlass: fc.boolean(),
    steps: anySteps,
    pendingUntil: fc.constantFrom(iso(HOUR), iso(0)),
  }),
  maybe('statements', fc.constantFrom([], [{ sha256: 'b'.repeat(64), text: 'select 1' }]), 1),
  fc.constant({ policy: BASE.version, durationMs: HOUR, createdAt: iso(-3 * HOUR) }),
) as fc.Arbitrary<Omit<AccessRequest, 'id' | 'digest'>>;

export const anyRequests: fc.Arbitrary<readonly AccessRequest[]> = fc
  .array(anyRequest, { maxLength: 4 })
  .map((requests) => requests.map((one, i) => ({ ...one, id: idOf(i), digest: digestOf(one) })));

const anyLive: fc.Arbitrary<LiveSession> = merged(
  fc.record({
    session: sessionNames,
    rule: fc.constantFrom('r1', 'r2', 'r3', 'r4', 'r5'),
    startedAt: fc.constantFrom(after(-60_000), after(-HOUR)),
  }),
  maybe('grant', fc.constantFrom(idOf(0), idOf(1), idOf(2)), 1),
) as fc.Arbitrary<LiveSession>;

const anySession = fc.constantFrom(
  { issuer: ISSUER, subject: 'dana' },
  { issuer: ISSUER, subject: 'eve' },
  { issuer: 'https://other.example', subject: 'eve' },
);
const anyContext = fc.constantFrom({}, { network: '10.1.2.3' }, { network: '192.0.2.9' }, { network: '?' });
const anyWish = fc.constantFrom({}, { breakGlass: true }, { rule: 'r1' }, { rule: 'r2', breakGlass: true });

/** A question of any action (or of `of`), with everything that an action may look at. */
export function anyQuestion(of: fc.Arbitrary<Action> = fc.constantFrom(...actions)): fc.Arbitrary<Question> {
  const question = merged(
    fc.record({
      policy: anyPolicy,
      principal: anyPrincipal,
      action: of,
      target: often(fc.constantFrom('orders-db', 'payroll-db'), fc.constantFrom('removed-db', '*')),
      now: fc.constant(NOW),
      context: anyContext,
      wish: anyWish,
      grants: anyRequests,
    }),
    maybe('session', anySession, 1),
    maybe(
      'request',
      anyRequests.filter(({ length }) => length > 0).map(([one]) => one!),
      1,
    ),
  ) as fc.Arbitrary<Question>;
  return fc.tuple(question, fc.nat(9)).map(([question, n]) => (n < 3 ? question : fitted(question, n)));
}

/** So that requests and rules meet: by chance alone they seldom would. */
function fitted(question: Question, n: number): Question {
  const { policy, principal, target, grants = [], request } = question;
  const rules = policy.rules.filter(({ approval, breakGlass }) => (approval ?? breakGlass) !== undefined);
  const rule = rules[n % rules.length];
  if (rule === undefined) return question;
  const its = { rule: rule.name, breakGlass: rule.breakGlass !== undefined };
  const own = { ...its, target, requester: personOf(principal) };
  const [first, ...others] = grants;
  return {
    ...question,
    ...(question.action === 'approve' && request !== undefined ? { target: request.target } : {}),
    ...(request === undefined ? {} : { request: { ...request, ...its } }),
    grants: first === undefined ? [] : [{ ...first, ...own }, ...others],
  };
}

/** A question about a session that is running. */
export const anyLiveQuestion = fc
  .tuple(anyQuestion(fc.constant('connect')), anyLive, fc.boolean())
  .map(([question, live, isOwn]) => {
    const [grant] = question.grants!;
    const own = grant !== undefined && isOwn ? { rule: grant.rule, grant: grant.id } : {};
    return { ...question, live: { ...live, ...own } } as Question<'connect'> & { live: LiveSession };
  });
