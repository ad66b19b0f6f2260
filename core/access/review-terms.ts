import type { DeclaredTask } from '../tasks/schema.ts';
import { workflowDigest } from '../tasks/workflows.ts';
import type { Approval, Config, Rule } from './config.ts';
import type { AskedDeviation } from './request.ts';

/** Who decides about a request, how many of them it takes, and in what time. */
export type ReviewTerms = Pick<Approval, 'reviewers' | 'approvals' | 'maxDuration' | 'pendingFor'>;

/** The task of a workflow whose session wants to go on outside its contract. */
export type AskingTask = Pick<AskedDeviation, 'run' | 'workflow' | 'workflowDigest' | 'task'>;

/** A workflow and one of its tasks, as a run is under them. */
export type NamedTask = Pick<AskedDeviation, 'workflow' | 'workflowDigest' | 'task'>;

/** What a rule asks for, or for a deviation what the contract does; undefined where nobody decides about such a thing. */
export function reviewTermsOf(
  rule: Rule,
  policy: Pick<Config, 'workflows'>,
  deviation: NamedTask | undefined,
): ReviewTerms | undefined {
  return deviation === undefined ? rule.approval : contractTerms(deviation, policy);
}

/** Undefined where the file does not have this workflow any more as the run is under it, or its contract asks nobody. */
function contractTerms(named: NamedTask, policy: Pick<Config, 'workflows'>): ReviewTerms | undefined {
  const onDeviation = declaredTask(named, policy)?.contract.onDeviation;
  if (typeof onDeviation !== 'object') return undefined;
  const { reviewers, approvals, wait } = onDeviation.ask;
  return { reviewers, approvals, pendingFor: wait, maxDuration: wait };
}

/** A task as the file declares it; undefined where the workflow is another by now. */
export function declaredTask(
  { workflow: name, workflowDigest: digest, task }: NamedTask,
  { workflows }: Pick<Config, 'workflows'>,
): DeclaredTask | undefined {
  const workflow = workflows.get(name);
  if (workflow === undefined || workflowDigest(workflow) !== digest) return undefined;
  return Object.hasOwn(workflow.tasks, task) ? workflow.tasks[task] : undefined;
}
