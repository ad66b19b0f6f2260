import { CustodyError } from '#core/errors.ts';
import type { Api } from '../api.ts';
import type { Cli } from '../cli.ts';
import type { NamedTask, Wishes } from '../clients/kit.ts';
import type { Run, RunTask } from '../runs-api.ts';
import { knownRun, RUN_HELP, taskOf } from './known-run.ts';

/** Of the commands that let a client be a task of a run. */
export interface TaskOptions {
  readonly run?: string;
  readonly task?: string;
}

export const TASK_OPTIONS_HELP = {
  run: `as a task of ${RUN_HELP}`,
  task: 'which of its tasks',
};

/** The wishes with the task, where the options name one. Rejects with `format-invalid` where it is for another target. */
export async function withTask(
  cli: Cli,
  api: Api,
  target: string,
  { run, task, ...wishes }: Wishes & TaskOptions,
): Promise<Wishes> {
  const named = await namedBy(api, run, task);
  if (named === undefined) return wishes;
  if (named.task.target !== target)
    throw new CustodyError('format-invalid', `${task} is a task at ${named.task.target}, not at ${target}`, {
      hint: `custody run task ${run} ${task} -- … knows its target`,
    });
  return { ...wishes, as: wishOf(cli, named.run, named.task) };
}

/** For a command that was given no target. Rejects with `format-invalid` where it was given no task either. */
export async function targetOfTask(api: Api, options: TaskOptions): Promise<string> {
  const named = await namedBy(api, options.run, options.task);
  if (named !== undefined) return named.task.target;
  throw new CustodyError('format-invalid', 'name a target, or a task with --run and --task');
}

/** How a client names the task; TRACEPARENT is what orchestrators set. */
export function wishOf({ env }: Pick<Cli, 'env'>, run: Run, { name, login }: RunTask): NamedTask {
  const trace = env['TRACEPARENT'];
  return {
    run: run.id,
    task: name,
    ...(login === undefined ? {} : { login }),
    ...(trace !== undefined && TRACEPARENT.test(trace) ? { trace } : {}),
  };
}

export const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

interface Named {
  readonly run: Run;
  readonly task: RunTask;
}

async function namedBy(
  api: Api,
  called: string | undefined,
  task: string | undefined,
): Promise<Named | undefined> {
  if (called === undefined && task === undefined) return undefined;
  if (called === undefined || task === undefined)
    throw new CustodyError('format-invalid', '--run and --task go together');
  const run = await knownRun(api, called);
  return { run, task: taskOf(run, task) };
}
