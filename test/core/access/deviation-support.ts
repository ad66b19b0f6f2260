import type { ComingTask } from '#core/access/conditions.ts';
import { type Config } from '#core/access/config.ts';
import { Authorization, decide, type Question } from '#core/access/decide.ts';
import type { AskedDeviation } from '#core/access/request.ts';
import type { Principal } from '#core/identity/principal.ts';
import { workflowDigest } from '#core/tasks/workflows.ts';
import { idOf, NOW, policyOf, principal } from './support.ts';

export const RULES = [
  `name: work, groups: [agents], targets: [orders-db], allow: [connect], when: { task: 'refunds/*' }`,
  `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, maxDuration: 4h }`,
  `name: acts, groups: [developers], actor: any, targets: [orders-db], allow: [connect], when: { task: 'refunds/*' }`,
  `name: run-it, groups: [admins], targets: ['*'], allow: [administer]`,
];

const task = (more: string): string =>
  `{ target: orders-db, by: { groups: [agents] }, contract: { does: [{ name: look, statement: 'SELECT 1' }], ${more} } }`;

/** `waiting`: what the contract of `refund` says of deviations. */
export function workflowsOf(
  waiting = 'ask: { reviewers: { all: [owners, leads] }, approvals: 1, wait: 2m }',
): string {
  return `workflows:
  refunds:
    tasks:
      refund: ${task(`onDeviation: { ${waiting} }`)}
      solo: ${task(`onDeviation: { ask: { reviewers: { any: [owners, '*'] }, wait: 1m } }`)}
      report: ${task('onDeviation: stop')}`;
}

export const POLICY = policyOf(RULES, workflowsOf());
export const digestIn = (policy: Config): string => workflowDigest(policy.workflows.get('refunds')!);

export const RUN = idOf(40);
export const SESSION = idOf(41);
export const agent = principal('agent-7', ['agents']);
export const lee = principal('lee', ['leads']);
export const owen = principal('owen', ['owners']);
export const dana = principal('dana', ['developers'], { email: 'dana@example.com' });

/** The task of the session that waits. */
export const TASK = { run: RUN, workflow: 'refunds', task: 'refund' } as const;

/** The same, as a session comes. */
export const COMING: ComingTask = { ...TASK, digest: digestIn(POLICY) };

export function deviationOf(more: Partial<AskedDeviation> = {}): AskedDeviation {
  return {
    ...TASK,
    workflowDigest: digestIn(POLICY),
    session: SESSION,
    command: { sha256: 'f'.repeat(64), text: 'delete from orders' },
    kind: 'not-in-contract',
    expected: 'no such command',
    seen: 'another command: DELETE FROM orders',
    isAnswer: false,
    ...more,
  };
}

/** The question of a session that waits, as the task that it is. */
export function wishOf(more: Partial<Question<'request'>> = {}): Question<'request'> {
  const { run, workflow, workflowDigest: digest, task: name } = deviationOf();
  return {
    policy: POLICY,
    principal: agent,
    action: 'request',
    target: 'orders-db',
    context: { task: COMING },
    live: { session: SESSION, rule: 'work', startedAt: NOW },
    wish: { rule: 'work', deviation: { run, workflow, workflowDigest: digest, task: name } },
    now: NOW,
    ...more,
  };
}

export function mayAsk(more: Partial<Question<'request'>> = {}): Authorization<'request'> {
  const permission = decide(wishOf(more));
  if (Authorization.isOne(permission)) return permission;
  throw new Error(permission.message);
}

export function mayConnect(who: Principal = agent, policy = POLICY): Authorization<'connect'> {
  const context = { task: COMING };
  const permission = decide({
    policy,
    principal: who,
    action: 'connect',
    target: 'orders-db',
    context,
    now: NOW,
  });
  if (Authorization.isOne(permission)) return permission;
  throw new Error(permission.message);
}
