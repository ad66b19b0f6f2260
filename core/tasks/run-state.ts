/** What a run and its tasks have come to: derived of its steps each time, and kept nowhere. */
import type { Run, RunState, RunStepOf, TaskState } from './run.ts';
import type { DeclaredTask } from './schema.ts';

/** As much of a workflow as states take: one that is compiled, or read from its stored text. */
export interface RunTasks {
  readonly declared: { readonly tasks: Readonly<Record<string, Pick<DeclaredTask, 'after' | 'runs'>>> };
}

/** One session that has a task. */
export interface Execution {
  readonly task: string;
  readonly session: string;
  readonly startedAt: string;
  /** As far as it has happened. */
  readonly deviated?: RunStepOf<'deviated'>;
  readonly ended?: RunStepOf<'task-ended'>;
}

export interface TaskStanding {
  readonly task: string;
  readonly state: TaskState;
  readonly executions: readonly Execution[];
  /** How often it may run yet. */
  readonly left: number;
}

/** In the order in which they began. */
export function executionsOf({ steps }: Pick<Run, 'steps'>): readonly Execution[] {
  const deviated = new Map(steps.flatMap((step) => (step.kind === 'deviated' ? [[step.session, step]] : [])));
  const ended = new Map(steps.flatMap((step) => (step.kind === 'task-ended' ? [[step.session, step]] : [])));
  return steps.flatMap((step) => {
    if (step.kind !== 'task-started') return [];
    const { task, session, at: startedAt } = step;
    const [left, end] = [deviated.get(session), ended.get(session)];
    return [
      { task, session, startedAt, ...(left && { deviated: left }), ...(end && { ended: end }) } as const,
    ];
  });
}

/** The executions of a task that kept its contract. */
export function keptBy(run: Pick<Run, 'steps'>, task: string): readonly Execution[] {
  return executionsOf(run).filter((one) => one.task === task && one.ended?.verdict === 'kept');
}

/** In the order in which the workflow has them. */
export function taskStatesOf(run: Pick<Run, 'steps'>, workflow: RunTasks): readonly TaskStanding[] {
  const all = Map.groupBy(executionsOf(run), ({ task }) => task);
  const isKept = (task: string): boolean =>
    (all.get(task) ?? []).some(({ ended }) => ended?.verdict === 'kept');
  return Object.entries(workflow.declared.tasks).map(([task, { after, runs }]) => {
    const executions = all.get(task) ?? [];
    const left = Math.max(0, runs - executions.length);
    return { task, state: taskState(executions, isKept(task), after.every(isKept)), executions, left };
  });
}

function taskState(executions: readonly Execution[], isKept: boolean, mayBegin: boolean): TaskState {
  if (executions.some(({ ended }) => ended === undefined)) return 'running';
  if (isKept) return 'kept';
  if (executions.length > 0) return 'deviated';
  return mayBegin ? 'ready' : 'waiting';
}

/** A run that was ended, or whose time was over, before its tasks were done stays so: what still runs is no part of its being done. */
export function stateOf(run: Pick<Run, 'steps' | 'until'>, workflow: RunTasks, now: Date): RunState {
  const end = run.steps.findIndex(({ kind }) => kind === 'ended');
  const before = { steps: end < 0 ? run.steps : run.steps.slice(0, end) };
  const kept = new Set(
    before.steps.flatMap((step) =>
      step.kind === 'task-ended' && step.verdict === 'kept' ? [step.task] : [],
    ),
  );
  const isDone = Object.keys(workflow.declared.tasks).every((task) => kept.has(task));
  if (isDone) return 'done';
  if (end >= 0) return 'ended';
  return now.getTime() < Date.parse(run.until) ? 'running' : 'expired';
}
