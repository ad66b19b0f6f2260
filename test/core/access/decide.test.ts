import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Action, type Config, parseConfig, type Rule } from '#core/access/config.ts';
import { Authorization, decide, type Question, type Refusal, refusalError } from '#core/access/decide.ts';
import type { Principal } from '#core/identity/principal.ts';

const NOW = new Date('2026-11-23T09:00:00.000Z');
const ISSUER = 'https://id.example';

const POLICY = parseConfig(
  `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
${['orders-db', 'payroll-db']
  .map(
    (name) => `  ${name}:
    protocol: postgres
    address: db.internal:5432
    database: main
    credential: { user: app, passwordFile: secret }`,
  )
  .join('\n')}
rules:
  - { name: developers-work, groups: [developers], targets: [orders-db], allow: [connect, replay] }
  - { name: auditors-look, groups: [auditors], targets: ["*"], allow: [replay, export], sessions: any }
  - { name: everyone-own, groups: [staff], targets: ["*"], allow: [replay] }
  - { name: payroll-look, groups: [payroll], targets: [payroll-db], allow: [replay], sessions: any }
`,
  'custody.yaml',
);

function person(subject: string, ...groups: readonly string[]): Principal {
  return { issuer: ISSUER, subject, groups, expiresAt: new Date(NOW.getTime() + 1) };
}

const dana = person('dana', 'developers');
const auditor = person('ada', 'auditors');
const staff = person('sam', 'staff');

function ask(question: Partial<Question>): Authorization | Refusal {
  return decide({
    policy: POLICY,
    principal: dana,
    action: 'connect',
    target: 'orders-db',
    now: NOW,
    ...question,
  });
}

/** The name of the rule that allowed it, or the refusal's code. */
function answer(question: Partial<Question>): string {
  const decision = ask(question);
  return 'code' in decision ? decision.code : decision.rule;
}

const of = (subject: string, issuer = ISSUER) => ({ issuer, subject });

describe('decide', () => {
  it.each<[what: string, question: Partial<Question>, answer: string]>([
    ['a rule for the group', {}, 'developers-work'],
    ['no rule for the target', { target: 'payroll-db' }, 'access-denied'],
    ['no group', { principal: person('dana') }, 'access-denied'],
    ['an unknown target', { target: 'nowhere' }, 'access-denied'],
    ['the wildcard for a target', { target: '*' }, 'access-denied'],
    ['a name of JavaScript for a target', { target: '__proto__' }, 'access-denied'],
    ['a rule for replay is none for connect', { principal: auditor }, 'access-denied'],
    ['a group in other case', { principal: person('dana', 'Developers') }, 'access-denied'],
    ['a group with a space', { principal: person('dana', 'developers ') }, 'access-denied'],
    ['a part of a group', { principal: person('dana', 'dev', 'developers2') }, 'access-denied'],
    ['the wildcard for a group', { principal: person('dana', '*') }, 'access-denied'],
    ['replay of an own session', { action: 'replay', session: of('dana') }, 'developers-work'],
    ["replay of another's session", { action: 'replay', session: of('eve') }, 'access-denied'],
    [
      'the same subject of another issuer',
      { action: 'replay', session: of('dana', 'https://other') },
      'access-denied',
    ],
    ['replay of nobody knows whose session', { action: 'replay' }, 'access-denied'],
    ['export without a rule for it', { action: 'export', session: of('dana') }, 'access-denied'],
    [
      'replay of any session, by an auditor',
      { action: 'replay', session: of('dana'), principal: auditor },
      'auditors-look',
    ],
    [
      'export of any session, by an auditor',
      { action: 'export', session: of('dana'), principal: auditor },
      'auditors-look',
    ],
    [
      'any session of one target, but not of another',
      { action: 'replay', session: of('dana'), principal: person('pat', 'payroll') },
      'access-denied',
    ],
  ])('%s (security cases 7, 14)', (_what, question, expected) => {
    expect(answer(question)).toBe(expected);
  });

  it('carries what was decided: who, what, which target, by which rule of which version', () => {
    expect(ask({})).toMatchObject({
      principal: dana,
      action: 'connect',
      target: POLICY.targets.get('orders-db'),
      rule: 'developers-work',
      policyVersion: POLICY.version,
    });
  });

  it.each<[what: string, question: Partial<Question>, answer: string]>([
    ['replayed by an auditor', { action: 'replay', principal: auditor }, 'auditors-look'],
    ['exported by an auditor', { action: 'export', principal: auditor }, 'auditors-look'],
    ['replayed by who held it', { action: 'replay', principal: staff, session: of('sam') }, 'everyone-own'],
    ['not replayed by anybody else', { action: 'replay', principal: staff }, 'access-denied'],
    ['not replayed by a rule for other targets', { action: 'replay', session: of('dana') }, 'access-denied'],
    ['not connected to', { principal: person('root', 'developers', 'auditors', 'staff') }, 'access-denied'],
  ])('lets sessions of a target that is gone be %s', (_what, question, expected) => {
    expect(answer({ session: of('eve'), target: 'removed-db', ...question })).toBe(expected);
  });

  it('names only the target in an authorization for a session of a target that is gone', () => {
    const decision = ask({ action: 'replay', principal: auditor, target: 'removed-db', session: of('dana') });
    expect(decision).toMatchObject({ target: { name: 'removed-db' } });
  });

  it.each([
    ['at its very end', NOW],
    ['long gone', new Date(0)],
    ['of no date at all', new Date(Number.NaN)],
  ])('refuses an expired token, whatever the rules say: %s (security case 12)', (_what, expiresAt) => {
    for (const action of ['connect', 'replay', 'export'] as const) {
      expect(answer({ action, principal: { ...dana, expiresAt }, session: of('dana') })).toBe(
        'token-invalid',
      );
    }
  });

  it('says the same of a target that is not there and of one that is forbidden (security case 14)', () => {
    const refusal = (target: string): string =>
      JSON.stringify(ask({ target })).replaceAll(target, 'the-target');
    expect(refusal('payroll-db')).toBe(refusal('no-such-db'));
    const replay = (target: string): unknown => ask({ action: 'replay', target, session: of('eve') });
    expect(replay('payroll-db')).toEqual(replay('no-such-db'));
  });

  it('repeats a hostile name neither raw nor whole (security case 18)', () => {
    const refusal = ask({ target: `a\u001b[2J\u009b31m\u202e${'x'.repeat(10_000)}` }) as Refusal;
    expect(refusal.message).toMatch(/^[ -~]{1,120}$/);
  });

  it('turns a refusal into an error with the same words', () => {
    const refusal = ask({ target: 'nowhere' }) as Refusal;
    expect(refusalError(refusal)).toMatchObject({ name: 'CustodyError', ...refusal });
  });
});

const actions = ['connect', 'replay', 'export'] as const satisfies readonly Action[];
const groupNames = fc.constantFrom('a', 'b', 'c');
const targetNames = fc.constantFrom('orders-db', 'payroll-db', 'removed-db');

const anyRule: fc.Arbitrary<Rule> = fc.record({
  name: fc.constantFrom('r1', 'r2', 'r3'),
  groups: fc.array(groupNames, { minLength: 1, maxLength: 3 }),
  targets: fc.array(fc.constantFrom('*', 'orders-db', 'payroll-db'), { minLength: 1, maxLength: 2 }),
  allow: fc.array(fc.constantFrom(...actions), { minLength: 1, maxLength: 3 }),
  sessions: fc.constantFrom('own', 'any'),
});

const anyQuestion: fc.Arbitrary<Question> = fc
  .record({
    rules: fc.array(anyRule, { maxLength: 5 }),
    groups: fc.array(groupNames, { maxLength: 3 }),
    action: fc.constantFrom(...actions),
    target: targetNames,
    owner: fc.constantFrom('dana', 'eve'),
  })
  .map(({ rules, groups, action, target, owner }) => ({
    policy: { ...POLICY, rules },
    principal: person('dana', ...groups),
    action,
    target,
    session: of(owner),
    now: NOW,
  }));

const granted = (question: Question): boolean => decide(question) instanceof Authorization;

function withRules(question: Question, rules: readonly Rule[]): Question {
  const policy: Config = { ...question.policy, rules };
  return { ...question, policy };
}

describe('decide, for any rules', () => {
  it('denies without rules and without groups', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        expect(granted(withRules(question, []))).toBe(false);
        expect(granted({ ...question, principal: person('dana') })).toBe(false);
      }),
    );
  });

  it('never grants by taking away a rule, a group or an action', () => {
    fc.assert(
      fc.property(anyQuestion, fc.nat(), (question, n) => {
        fc.pre(!granted(question));
        const { policy, principal } = question;
        const dropped = n % Math.max(1, policy.rules.length);
        expect(granted(withRules(question, policy.rules.toSpliced(dropped, 1)))).toBe(false);
        const groups = principal.groups.toSpliced(n % Math.max(1, principal.groups.length), 1);
        expect(granted({ ...question, principal: { ...principal, groups } })).toBe(false);
        const narrowed = policy.rules.map((rule) => ({ ...rule, allow: rule.allow!.slice(1) }));
        expect(granted(withRules(question, narrowed))).toBe(false);
      }),
    );
  });

  it('grants exactly what one rule says, and names that rule', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        const { policy, principal, action, target, session } = question;
        const fits = policy.rules.filter(
          (rule) =>
            rule.groups.some((group) => principal.groups.includes(group)) &&
            rule.targets.some((name) => name === '*' || name === target) &&
            rule.allow!.some((allowed) => allowed === action) &&
            (action === 'connect' || rule.sessions === 'any' || session!.subject === principal.subject),
        );
        const expected = fits.length > 0 && (action !== 'connect' || policy.targets.has(target));
        const decision = decide(question);
        const rule = decision instanceof Authorization ? decision.rule : undefined;
        expect(rule).toBe(expected ? fits[0]!.name : undefined);
      }),
    );
  });
});

type Facts = ConstructorParameters<typeof Authorization>[1];

describe('Authorization', () => {
  const real = ask({}) as Authorization;
  const copy = (): Facts => Object.assign({}, real);
  const facts = copy();

  it('is known when decide made it', () => {
    expect(Authorization.isOne(real)).toBe(true);
  });

  it.each<[how: string, forge: () => unknown]>([
    ['with a symbol of its own', () => new Authorization(Symbol('decide'), facts)],
    ['with the registered symbol of that name', () => new Authorization(Symbol.for('decide'), facts)],
    ['by its constructor', () => Reflect.construct(real.constructor, [Symbol('decide'), facts])],
    [
      'by a subclass',
      () =>
        new (class extends Authorization {
          constructor() {
            super(Symbol('decide'), facts);
          }
        })(),
    ],
  ])('cannot be made %s (security case 14)', (_how, forge) => {
    expect(forge).toThrow('only decide() makes an Authorization');
  });

  it.each<[how: string, forge: () => unknown]>([
    ['a prototype', () => Object.assign(Object.create(Authorization.prototype) as object, facts)],
    ['a copy', copy],
    ['a structured clone', () => structuredClone(real)],
    ['JSON', () => JSON.parse(JSON.stringify(real)) as unknown],
    ['a proxy', () => new Proxy(real, {})],
    ['an object behind it', () => Object.create(real) as unknown],
    ['nothing', () => null],
    ['its class', () => Authorization],
  ])('is not %s (security case 14)', (_how, forge) => {
    expect(Authorization.isOne(forge())).toBe(false);
  });

  it('cannot be turned into another: it is frozen', () => {
    expect(() => Object.assign(real, { action: 'export' })).toThrow(TypeError);
    expect(() => Object.assign(real, { target: POLICY.targets.get('payroll-db') })).toThrow(TypeError);
    expect(() => Object.setPrototypeOf(real, {})).toThrow(TypeError);
  });

  it('holds no key that somebody could use to make another', () => {
    expect(Object.getOwnPropertySymbols(real)).toEqual([]);
    expect(Object.values(real).some((value) => typeof value === 'symbol')).toBe(false);
  });

  it('is of another type for what it does not allow', () => {
    const replay = decide({ policy: POLICY, principal: auditor, action: 'replay', target: 'x', now: NOW });
    // @ts-expect-error: permission to replay is none to connect.
    const connect: Authorization<'connect'> | Refusal = replay;
    expect(connect).toBe(replay);
    // @ts-expect-error: an object of the same shape is not an Authorization.
    const same: Authorization = copy();
    expect(same).toEqual(copy());
  });
});
