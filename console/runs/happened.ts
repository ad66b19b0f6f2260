/** What a task did, beside what its contract has: commands counted, and what left it. */
import type { ContractCommand, Execution, ResultDeviation, RunTask, TaskResult } from '../api/runs.ts';
import { resultOf } from '../api/runs.ts';

export interface Ran {
  readonly times: number;
  readonly failed: number;
  /** Taken back with their transactions. */
  readonly undone: number;
  readonly rows: number;
  readonly affected: number;
  readonly tookMs: number;
  /** Where in its session the first of them is. */
  readonly first: StepPlace | undefined;
}

/** A place in a recording: a session, and microseconds since its start. */
export interface StepPlace {
  readonly session: string;
  readonly at: number;
}

/** How often a command of the contract ran; undefined: those that the contract does not have. */
export function ranOf(command: string | undefined, results: readonly TaskResult[]): Ran {
  const all = results.flatMap(({ session, commands }) =>
    commands.filter((one) => one.command === command).map((one) => ({ ...one, session })),
  );
  const sum = (of: (one: (typeof all)[number]) => number | undefined): number =>
    all.reduce((total, one) => total + (of(one) ?? 0), 0);
  return {
    times: all.length,
    failed: all.filter(({ outcome }) => outcome === 'failed').length,
    undone: all.filter(({ undone }) => undone).length,
    rows: sum(({ rows }) => rows),
    affected: sum(({ affected }) => affected),
    tookMs: sum(({ tookMs }) => tookMs),
    first: all[0],
  };
}

/** Of each execution by itself: `times` is how often a command runs in one. */
export function isAsOften({ name, times }: ContractCommand, result: TaskResult): boolean {
  const { times: ran } = ranOf(name, [result]);
  return times.min <= ran && ran <= times.max;
}

/** One thing that left a contract. */
export interface Left {
  readonly session: string;
  readonly kind: ResultDeviation['kind'];
  /** `asked`: whether it goes on is not known yet, or not shown to the caller. */
  readonly how: ResultDeviation['how'] | 'asked';
  /** What the result has of it, where the caller may see that. */
  readonly more: ResultDeviation | undefined;
  /** False: no command of that session went on, so it is no execution of the task. */
  readonly hasBegun: boolean;
}

/** All that left the contract of a task, in the order in which it happened. */
export function leftOf({ executions, stopped }: RunTask): readonly Left[] {
  return [
    ...stopped.map(({ session, kind, how }) => ({ session, kind, how, more: undefined, hasBegun: false })),
    ...executions.flatMap(leftIn),
  ];
}

function leftIn(execution: Execution): readonly Left[] {
  const { session, deviation } = execution;
  const result = resultOf(execution);
  if (result !== undefined)
    return result.deviations.map((more) => ({
      session,
      kind: more.kind,
      how: more.how,
      more,
      hasBegun: true,
    }));
  if (deviation === undefined) return [];
  return [{ session, kind: deviation.kind, how: deviation.how, more: undefined, hasBegun: true }];
}
