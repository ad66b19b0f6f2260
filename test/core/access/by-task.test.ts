import { describe, expect, it } from 'vitest';
import type { Config } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { explain, explainBeforehand } from '#core/access/explain.ts';
import { fitsSome } from '#core/access/whose.ts';
import { workflowSchema } from '#core/tasks/schema.ts';
import { compiledConfig, refunds } from '#test/support/workflows.ts';
import { CI, ISSUER, issuersOf, NOW, OTHER, principal } from './support.ts';

const RUN = '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f';
const config = (rules: string): Config =>
  compiledConfig(`version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
  db: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
rules: [${rules}]
${refunds()}`);
const AS_TASK =
  '{ name: by-task, groups: [clerks, others], targets: [db], allow: [connect], when: { task: [refunds/find, refunds/report] } }';
const clerk = principal('dana', ['clerks']);
const as = (task: string) => ({ task: { run: RUN, workflow: 'refunds', digest: 'd'.repeat(64), task } });
const connect = (policy: Config, more: object = {}) =>
  decide({ policy, principal: clerk, action: 'connect', target: 'db', now: NOW, ...more });

describe('a target that is reached as a task alone', () => {
  it('is reached as one, and as no other task', () => {
    const policy = config(AS_TASK);
    expect(Authorization.isOne(connect(policy, { context: as('find') }))).toBe(true);
    expect(connect(policy, { context: as('refund') })).toMatchObject({
      code: 'access-denied',
      message:
        '"db" is reached as a task of a run alone: refunds/find, refunds/report, and not as refunds/refund',
    });
  });

  it('says which tasks reach it, and how, to whoever may run one', () => {
    expect(connect(config(AS_TASK))).toEqual({
      code: 'access-denied',
      message: '"db" is reached as a task of a run alone: refunds/find, refunds/report',
      hint: 'start a run, and connect as its task: custody run start refunds; custody run task RUN find -- COMMAND',
    });
  });

  it('is not there for anybody else (security case 14)', () => {
    const outsider = principal('eve', ['others']);
    const denied = connect(config(AS_TASK), { principal: outsider });
    expect(denied).toEqual(
      connect(config(AS_TASK), { principal: outsider, target: 'nowhere' }) && {
        code: 'access-denied',
        message: 'there is no target "db" that you may connect to',
        hint: 'see what you may use: custody targets',
      },
    );
  });

  it('is asked for where that is another way in', () => {
    const asking =
      '{ name: ask, groups: [clerks], targets: [db], allow: [connect], approval: { reviewers: { any: [r] }, maxDuration: 1h } }';
    expect(connect(config(`${AS_TASK}, ${asking}`))).toMatchObject({ code: 'approval-required' });
  });

  it('explains itself: what the rule wants, and that a task would help', () => {
    const question = {
      policy: config(AS_TASK),
      principal: clerk,
      action: 'connect',
      target: 'db',
      now: NOW,
    } as const;
    expect(explain(question).rules[0]!.because).toEqual([
      'the session is not the task refunds/find or refunds/report of a run',
    ]);
    expect(explainBeforehand(question)).toMatchObject({
      verdict: 'allowed',
      because: 'the rule by-task allows it, as the task refunds/find of a run',
    });
  });
});

describe('a token for one task of a run (security case 2)', () => {
  const all =
    '{ name: all, groups: [clerks], targets: ["*"], allow: [connect, replay, export, terminate, administer], sessions: any }';
  const holder = principal('dana', ['clerks'], { task: `${RUN}/find` });

  it('opens that session, and nothing else: no other task, no target, no recording, nothing of the gateway', () => {
    const policy = config(all);
    const question = { policy, principal: holder, target: 'db', now: NOW };
    expect(Authorization.isOne(decide({ ...question, action: 'connect', context: as('find') }))).toBe(true);
    const refused = { code: 'task-refused' };
    expect(decide({ ...question, action: 'connect' })).toMatchObject(refused);
    expect(decide({ ...question, action: 'connect', context: as('refund') })).toMatchObject(refused);
    const other = { task: { ...as('find').task, run: RUN.replace('0', '1') } };
    expect(decide({ ...question, action: 'connect', context: other })).toMatchObject(refused);
    for (const action of ['replay', 'export', 'terminate', 'administer', 'request'] as const) {
      expect(decide({ ...question, action, session: holder })).toMatchObject(refused);
      expect(decide({ ...question, action, session: holder, principal: clerk })).not.toMatchObject(refused);
    }
  });
});

describe('whom a task names', () => {
  const policy = { issuers: issuersOf() };
  const fits = (by: object, who = clerk): boolean => {
    const task = { target: 'db', by, contract: { does: [{ name: 'x', statement: 'SELECT 1' }] } };
    return fitsSome(workflowSchema.parse({ tasks: { t: task } }).tasks['t']!.by, who, policy);
  };
  const of = (name: string, issuer: string, more: object = {}) =>
    principal('x', ['a'], { issuer, issuerName: name, ...more });

  it.each([
    ['a group', { groups: ['clerks'] }, clerk, true],
    ['another group', { groups: ['leads'] }, clerk, false],
    ['one of several', [{ groups: ['leads'] }, { groups: ['clerks'] }], clerk, true],
    ['everybody, but no machine', { groups: ['*'] }, of('ci', CI, { workload: true }), false],
    ['a machine by its issuer', { issuer: 'ci' }, of('ci', CI, { workload: true }), true],
    ['an issuer of that name that is another', { issuer: 'ci' }, of('ci', OTHER), false],
    [
      'a person',
      { people: ['dana@example.com'] },
      principal('dana', [], { email: 'dana@example.com' }),
      true,
    ],
    [
      'a person in other letters',
      { people: ['Dana@Example.com'] },
      principal('dana', [], { email: 'dana@example.com' }),
      true,
    ],
    [
      'an address that nobody vouches for',
      { people: ['dana@example.com'] },
      principal('dana', [], { unverifiedEmail: 'dana@example.com' }),
      false,
    ],
    [
      'a person who is not in the group as well',
      { people: ['d@example.com'], groups: ['b'] },
      principal('d', ['a'], { email: 'd@example.com' }),
      false,
    ],
    ['a claim', { issuer: 'ci', claims: { ref: 'main' } }, of('ci', CI, { claims: { ref: 'main' } }), true],
    [
      'another claim',
      { issuer: 'ci', claims: { ref: 'main' } },
      of('ci', CI, { claims: { ref: 'x' } }),
      false,
    ],
    ['no claim', { issuer: 'ci', claims: { ref: 'main' } }, of('ci', CI), false],
    [
      'somebody for whom an agent acts',
      { groups: ['clerks'] },
      { ...clerk, actors: [{ issuer: ISSUER, subject: 'a' }] },
      false,
    ],
    [
      'an agent that may act',
      { groups: ['clerks'], actor: 'any' },
      { ...clerk, actors: [{ issuer: ISSUER, subject: 'a' }] },
      true,
    ],
    [
      'another agent',
      { groups: ['clerks'], actor: { subject: 'b' } },
      { ...clerk, actors: [{ issuer: ISSUER, subject: 'a' }] },
      false,
    ],
    ['nobody who acts where one has to', { groups: ['clerks'], actor: 'any' }, clerk, false],
  ])('%s', (_what, by, who, expected) => {
    expect(fits(by, who)).toBe(expected);
  });
});
