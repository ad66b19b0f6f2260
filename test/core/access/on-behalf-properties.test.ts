/** What holds of issuers, claims and actors for any rules and anybody, told by a reading of the file that is not the code's. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rule } from '#core/access/config.ts';
import { Authorization, decide, type Question } from '#core/access/decide.ts';
import { type Person, samePerson } from '#core/access/person.ts';
import { actions } from '#core/access/schema.ts';
import type { Actor, Principal } from '#core/identity/principal.ts';
import { anyLiveQuestion, anyQuestion, chains } from './arbitrary.ts';
import { issuersOf, principal } from './support.ts';

const RUNS = { numRuns: 4_000 };
/** Of three questions of four what else could be in the way is taken away: by chance alone few would be let in. */
function eased(questions: fc.Arbitrary<Question>): fc.Arbitrary<Question> {
  return fc.tuple(questions, fc.nat(3)).map(([question, n]) => {
    const { policy, grants = [] } = question;
    const someone = { ...question.principal, claims: { ref: ['main', 'x'], env: 'prod' } };
    const who: Principal = n === 1 ? { ...someone, actors: chains[0] } : someone;
    const isActed = who.actors !== undefined;
    const rules = policy.rules
      .filter(({ deny }) => deny === undefined)
      .map((rule) => {
        const { when: _when, issuer, actor, ...rest } = rule;
        const named = issuer === undefined ? {} : { issuer: who.issuerName };
        const covers = n === 1 && rest.approval !== undefined;
        const approval = covers ? { approval: { ...rest.approval, coversActors: true } } : {};
        const acted = isActed ? { actor: actor ?? { subject: ['agent-*'] } } : {};
        return {
          ...rest,
          groups: ['*', ...rule.groups],
          targets: ['*'],
          sessions: 'any',
          ...named,
          ...approval,
          ...acted,
        } as Rule;
      });
    // What the person asked for themselves.
    const asked = grants.map((request) => ({ ...request, requester: withoutActors(request.requester) }));
    const easy = { ...question, principal: who, policy: { ...policy, rules, disabled: [] } };
    return n === 0 ? question : { ...easy, grants: n === 1 ? asked : grants };
  });
}

function withoutActors({ actors: _actors, ...person }: Person): Person {
  return person;
}

const anything = eased(
  fc.oneof({ weight: 5, arbitrary: anyQuestion() }, { weight: 1, arbitrary: anyLiveQuestion }),
);
const connecting = eased(
  fc.oneof(
    { weight: 5, arbitrary: anyQuestion(fc.constant('connect')) },
    { weight: 1, arbitrary: anyLiveQuestion },
  ),
);
const approving = anyQuestion(fc.constant('approve'));

function termsOf(question: Question): Rule | undefined {
  const decision = decide(question);
  return Authorization.isOne(decision) ? decision.terms : undefined;
}

/** The patterns of the generators have a star at their end, or none. */
function naiveFits(pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

function naiveActs({ actor }: Rule, first: Actor, issuer: string): boolean {
  if (actor === undefined) return false;
  if (actor === 'any') return true;
  const isIssuer = first.issuer === (actor.issuer === undefined ? issuer : actor.issuer);
  return isIssuer && actor.subject.some((pattern) => naiveFits(pattern, first.subject));
}

function naiveClaims({ claims = {} }: Rule, { claims: said = {} }: Principal): boolean {
  const all = said as Record<string, string | string[]>;
  for (const name of Object.keys(claims)) {
    const values = ([] as string[]).concat(all[name] ?? []);
    if (!values.some((value) => claims[name]!.some((pattern) => naiveFits(pattern, value)))) return false;
  }
  return true;
}

/** How many of `wanted` were met at least: a property about what never happens says nothing. */
function counted(wanted: number) {
  let met = 0;
  return {
    met: () => (met += 1),
    expectEnough: () => expect(met).toBeGreaterThan(wanted),
  };
}

describe('who acts for somebody, for any rules', () => {
  it('is let in by a rule that names them, by nothing else, and breaks no glass (security case 11)', () => {
    const acted = counted(15);
    fc.assert(
      fc.property(anything, (question) => {
        const { actors = [], issuer } = question.principal;
        const terms = termsOf(question);
        if (terms === undefined || actors.length === 0) return;
        expect(naiveActs(terms, actors[0]!, issuer)).toBe(true);
        expect(terms.breakGlass).toBeUndefined();
        acted.met();
      }),
      RUNS,
    );
    acted.expectEnough();
  });

  it('decides about nothing', () => {
    const refused = counted(100);
    fc.assert(
      fc.property(approving, fc.constantFrom(...chains), (question, actors) => {
        if (termsOf(question) === undefined) return;
        refused.met();
        expect(termsOf({ ...question, principal: { ...question.principal, actors } })).toBeUndefined();
      }),
      RUNS,
    );
    refused.expectEnough();
  });

  it('has nobody decide who asked, for whom it was asked, or who acted in it', () => {
    const involved = counted(300);
    fc.assert(
      fc.property(approving, fc.constantFrom(...chains), (question, actors) => {
        const { request } = question;
        if (request === undefined) return;
        const asked = { ...request, requester: { ...request.requester, actors } };
        for (const account of [request.requester, ...actors]) {
          const asker: Principal = { ...principal('', ['a', 'b', 'c']), ...account };
          const same = { ...question, request: asked, target: request.target, principal: asker };
          expect(termsOf({ ...same, principal: { ...asker, actors: [] } })).toBeUndefined();
          involved.met();
        }
      }),
      RUNS,
    );
    involved.expectEnough();
  });

  it('connects by a grant of the very same chain, or by one of the person that covers it', () => {
    const [own, covered] = [counted(3), counted(5)];
    fc.assert(
      fc.property(connecting, (question) => {
        const decision = decide(question as Question<'connect'>);
        if (!Authorization.isOne(decision) || decision.grant === undefined) return;
        const { requester } = question.grants!.find(({ id }) => id === decision.grant!.id)!;
        const chain = (actors: readonly Actor[] = []) =>
          JSON.stringify(actors.map((a) => [a.issuer, a.subject]));
        const isSame = chain(requester.actors) === chain(question.principal.actors);
        const isCovered = requester.actors === undefined && decision.terms.approval?.coversActors === true;
        expect(isSame || isCovered).toBe(true);
        if (!isSame) covered.met();
        else if (requester.actors !== undefined) own.met();
      }),
      { numRuns: 8_000 },
    );
    own.expectEnough();
    covered.expectEnough();
  });

  it('is denied by a rule for all actors, which denies nobody else', () => {
    const [acting, others] = [counted(10), counted(100)];
    const deny = {
      name: 'no-agents',
      groups: ['*'],
      targets: ['*'],
      deny: [...actions],
      actor: 'any',
    } as unknown as Rule;
    fc.assert(
      fc.property(anything, (question) => {
        const before = termsOf(question);
        if (before === undefined) return;
        const policy = { ...question.policy, rules: [...question.policy.rules, deny] };
        const isActed = question.principal.actors !== undefined;
        expect(termsOf({ ...question, policy })).toEqual(isActed ? undefined : before);
        (isActed ? acting : others).met();
      }),
      RUNS,
    );
    acting.expectEnough();
    others.expectEnough();
  });
});

describe('issuers and claims, for any rules', () => {
  it('are those that the rule names; machines are let in by their groups or by their issuer', () => {
    const [issuer, claims, machines] = [counted(20), counted(10), counted(10)];
    fc.assert(
      fc.property(anything, (question) => {
        const terms = termsOf(question);
        // Who decides is somebody else than the rule is for.
        if (terms === undefined || question.action === 'approve') return;
        const { issuerName, workload, groups } = question.principal;
        expect([issuerName, undefined]).toContain(terms.issuer);
        expect(naiveClaims(terms, question.principal)).toBe(true);
        const isNamed = terms.groups.some((group) => groups.includes(group)) || terms.issuer === 'ci';
        expect(workload !== true || isNamed).toBe(true);
        if (terms.issuer !== undefined) issuer.met();
        if (terms.claims !== undefined) claims.met();
        if (workload === true) machines.met();
      }),
      { numRuns: 4_000 },
    );
    for (const each of [issuer, claims, machines]) each.expectEnough();
  });

  it('deny at least whom the same rule would let in', () => {
    const denied = counted(100);
    fc.assert(
      fc.property(anything, (question) => {
        const terms = termsOf(question);
        if (terms === undefined || question.action === 'approve') return;
        const { name, groups, targets, issuer, claims, actor } = terms;
        const whose = { ...(issuer && { issuer }), ...(claims && { claims }) };
        const acts = question.principal.actors === undefined || actor === undefined ? {} : { actor };
        const deny = {
          name: `not-${name}`,
          groups,
          targets,
          deny: [...actions],
          ...whose,
          ...acts,
        } as unknown as Rule;
        const policy = { ...question.policy, rules: [...question.policy.rules, deny] };
        expect(termsOf({ ...question, policy })).toBeUndefined();
        denied.met();
      }),
      RUNS,
    );
    denied.expectEnough();
  });

  it('give nothing to the same address at another issuer, unless both share people', () => {
    const shared = counted(10);
    const both = issuersOf(', emailVerified: required, sharesPeople: true');
    fc.assert(
      fc.property(anyQuestion(fc.constant('connect')), (question) => {
        const { email = 'dana@example.com' } = question.principal;
        const other: Principal = {
          ...question.principal,
          issuer: 'https://other.example',
          issuerName: 'other',
        };
        const moved = { ...other, subject: 'somebody', email, workload: undefined } as unknown as Principal;
        const here = { ...question, principal: { ...question.principal, email } };
        const grants = here.grants!.map((request) => ({
          ...request,
          requester: { ...request.requester, email },
        }));
        const isGiven = (issuers: Question['policy']['issuers']): boolean => {
          const decision = decide({ ...here, grants, principal: moved, policy: { ...here.policy, issuers } });
          return Authorization.isOne(decision) && 'grant' in decision && decision.grant !== undefined;
        };
        expect(isGiven(issuersOf())).toBe(false);
        const [given, isOnes] = [isGiven(both), grants.some(({ requester }) => samePerson(requester, moved))];
        expect(!given || isOnes).toBe(true);
        if (given) shared.met();
      }),
      RUNS,
    );
    shared.expectEnough();
  });
});
