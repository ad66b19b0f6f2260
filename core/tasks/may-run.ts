/** Who may run tasks, and start runs of them. What rules say of the target comes on top. */
import type { Config } from '../access/config.ts';
import { fitsSome } from '../access/whose.ts';
import type { Principal } from '../identity/principal.ts';
import type { Task, Workflow } from './workflows.ts';

type Policy = Pick<Config, 'issuers' | 'compiled'>;

/** A task of a workflow that is in force. */
export interface NamedTask {
  readonly workflow: Workflow;
  readonly task: Task;
}

/** True for whom the task's `by` names. */
export function mayRun({ declared }: Task, principal: Principal, policy: Pick<Config, 'issuers'>): boolean {
  return fitsSome(declared.by, principal, policy);
}

/** True for whom `startedBy` names; where the workflow has none, for whoever may run one of its tasks. */
export function mayStart(
  { declared, tasks }: Workflow,
  principal: Principal,
  policy: Pick<Config, 'issuers'>,
): boolean {
  if (declared.startedBy !== undefined) return fitsSome(declared.startedBy, principal, policy);
  return [...tasks.values()].some((task) => mayRun(task, principal, policy));
}

/** The tasks that somebody may run; at one target alone where it is named. */
export function tasksOf(principal: Principal, policy: Policy, target?: string): readonly NamedTask[] {
  return [...policy.compiled.values()].flatMap((workflow) =>
    [...workflow.tasks.values()]
      .filter((task) => target === undefined || task.declared.target === target)
      .filter((task) => mayRun(task, principal, policy))
      .map((task) => ({ workflow, task })),
  );
}

/** `refunds/find`: as rules and refusals call it. */
export function taskName({ workflow, task }: NamedTask): string {
  return `${workflow.name}/${task.name}`;
}
