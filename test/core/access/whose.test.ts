import { describe, expect, it } from 'vitest';
import type { Config, Rule } from '#core/access/config.ts';
import { isReviewer, notDenied, notFor } from '#core/access/whose.ts';
import type { Principal } from '#core/identity/principal.ts';
import { CI, ISSUER, issuersOf, OTHER, policyOf, principal } from './support.ts';

const policy: Config = { ...policyOf([]), issuers: issuersOf() };
const base = { name: 'r', groups: ['*'], targets: ['*'], sessions: 'own', allow: ['connect'] } as const;
const rule = (more: Partial<Rule>): Rule => ({ ...base, ...more }) as Rule;
const dana = principal('dana', ['developers'], { issuerName: 'default' });
const job = principal('repo:acme/shop', ['ci:deploy'], {
  issuer: CI,
  issuerName: 'ci',
  workload: true,
  claims: { repository: 'acme/shop', ref: 'refs/heads/main', roles: ['a', 'deployer'], environment: [] },
});
const agent = { issuer: ISSUER, subject: 'agent-7' };
const planner = { issuer: ISSUER, subject: 'planner' };
const acting: Principal = { ...dana, actors: [agent] };

type Case = readonly [what: string, rule: Partial<Rule>, who: Principal, obstacles: readonly object[]];

describe('whom a rule that allows is for', () => {
  it.each<Case>([
    ['everybody', {}, dana, []],
    ['everybody, which no machine is', {}, job, [{ kind: 'groups' }]],
    ['a machine by its group', { groups: ['ci:deploy'] }, job, []],
    ['machines by their issuer', { issuer: 'ci' }, job, []],
    [
      'a group called *, which nobody is in',
      { groups: ['x'] },
      { ...job, groups: ['*'] },
      [{ kind: 'groups' }],
    ],
    ['those of an issuer', { issuer: 'default' }, dana, []],
    ['those of another issuer', { issuer: 'other' }, dana, [{ kind: 'issuer' }]],
    [
      'an issuer under a name that was given to another',
      { issuer: 'other' },
      { ...dana, issuerName: 'other' },
      [{ kind: 'issuer' }],
    ],
    [
      'the same issuer under another name',
      { issuer: 'default' },
      { ...dana, issuerName: 'before' },
      [{ kind: 'issuer' }],
    ],
    ['nobody known', { issuer: 'default' }, principal('dana', []), [{ kind: 'issuer' }]],
    [
      'a repository on its branch',
      { issuer: 'ci', claims: { repository: ['acme/shop'], ref: ['refs/heads/main'] } },
      job,
      [],
    ],
    ['one of several patterns', { issuer: 'ci', claims: { ref: ['refs/tags/*', 'refs/heads/*'] } }, job, []],
    ['a list by one of its values', { issuer: 'ci', claims: { roles: ['deployer'] } }, job, []],
    [
      'a list by a whole value',
      { issuer: 'ci', claims: { roles: ['deploy'] } },
      job,
      [{ kind: 'claim', claim: 'roles' }],
    ],
    [
      'each claim that is in the way',
      {
        issuer: 'ci',
        claims: { ref: ['refs/heads/*'], repository: ['acme/shop-2', 'ACME/shop'], sha: ['**'] },
      },
      job,
      [
        { kind: 'claim', claim: 'repository' },
        { kind: 'claim', claim: 'sha' },
      ],
    ],
    [
      'anything, which a claim that is not there is not',
      { issuer: 'ci', claims: { environment: ['**'] } },
      job,
      [{ kind: 'claim', claim: 'environment' }],
    ],
    [
      'what every object has, and no token',
      { issuer: 'ci', claims: { constructor: ['**'], toString: ['**'] } },
      job,
      [
        { kind: 'claim', claim: 'constructor' },
        { kind: 'claim', claim: 'toString' },
      ],
    ],
    ['nobody who acts for others, where it does not say so', {}, acting, [{ kind: 'acts' }]],
    ['whoever acts for others', { actor: 'any' }, acting, []],
    ['whoever acts for others, and nobody else', { actor: 'any' }, dana, [{ kind: 'no-actor' }]],
    ['this actor', { actor: { subject: ['agent-*'] } }, acting, []],
    ['another actor', { actor: { subject: ['agent-8', 'Agent-7', 'agent'] } }, acting, [{ kind: 'actor' }]],
    [
      'an actor of another issuer',
      { actor: { subject: ['agent-7'], issuer: CI } },
      acting,
      [{ kind: 'actor' }],
    ],
    [
      'the actor of another issuer that it names',
      { actor: { subject: ['agent-7'], issuer: CI } },
      { ...dana, actors: [{ issuer: CI, subject: 'agent-7' }] },
      [],
    ],
    [
      'an actor that only the other one acts for',
      { actor: { subject: ['planner'] } },
      { ...dana, actors: [agent, planner] },
      [{ kind: 'actor' }],
    ],
    [
      'who acts now, whoever that one acts for',
      { actor: { subject: ['agent-7'] } },
      { ...dana, actors: [agent, planner] },
      [],
    ],
    ['nobody at all for whom nobody acts', { actor: 'any' }, { ...dana, actors: [] }, [{ kind: 'no-actor' }]],
    [
      'no agent where a glass is broken',
      { actor: 'any', breakGlass: {} } as object,
      acting,
      [{ kind: 'acts' }],
    ],
    [
      'the person as well, where their grant covers the agent',
      { actor: 'any', approval: { coversActors: true } } as object,
      dana,
      [],
    ],
  ])('%s', (_what, more, who, obstacles) => {
    expect(notFor(rule(more), who, policy)).toEqual(obstacles);
  });
});

describe('whom a rule that denies is for', () => {
  it.each<Case>([
    ['everybody: machines', {}, job, []],
    ['everybody: who acts for others', {}, acting, []],
    ['those of its groups', { groups: ['ops'] }, dana, [{ kind: 'groups' }]],
    ['those of its issuer', { issuer: 'ci' }, dana, [{ kind: 'issuer' }]],
    ['those of an issuer that is known no more', { issuer: 'ci' }, { ...dana, issuerName: 'gone' }, []],
    ['those whose issuer is known no more', { issuer: 'ci' }, { ...dana, issuer: OTHER }, []],
    ['those whose claim fits', { issuer: 'ci', claims: { ref: ['refs/heads/*'] } }, job, []],
    [
      'those whose claim does not fit',
      { issuer: 'ci', claims: { ref: ['refs/tags/*'] } },
      job,
      [{ kind: 'claim', claim: 'ref' }],
    ],
    [
      'those who are known not to have the claim',
      { issuer: 'ci', claims: { environment: ['**'] } },
      job,
      [{ kind: 'claim', claim: 'environment' }],
    ],
    [
      'those of whom nobody knows whether they have the claim',
      { issuer: 'ci', claims: { actor_id: ['1'] } },
      job,
      [],
    ],
    ['actors', { actor: 'any' }, acting, []],
    ['actors, and nobody else', { actor: 'any' }, dana, [{ kind: 'no-actor' }]],
    ['another actor', { actor: { subject: ['x'] } }, acting, [{ kind: 'actor' }]],
  ])('%s', (_what, more, who, obstacles) => {
    const { allow: _, ...denying } = rule({ ...more, deny: ['connect'] });
    expect(notDenied(denying as Rule, who, policy)).toEqual(obstacles);
  });
});

describe('isReviewer', () => {
  it.each<[what: string, reviewers: object, who: Principal, expected: boolean]>([
    ['one of the group', { any: ['developers'] }, dana, true],
    ['one of all', { all: ['leads', 'developers'] }, dana, true],
    ['one of no group', { any: ['leads'] }, dana, false],
    ['everybody', { any: ['*'] }, dana, true],
    ['everybody, which no machine is', { any: ['*'] }, job, false],
    ['a machine by its group', { any: ['*', 'ci:deploy'] }, job, true],
    ['a machine of a group called *', { any: ['*'] }, { ...job, groups: ['*'] }, false],
  ])('%s', (_what, reviewers, who, expected) => {
    expect(isReviewer(reviewers, who)).toBe(expected);
  });
});
