/** Who may run tasks, and start runs of them. What rules say of the target comes on top. */
import type { Config } from '../access/config.ts';
import { fitsSome } from '../access/whose.ts';
import type { Principal } from '../identity/principal.ts';
import type { DeclaredTask, DeclaredWorkflow } from './schema.ts';

type Issuers = Pick<Config, 'issuers'>;
type Policy = Pick<Config, 'issuers' | 'workflows'>;

/** True for whom the task's `by` names. */
export function mayRun(
  { declared }: { readonly declared: Pick<DeclaredTask, 'by'> },
  principal: Principal,
  policy: Issuers,
): boolean {
  return fitsSome(declared.by, principal, policy);
}

/** True for whom `startedBy` names; where the workflow has none, for whoever may run one of its tasks. */
export function mayStart(
  { declared: { startedBy, tasks } }: { readonly declared: Pick<DeclaredWorkflow, 'startedBy' | 'tasks'> },
  principal: Principal,
  policy: Issuers,
): boolean {
  if (startedBy !== undefined) return fitsSome(startedBy, principal, policy);
  return Object.values(tasks).some(({ by }) => fitsSome(by, principal, policy));
}

/** A task that somebody may run, by its names: `refunds/find`. */
export interface RunnableTask {
  readonly workflow: string;
  readonly task: string;
  readonly name: string;
}

/** The tasks at a target that somebody may run, as the file declares them. */
export function runnableAt(target: string, principal: Principal, policy: Policy): readonly RunnableTask[] {
  return [...policy.workflows].flatMap(([workflow, { tasks }]) =>
    Object.entries(tasks)
      .filter(([, task]) => task.target === target && fitsSome(task.by, principal, policy))
      .map(([task]) => ({ workflow, task, name: `${workflow}/${task}` })),
  );
}
