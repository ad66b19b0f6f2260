import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StepBase } from '#core/replay/step.ts';
import type { Cli } from '../cli.ts';

/** What happens before a step is shown. */
export interface Pace {
  /** False: the person has seen enough. */
  next(step: StepBase): Promise<boolean>;
  end(): void;
}

export const atOnce: Pace = { next: async () => true, end: () => undefined };

/** As long between steps as it was then, but no longer than `idleLimit` seconds, divided by `speed`. */
export function recordedPace(speed: number, idleLimit = Number.POSITIVE_INFINITY): Pace {
  let at = 0;
  const next = async (step: StepBase): Promise<boolean> => {
    const ms = Math.min((step.at - at) / 1000, idleLimit * 1000) / speed;
    at = Math.max(at, step.at);
    if (ms > 0) await sleep(ms);
    return true;
  };
  return { next, end: () => undefined };
}

/** Enter for each step after the first; q, or the end of the input, stops. */
export function steppedPace(cli: Cli): Pace {
  const reader = createInterface({ input: cli.stdin });
  const lines = reader[Symbol.asyncIterator]();
  let isFirst = true;
  const next = async (): Promise<boolean> => {
    const wait = !isFirst;
    isFirst = false;
    if (!wait) return true;
    if (cli.stderr.isTTY) cli.stderr.write('-- Enter: next step, q: stop -- ');
    const { done, value } = await lines.next();
    return done !== true && value.trim() !== 'q';
  };
  return { next, end: () => reader.close() };
}
