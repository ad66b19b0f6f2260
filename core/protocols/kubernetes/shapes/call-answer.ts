import type { SeenAnswer } from '#core/tasks/seen.ts';
import type { Answered } from '../judge.ts';

/** What came of a call that went on; undefined: it was cut before that was known. */
export function answerOf(answered: Answered | undefined, tookMs: number): SeenAnswer {
  if (answered === undefined) return { outcome: 'unfinished', tookMs };
  const error = errorOf(answered);
  return error === undefined ? { outcome: 'completed', tookMs } : { outcome: 'failed', tookMs, error };
}

function errorOf({ status, exitCode = 0 }: Answered): string | undefined {
  if (status >= 400) return `status ${status}`;
  return exitCode === 0 ? undefined : `exit ${exitCode}`;
}
