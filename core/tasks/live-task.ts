/** Why a session that is a task of a run has to end, beside what rules say. */

import type { ComingTask } from '../access/conditions.ts';
import type { Config } from '../access/config.ts';
import { durationText } from '../access/duration.ts';
import type { LiveEnding } from '../access/live.ts';
import { CustodyError } from '../errors.ts';
import type { Run } from './run.ts';
import type { TaskSession } from './session.ts';

/** A session that runs. */
export interface LiveTask {
  readonly is: ComingTask;
  /** Undefined before its protocol has begun to hold it to its contract. */
  readonly held: Pick<TaskSession, 'contract' | 'elapsedMs'> | undefined;
}

/** Undefined as long as it may go on. `run`: as it was seen last; undefined where it was not seen yet. */
export function taskEnding(
  { is, held }: LiveTask,
  run: Pick<Run, 'steps'> | undefined,
  policy: Pick<Config, 'compiled'>,
): LiveEnding | undefined {
  if (policy.compiled.get(is.workflow)?.digest !== is.digest)
    return revoked(
      `the workflow ${is.workflow} was changed`,
      `start a new run: custody run start ${is.workflow}`,
    );
  const end = run?.steps.find((step) => step.kind === 'ended');
  if (end !== undefined) return revoked(`the run ${is.run} was ended`, `see custody run show ${is.run}`);
  return held === undefined ? undefined : timeOver(is, held);
}

/** Where the contract records or asks, what comes after its time is a deviation like others. */
function timeOver({ run, task }: ComingTask, held: NonNullable<LiveTask['held']>) {
  const { withinMs, declared } = held.contract;
  if (declared.onDeviation !== 'stop' || held.elapsedMs() <= withinMs) return undefined;
  const error = new CustodyError(
    'access-expired',
    `the time of the task ${task} is over: it may take ${durationText(withinMs)}`,
    { hint: `see custody run show ${run}` },
  );
  return { reason: 'expired', error } as const;
}

function revoked(message: string, hint: string): LiveEnding {
  return { reason: 'revoked', error: new CustodyError('access-revoked', message, { hint }) };
}
