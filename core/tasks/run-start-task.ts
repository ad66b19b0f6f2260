/** Whether a task of a run may begin. */
import { CustodyError } from '../errors.ts';
import type { Run, RunStep } from './run.ts';
import { executionsOf, type TaskStanding, taskStatesOf } from './run-state.ts';
import type { DeclaredTask } from './schema.ts';
import type { Workflow } from './workflows.ts';

/** Why a task may not begin now. */
export interface TaskRefusal {
  readonly kind: 'unknown-task' | 'changed' | 'over' | 'too-late' | 'too-early' | 'ran-already';
  /** `task-refused`, with what to do next. */
  readonly error: CustodyError;
}

/** Sessions of one run: it is one record of at most 400 KiB (DynamoDB's limit), and each brings up to three steps. */
const EXECUTIONS_MAX = 300;

type Declared = Pick<Workflow, 'name' | 'digest' | 'declared'>;

/**
 * The first command of a session is about to go on: the task is this session's. Nothing where it is already. `workflow`: as it is
 * declared now. Throws `task-refused`.
 */
export function startTask(
  run: Run,
  workflow: Declared,
  task: string,
  session: string,
  now: Date,
): readonly RunStep[] {
  const mine = executionsOf(run).find((one) => one.session === session);
  if (mine?.task === task) return [];
  const refusal = mine === undefined ? refusalOf(run, workflow, task, now) : otherTask(mine.task);
  if (refusal !== undefined) throw refusal.error;
  return [{ at: now.toISOString(), kind: 'task-started', task, session }];
}

/** The same question at a session's login, when nothing is claimed yet. Undefined when the task may begin. */
export function refusalOf(run: Run, workflow: Declared, task: string, now: Date): TaskRefusal | undefined {
  const again = `start a new run: custody run start ${run.workflow}`;
  if (workflow.name !== run.workflow || workflow.digest !== run.workflowDigest)
    return refusal('changed', `the workflow ${run.workflow} was changed since this run began`, again);
  const { tasks } = workflow.declared;
  if (!Object.hasOwn(tasks, task))
    return refusal(
      'unknown-task',
      `the workflow ${run.workflow} has no such task`,
      `it has ${Object.keys(tasks).join(', ')}`,
    );
  if (run.steps.some(({ kind }) => kind === 'ended')) return refusal('over', 'the run was ended', again);
  if (!(now.getTime() < Date.parse(run.until)))
    return refusal('too-late', `the time of the run was over at ${run.until}`, again);
  return byStanding(run, task, tasks[task]!, taskStatesOf(run, workflow), again);
}

function byStanding(
  run: Run,
  task: string,
  { after, runs }: DeclaredTask,
  standings: readonly TaskStanding[],
  again: string,
): TaskRefusal | undefined {
  const standing = new Map(standings.map((one) => [one.task, one]));
  if (standing.get(task)!.left === 0)
    return refusal(
      'ran-already',
      `the task ${task} ran as often as it may in one run: ${often(runs)}`,
      again,
    );
  const before = after.find((one) => !isKept(standing.get(one)));
  if (before !== undefined) return tooEarly(run, task, before, standing.get(before), again);
  if (executionsOf(run).length < EXECUTIONS_MAX) return undefined;
  return refusal(
    'ran-already',
    `a run has at most ${EXECUTIONS_MAX} sessions, and this one has had them`,
    again,
  );
}

function isKept(standing: TaskStanding | undefined): boolean {
  return standing?.executions.some(({ ended }) => ended?.verdict === 'kept') === true;
}

function tooEarly(
  run: Run,
  task: string,
  before: string,
  standing: TaskStanding | undefined,
  again: string,
): TaskRefusal {
  const first = `first run ${before}: custody run task ${run.id} ${before} -- …`;
  switch (standing?.state) {
    case 'running':
      return refusal(
        'too-early',
        `the task ${task} comes after ${before}, which runs or whose result is not there yet`,
        `wait for it: custody run show ${run.id}`,
      );
    case 'deviated':
      return refusal(
        'too-early',
        `the task ${task} comes after ${before}, which left its contract`,
        standing.left > 0 ? `run ${before} again: custody run task ${run.id} ${before} -- …` : again,
      );
    case 'waiting':
    case 'ready':
    case 'kept':
    case undefined:
      return refusal('too-early', `the task ${task} comes after ${before}, which has not run yet`, first);
  }
}

function otherTask(task: string): TaskRefusal {
  return refusal(
    'ran-already',
    `this session is the task ${task} already`,
    'a session is one task: open another',
  );
}

function refusal(kind: TaskRefusal['kind'], message: string, hint: string): TaskRefusal {
  return { kind, error: new CustodyError('task-refused', message, { hint }) };
}

function often(times: number): string {
  return times === 1 ? 'once' : `${times} times`;
}
