import { owns } from '#core/access/own.ts';
import type { AccessRequest, AskedRun } from '#core/access/request.ts';
import { declaredTask } from '#core/access/review-terms.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { mayRun, mayStart } from '#core/tasks/may-run.ts';
import type { Run } from '#core/tasks/run.ts';
import type { DeclaredTask, DeclaredWorkflow } from '#core/tasks/schema.ts';
import type { Runs } from '#core/tasks/store.ts';
import { workflowDigest } from '#core/tasks/workflows.ts';
import type { Asking } from '../asking.ts';

/** What somebody asks access for, and the run whose sessions alone shall have it. */
interface RunWish {
  readonly target: string;
  readonly run?: string | undefined;
  readonly task?: string | undefined;
}

/**
 * The run that a grant is asked for, as it is under its workflow; undefined where it is for any session. Rejects with `format-invalid`
 * for a task that is none of it, with `conflict` for a run that no task begins in any more, and with `not-found`.
 */
export async function askedRun(
  { target, run: id, task }: RunWish,
  asking: Asking,
  runs: Pick<Runs, 'get'>,
): Promise<AskedRun | undefined> {
  if (id === undefined) {
    if (task === undefined) return undefined;
    throw new CustodyError('format-invalid', 'a task is of a run', { hint: 'name the run, too: --run ID' });
  }
  const { policy, now } = asking;
  const run = await found(id, runs);
  const { workflow, workflowDigest: digest } = run;
  const declared = policy.workflows.get(workflow);
  if (!mayKnow(run, declared, asking)) throw noSuchRun();
  const isOver = run.steps.some(({ kind }) => kind === 'ended') || now.getTime() >= Date.parse(run.until);
  if (declared === undefined || workflowDigest(declared) !== digest)
    throw over('the workflow of the run was changed');
  if (isOver) throw over('the run is over');
  refuseElsewhere(declared.tasks, target, task);
  return { id, workflow, workflowDigest: digest, ...(task === undefined ? {} : { task }) };
}

/** What reviewers approve: the tasks that it is about, as the file declares them, where it has them as the run is under them. */
export function contractsOf(
  { target, run, deviation }: AccessRequest,
  { policy }: Asking,
): Record<string, Record<string, unknown>> | undefined {
  const of = deviation ?? run;
  const workflow = of === undefined ? undefined : policy.workflows.get(of.workflow);
  if (of === undefined || workflow === undefined) return undefined;
  const { workflow: name, workflowDigest: digest, task: only } = of;
  const written = parseJson(workflow.written) as { tasks: Record<string, Record<string, unknown>> };
  const shown = Object.entries(written.tasks).filter(([task]) => {
    const declared = declaredTask({ workflow: name, workflowDigest: digest, task }, policy);
    return declared?.target === target && (only === undefined || task === only);
  });
  return shown.length === 0 ? undefined : Object.fromEntries(shown);
}

async function found(id: string, runs: Pick<Runs, 'get'>): Promise<Run> {
  try {
    return await runs.get(id);
  } catch (error) {
    throw asCustodyError(error).code === 'not-found' ? noSuchRun() : error;
  }
}

/** Whose run it is, and whoever could take part in it; to others there is none (security case 14). */
function mayKnow({ startedBy }: Run, declared: DeclaredWorkflow | undefined, asking: Asking): boolean {
  const { caller, policy } = asking;
  if (owns(caller, startedBy, policy)) return true;
  if (declared === undefined) return false;
  const tasks = Object.values(declared.tasks).map((task) => ({ declared: task }));
  return mayStart({ declared }, caller, policy) || tasks.some((task) => mayRun(task, caller, policy));
}

function noSuchRun(): CustodyError {
  return new CustodyError('not-found', 'no such run', { hint: 'see those you may see: custody run list' });
}

function refuseElsewhere(
  tasks: Readonly<Record<string, DeclaredTask>>,
  target: string,
  task: string | undefined,
): void {
  const meant = Object.entries(tasks).filter(([name]) => task === undefined || name === task);
  if (meant.some(([, declared]) => declared.target === target)) return;
  const what = task === undefined ? 'no task of the run' : `no task ${task} of the run`;
  const hint = `its tasks: ${Object.entries(tasks)
    .map(([name, declared]) => `${name} on ${declared.target}`)
    .join(', ')}`;
  throw new CustodyError('format-invalid', `${what} is on this target`, { hint });
}

function over(message: string): CustodyError {
  return new CustodyError('conflict', message, { hint: 'start a new run: custody run start' });
}
