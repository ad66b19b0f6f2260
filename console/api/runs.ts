/** Workflows and runs, as the API answers them. */
import type { z } from 'zod';
import type { resultSchema } from '#core/tasks/proof/result-schema.ts';
import type { runEvidenceShape, runPageShape, runShape } from '#lambdas/runs/shapes.ts';
import type { workflowShape } from '#lambdas/workflows/shapes.ts';

export type Run = z.output<typeof runShape>;
export type RunState = Run['state'];
/** What a run is verified with, besides its sessions' evidence. */
export type RunEvidence = z.output<typeof runEvidenceShape>;
export type RunSummary = z.output<typeof runPageShape>['runs'][number];
export type RunPage = z.output<typeof runPageShape>;
export type RunTask = Run['tasks'][number];
export type TaskState = RunTask['state'];
export type Execution = RunTask['executions'][number];
export type Workflow = z.output<typeof workflowShape>;
export type RunInputTerms = Workflow['inputs'][string];
export type ContractCommand = RunTask['does'][number];
export type ValueTerms = ContractCommand['values'][string];
/** What a task came to, as it was derived of its sealed evidence. */
export type TaskResult = z.output<typeof resultSchema>;
export type ResultDeviation = TaskResult['deviations'][number];
export type ResultOutput = TaskResult['outputs'][number];

/** The result of an execution, where there is one and the caller may see it. */
export function resultOf({ detail }: Execution): TaskResult | undefined {
  return detail as TaskResult | undefined;
}

/** Those of a task that the caller may see, the newest last. */
export function resultsOf({ executions }: RunTask): readonly TaskResult[] {
  return executions.flatMap((one) => resultOf(one) ?? []);
}
