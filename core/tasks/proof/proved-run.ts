import type { TaskResult } from '../result/result.ts';
import type { Run } from '../run.ts';
import type { Workflow } from '../workflows.ts';

/** What other people's formats say of a run: what was derived, in the order in which it began. No key, and no value of its digests. */
export interface ProvedRun {
  readonly run: Run;
  readonly workflow: Workflow;
  readonly results: readonly ProvedResult[];
}

export interface ProvedResult {
  readonly result: TaskResult;
  /** SHA-256 of its statement. */
  readonly digest: string;
  /** W3C traceparent of the session. */
  readonly trace?: string;
  /** Whether the operator is one of those that the task is for. */
  readonly operatorFits: boolean;
}

/** The executions of a task that kept its contract. */
export function keptResults({ results }: ProvedRun, task: string): readonly ProvedResult[] {
  return results.filter(({ result }) => result.task === task && result.verdict === 'kept');
}
