import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action, Config, Rule } from '#core/access/config.ts';
import { Authorization, decide, isDisabled, type Question } from '#core/access/decide.ts';
import { samePerson } from '#core/access/person.ts';
import type { AccessRequest } from '#core/access/request.ts';
import { actions } from '#core/access/schema.ts';
import { accounts, anyDeny, anyLiveQuestion, anyPolicy, anyPrincipal, anyQuestion } from './arbitrary.ts';
import { after, idOf, NOW, principal } from './support.ts';

const RUNS = { numRuns: 3_000 };
const allowed = (question: Question): boolean => Authorization.isOne(decide(question));

function withRules(question: Question, rules: readonly Rule[]): Question {
  return { ...question, policy: { ...question.policy, rules } };
}

/** A grant as a reader of its steps would see it, and not as the code under test does. */
function isLiveNow({ steps }: AccessRequest): boolean {
  const grant = steps.find(({ kind }) => kind === 'granted') as { at: string; until: string } | undefined;
  const taken = steps.some(({ kind }) => ['denied', 'withdrawn', 'returned', 'revoked'].includes(kind));
  if (grant === undefined || taken) return false;
  return Date.parse(grant.at) <= NOW.getTime() && NOW.getTime() < Date.parse(grant.until);
}

const connecting = anyQuestion(fc.constant('connect'));
const byGrant = (policy: Config, rule: string): boolean => {
  const found = policy.rules.find(({ name }) => name === rule);
  return found?.approval !== undefined || found?.breakGlass !== undefined;
};

/** How often each of these was met: a property about what never happens says nothing. */
class Tally {
  readonly #seen = new Map<string, number>();

  add(what: string): void {
    this.#seen.set(what, (this.#seen.get(what) ?? 0) + 1);
  }

  of(what: string): number {
    return this.#seen.get(what) ?? 0;
  }
}

describe('what the generators make', () => {
  it('is allowed and refused for every action, also by grants, so that what follows says something', () => {
    const tally = new Tally();
    for (const question of fc.sample(anyQuestion(), { numRuns: 8_000 })) {
      const decision = decide(question);
      tally.add(`${question.action}: ${Authorization.isOne(decision) ? 'allowed' : decision.code}`);
    }
    for (const action of actions) {
      expect(tally.of(`${action}: allowed`), action).toBeGreaterThan(20);
      expect(tally.of(`${action}: access-denied`), action).toBeGreaterThan(20);
    }
    expect(tally.of('connect: approval-required')).toBeGreaterThan(20);
  });
});

describe('decide, for any rules and anybody', () => {
  it('lets nobody decide about their own request, whatever the rules (security case 11)', () => {
    const cases = fc
      .constantFrom('DANA@EXAMPLE.COM', 'dana@example.com', 'Dana@example.COM', '\uFF44ana@example.com')
      .map((email) => ({ issuer: 'https://elsewhere.example', subject: 'second-account', email }));
    const self = fc.oneof(fc.constantFrom(...accounts), cases);
    const tally = new Tally();
    fc.assert(
      fc.property(anyQuestion(fc.constant('approve')), self, (question, account) => {
        const { request } = question;
        if (request === undefined || !samePerson(account, request.requester)) return;
        const asker = { ...principal('', ['a', 'b', 'c']), ...account };
        expect(allowed({ ...question, target: request.target, principal: asker })).toBe(false);
        tally.add('own');
      }),
      RUNS,
    );
    expect(tally.of('own')).toBeGreaterThan(200);
  });

  it('lets somebody else decide where the rule says so, so that the one above says something', () => {
    const seen = fc
      .sample(anyQuestion(fc.constant('approve')), { numRuns: 2_000, seed: 2 })
      .filter(({ request }) => request?.requester.subject === 'eve')
      .map((question) => ({ ...question, target: question.request!.target }))
      .map((question) => allowed({ ...question, principal: principal('rui', ['a', 'b', 'c']) }));
    expect(seen.filter(Boolean).length).toBeGreaterThan(10);
  });

  it('never grants by one deny rule more', () => {
    const place = fc.nat(5);
    fc.assert(
      fc.property(fc.oneof(anyQuestion(), anyLiveQuestion), anyDeny, place, (question, deny, at) => {
        const rules = question.policy.rules.toSpliced(at, 0, { ...deny, name: 'more' });
        expect(allowed(withRules(question, rules)) && !allowed(question)).toBe(false);
      }),
      RUNS,
    );
  });

  it('denies what a deny rule names, whatever else is there', () => {
    fc.assert(
      fc.property(fc.oneof(anyQuestion(), anyLiveQuestion), (question) => {
        const deny = { groups: ['*'], targets: ['*'], sessions: 'own', deny: [question.action] } as const;
        const all = { name: 'all', ...deny, groups: ['*'], targets: ['*'], deny: [question.action] };
        expect(allowed(withRules(question, [...question.policy.rules, all]))).toBe(false);
      }),
    );
  });

  it('never grants by one rule less, unless it was one that denies', () => {
    fc.assert(
      fc.property(fc.oneof(anyQuestion(), anyLiveQuestion), fc.nat(4), (question, at) => {
        const { rules } = question.policy;
        if (rules[at]?.deny !== undefined) return;
        expect(allowed(withRules(question, rules.toSpliced(at, 1))) && !allowed(question)).toBe(false);
      }),
      RUNS,
    );
  });

  it('gives an expired token nothing, for any action (security case 12)', () => {
    const over = fc.constantFrom(NOW, after(-1), new Date(0), new Date(Number.NaN));
    const live = { session: idOf(101), rule: 'r1', startedAt: after(-1) };
    fc.assert(
      fc.property(anyQuestion(), over, (question, expiresAt) => {
        const principal = { ...question.principal, expiresAt };
        expect(decide({ ...question, principal })).toMatchObject({ code: 'token-invalid' });
        expect(question.action !== 'connect' && allowed({ ...question, principal, live })).toBe(false);
      }),
      RUNS,
    );
  });

  it('gives a disabled person nothing, for any action, by subject and by e-mail address in any letters', () => {
    const disabled = fc.constantFrom<Config['disabled'][number]>(
      { email: 'DANA@example.COM' },
      { email: '\uFF24ana@example.com' },
      { subject: 'dana' },
      { subject: 'dana-admin', issuer: 'https://id.example' },
      { subject: 'dana', issuer: 'https://other.example' },
      { subject: 'eve' },
    );
    const seen = { true: 0, false: 0 };
    fc.assert(
      fc.property(fc.oneof(anyQuestion(), anyLiveQuestion), disabled, (question, who) => {
        const { subject, issuer, email } = question.principal;
        const isThem =
          'email' in who
            ? email?.toLowerCase() === 'dana@example.com'
            : who.subject === subject && (who.issuer ?? 'https://id.example') === issuer;
        const policy = { ...question.policy, disabled: [{ subject: 'nobody' }, who] };
        seen[`${isThem}`] += 1;
        expect(isDisabled(policy, question.principal)).toBe(isThem);
        expect(isThem && allowed({ ...question, policy })).toBe(false);
      }),
      RUNS,
    );
    expect(Math.min(seen.true, seen.false)).toBeGreaterThan(100);
  });

  it('gives nothing to who is in no group of any rule', () => {
    fc.assert(
      fc.property(fc.oneof(anyQuestion(), anyLiveQuestion), (question) => {
        const rules = question.policy.rules.map((rule) => ({
          ...rule,
          groups: ['a'],
          ...(rule.approval && { approval: { ...rule.approval, reviewers: { all: ['a'] } } }),
          ...(rule.breakGlass && { breakGlass: { ...rule.breakGlass, reviewers: { any: ['a'] } } }),
        }));
        const stranger = { ...question.principal, groups: ['b', '*', 'A', ''] };
        expect(allowed({ ...withRules(question, rules), principal: stranger })).toBe(false);
      }),
      RUNS,
    );
  });
});

describe('grants, for any rules and anybody', () => {
  const questions = fc.oneof(connecting, anyLiveQuestion);

  it('carries a grant that is live now, of this person, target and rule, wherever the rule needs one', () => {
    const tally = new Tally();
    fc.assert(
      fc.property(questions, (question) => {
        const decision = decide(question);
        if (!Authorization.isOne(decision)) return;
        const { grant, rule } = decision;
        expect(grant !== undefined).toBe(byGrant(question.policy, rule));
        if (grant === undefined) return;
        const request = question.grants!.find(({ id }) => id === grant.id)!;
        expect(isLiveNow(request)).toBe(true);
        const { issuer, subject } = question.principal;
        expect(request).toMatchObject({ target: question.target, rule, requester: { issuer, subject } });
        expect(grant.statements).toEqual(request.statements);
        expect(request.steps).toContainEqual(expect.objectContaining({ until: grant.until.toISOString() }));
        tally.add('live' in question ? 'goes on' : 'opens');
      }),
      RUNS,
    );
    expect(Math.min(tally.of('opens'), tally.of('goes on'))).toBeGreaterThan(10);
  });

  it('does not connect by a grant of somebody else, another target or rule, or out of its time', () => {
    const tally = new Tally();
    fc.assert(
      fc.property(questions, (question) => {
        const { issuer, subject } = question.principal;
        const useless = question.grants!.filter(
          (request) =>
            request.requester.issuer !== issuer ||
            request.requester.subject !== subject ||
            request.target !== question.target ||
            !byGrant(question.policy, request.rule) ||
            !isLiveNow(request),
        );
        const none = allowed({ ...question, grants: [] });
        expect(allowed({ ...question, grants: useless })).toBe(none);
        if (!none && allowed(question)) tally.add('by a grant');
      }),
      RUNS,
    );
    expect(tally.of('by a grant')).toBeGreaterThan(10);
  });

  it('opens no second session by a grant for one, and lets its own go on', () => {
    const tally = new Tally();
    fc.assert(
      fc.property(connecting, (question) => {
        const decision = decide(question);
        if (!Authorization.isOne(decision) || decision.grant === undefined) return;
        const { grant, rule } = decision;
        const session = idOf(200);
        const request = question.grants!.find(({ id }) => id === grant.id)!;
        expect(request.steps.some(({ kind }) => kind === 'used')).toBe(false);
        const use = { at: NOW.toISOString(), kind: 'used', session } as const;
        const used = { ...question, grants: [{ ...request, steps: [...request.steps, use] }] };
        const live = { session, rule, grant: grant.id, startedAt: NOW };
        expect(allowed(used)).toBe(false);
        expect(allowed({ ...used, live: { ...live, session: idOf(201) } })).toBe(false);
        expect(allowed({ ...used, live })).toBe(true);
        tally.add('used');
      }),
      RUNS,
    );
    expect(tally.of('used')).toBeGreaterThan(10);
  });

  it('lets a session live by the grant that opened it alone, and by its own rule alone', () => {
    const tally = new Tally();
    fc.assert(
      fc.property(anyLiveQuestion, (question) => {
        const decision = decide(question);
        if (!Authorization.isOne(decision)) return;
        const { rule, grant } = decision;
        expect(rule).toBe(question.live.rule);
        const others = question.policy.rules.filter(({ name }) => name !== rule);
        expect(allowed(withRules(question, others))).toBe(false);
        if (grant === undefined) return;
        expect(grant.id).toBe(question.live.grant);
        const without = question.grants!.filter(({ id }) => id !== grant.id);
        expect(allowed({ ...question, grants: without })).toBe(false);
        tally.add('by a grant');
      }),
      RUNS,
    );
    expect(tally.of('by a grant')).toBeGreaterThan(10);
  });

  it('says that a request would help only where one may be made, and by which rule', () => {
    const tally = new Tally();
    fc.assert(
      fc.property(questions, (question) => {
        const decision = decide(question);
        if (Authorization.isOne(decision) || decision.code !== 'approval-required') return;
        const { ask } = decision;
        const wish = ask === undefined ? { breakGlass: true } : { rule: ask.name };
        const permission = decide({ ...question, action: 'request', wish });
        expect(permission).toMatchObject(ask === undefined ? { action: 'request' } : { rule: ask.name });
        tally.add(ask === undefined ? 'glass' : 'ask');
      }),
      RUNS,
    );
    expect(Math.min(tally.of('ask'), tally.of('glass'))).toBeGreaterThan(10);
  });
});

describe('decide, whatever it is asked', () => {
  it('answers and never throws, also for an action nothing was given for', () => {
    const bare = fc.record({
      policy: anyPolicy,
      principal: anyPrincipal,
      action: fc.constantFrom<Action>(...actions),
      target: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '*')),
      now: fc.constant(NOW),
    });
    fc.assert(
      fc.property(bare, (question) => {
        const decision = decide(question);
        expect(Authorization.isOne(decision) || decision.message.length > 0).toBe(true);
        expect(question.action === 'approve' && Authorization.isOne(decision)).toBe(false);
      }),
      RUNS,
    );
  });

  it('decides about a request for its own target alone (security cases 11, 14)', () => {
    const elsewhere = fc.constantFrom('orders-db', 'payroll-db', '*');
    const tally = new Tally();
    fc.assert(
      fc.property(anyQuestion(fc.constant('approve')), elsewhere, (question, target) => {
        if (!allowed(question)) return;
        expect(allowed({ ...question, target })).toBe(target === question.target);
        tally.add(target === question.target ? 'its own' : 'another');
      }),
      RUNS,
    );
    expect(Math.min(tally.of('its own'), tally.of('another'))).toBeGreaterThan(10);
  });

  it('grants nothing without commands where the rule wants the exact ones (security case 23)', () => {
    const tally = new Tally();
    const exact = (rule: Rule): Rule =>
      rule.approval === undefined ? rule : { ...rule, approval: { ...rule.approval, statements: 'exact' } };
    fc.assert(
      fc.property(fc.oneof(connecting, anyLiveQuestion), (question) => {
        const decision = decide(withRules(question, question.policy.rules.map(exact)));
        if (!Authorization.isOne(decision) || decision.terms.approval === undefined) return;
        expect(decision.grant!.statements).toBeDefined();
        tally.add('exact');
      }),
      RUNS,
    );
    expect(tally.of('exact')).toBeGreaterThan(10);
  });
});
