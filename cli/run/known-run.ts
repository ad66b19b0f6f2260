import { CustodyError } from '#core/errors.ts';
import type { Api } from '../api.ts';
import { getRun, type Run, type RunTask, runPages } from '../runs-api.ts';
import { isSessionId } from '../session-id.ts';

export const RUN_HELP = 'a run by its id, the newest of a workflow by its name, or latest';

/** Rejects with `not-found`. */
export async function knownRun(api: Api, called: string): Promise<Run> {
  return getRun(api, isSessionId(called) ? called : await newest(api, called));
}

async function newest(api: Api, called: string): Promise<string> {
  const workflow = called === 'latest' ? undefined : called;
  for await (const [first] of runPages(api, { workflow }, { limit: 1 })) {
    if (first !== undefined) return first.id;
  }
  const what = workflow === undefined ? 'no run' : `no run of a workflow ${workflow}`;
  throw new CustodyError('not-found', `there is ${what} that you may see`, {
    hint: `start one: custody run start ${workflow ?? 'WORKFLOW'}; what there is: custody workflow list`,
  });
}

/** Throws `not-found`. */
export function taskOf(run: Run, name: string): RunTask {
  const found = run.tasks.find((task) => task.name === name);
  if (found !== undefined) return found;
  throw new CustodyError('not-found', `${run.workflow} has no task ${name}`, {
    hint: `there are: ${run.tasks.map((task) => task.name).join(', ')}`,
  });
}
