/** Whether a task of a run may begin now, and if not, why: in words for whoever looks at it. */
import type { Run, RunTask } from '../api/runs.ts';

export interface Standing {
  /** `may`: the caller may begin it now. `waits`: it may begin later in this run. `cannot`: not in this run any more, or not the caller. */
  readonly is: 'may' | 'waits' | 'cannot';
  /** Why, and what to do. Never empty. */
  readonly words: readonly string[];
}

export function standingOf(task: RunTask, run: Pick<Run, 'state' | 'isCurrent' | 'tasks'>): Standing {
  const over = overWords(run) ?? spentWords(task);
  if (over !== undefined) return { is: 'cannot', words: [over] };
  const waiting = task.waitsFor.map((name) => beforeWords(name, run));
  if (waiting.length > 0) {
    const isLost = task.waitsFor.some((name) => isSpent(run.tasks.find((one) => one.name === name)));
    return { is: isLost ? 'cannot' : 'waits', words: waiting };
  }
  if (!task.mayRun) return { is: 'cannot', words: ['It may begin. You are none of those who may run it.'] };
  return { is: 'may', words: ['It may begin, and you may run it.'] };
}

function overWords({ state, isCurrent }: Pick<Run, 'state' | 'isCurrent'>): string | undefined {
  switch (state) {
    case 'done':
      return 'Every task of the run has kept its contract.';
    case 'ended':
      return 'The run was ended: no task of it begins any more. Start a new run.';
    case 'expired':
      return 'The time of the run is over: no task of it begins any more. Start a new run.';
    case 'running':
      return isCurrent
        ? undefined
        : 'The workflow was changed since this run began: no task of it begins any more. Start a new run.';
  }
}

function spentWords(task: RunTask): string | undefined {
  if (task.left > 0) return undefined;
  if (task.state === 'running') return 'It runs, or its result is not derived yet.';
  const again = task.state === 'kept' ? '' : ' Start a new run.';
  return `It ran as often as it may in one run: ${timesText(task.runs)}.${again}`;
}

/** It left its contract, and may not run again. */
function isSpent(task: RunTask | undefined): boolean {
  return task?.state === 'deviated' && task.left === 0;
}

function beforeWords(name: string, { tasks }: Pick<Run, 'tasks'>): string {
  const before = tasks.find((one) => one.name === name);
  switch (before?.state) {
    case 'running':
      return `It waits for ${name}, which runs or whose result is not derived yet.`;
    case 'deviated':
      return before.left > 0
        ? `It waits for ${name}, which left its contract and may run again.`
        : `It comes after ${name}, which left its contract and may not run again. Start a new run.`;
    case 'waiting':
    case 'ready':
    case 'kept':
    case undefined:
      return `It waits for ${name}, which has not run yet.`;
  }
}

export function timesText(times: number): string {
  return times === 1 ? 'once' : `${times} times`;
}
