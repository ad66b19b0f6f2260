import type { z } from 'zod';
import { fitsSome } from '#core/access/whose.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import { namedByToken } from '#core/tasks/names.ts';
import type { ResultOutput, TaskResult } from '#core/tasks/result/result.ts';
import type { RunStepOf } from '#core/tasks/run.ts';
import { type Execution, stateOf, type TaskStanding, taskStatesOf } from '#core/tasks/run-state.ts';
import type { DeclaredTask } from '#core/tasks/schema.ts';
import type { Asking } from '../asking.ts';
import { taskAnswer } from '../workflows/answers.ts';
import { type KnownRun, resultOf } from './known.ts';
import type { runPageShape, runShape } from './shapes.ts';
import { mayEnd, seesInputs, seesResult } from './visible.ts';

type RunAnswer = z.input<typeof runShape>;
type RunTaskAnswer = RunAnswer['tasks'][number];
type Results = ReadonlyMap<string, TaskResult>;

/** A run in a list. */
export function summaryAnswer(
  { run, declared }: KnownRun,
  now: Date,
): z.input<typeof runPageShape>['runs'][number] {
  const { id, workflow, workflowDigest, startedBy, startedAt, until } = run;
  const tasks = taskStatesOf(run, { declared }).map(({ task, state }) => ({ name: task, state }));
  const state = stateOf(run, { declared }, now);
  return { id, workflow, workflowDigest, state, startedBy, startedAt, until, tasks };
}

/** A run as the caller is shown it. */
export async function runAnswer(
  known: KnownRun,
  asking: Asking,
  source: RecordingSource,
): Promise<RunAnswer> {
  const { run, declared, isCurrent } = known;
  const { digest, policy, keyDigest, trace, inputs } = run;
  const results = await resultsOf(known, source);
  const ended = run.steps.find((step): step is RunStepOf<'ended'> => step.kind === 'ended');
  return {
    ...summaryAnswer(known, asking.now),
    digest,
    isCurrent,
    policy,
    keyDigest,
    ...(trace === undefined ? {} : { trace }),
    ...(seesInputs(run, declared, asking) ? { inputs } : {}),
    ...(ended === undefined ? {} : { ended }),
    mayEnd: mayEnd(run, declared, asking),
    tasks: taskStatesOf(run, { declared }).map((standing) => runTask(standing, known, results, asking)),
  };
}

/** Of the executions that have one, by session. */
async function resultsOf({ run, declared }: KnownRun, source: RecordingSource): Promise<Results> {
  const sessions = taskStatesOf(run, { declared }).flatMap(({ executions }) =>
    executions.flatMap(({ ended }) => (ended === undefined ? [] : [ended.session])),
  );
  const found = await Promise.all(
    sessions.map(async (session) => [session, await resultOf(session, source)] as const),
  );
  return new Map(found.flatMap(([session, result]) => (result === undefined ? [] : [[session, result]])));
}

function runTask(standing: TaskStanding, known: KnownRun, results: Results, asking: Asking): RunTaskAnswer {
  const { task: name, state, left, executions } = standing;
  const { run, declared } = known;
  const task = declared.tasks[name]!;
  const bound = namedByToken(asking.caller);
  const mayRun =
    (bound === undefined || bound.task === name) && fitsSome(task.by, asking.caller, asking.policy);
  const standings = taskStatesOf(run, { declared });
  const isKept = (other: string): boolean => standings.find((one) => one.task === other)?.state === 'kept';
  const begun = new Set(executions.map(({ session }) => session));
  const stopped = run.steps.filter(
    (step): step is RunStepOf<'deviated'> =>
      step.kind === 'deviated' && step.task === name && !begun.has(step.session),
  );
  return {
    ...taskAnswer(name, task, asking.policy, mayRun),
    state,
    waitsFor: task.after.filter((before) => !isKept(before)),
    left,
    executions: executions.map((one) => executionAnswer(one, task, results, asking)),
    stopped: stopped.map(({ session, deviation: kind, how, at }) => ({ session, kind, how, at })),
    ...(mayRun ? { handed: handedTo(task, known, results) } : {}),
  };
}

function executionAnswer(
  { session, startedAt, deviated, ended }: Execution,
  { target }: DeclaredTask,
  results: Results,
  asking: Asking,
): RunTaskAnswer['executions'][number] {
  const result = results.get(session);
  return {
    session,
    startedAt,
    ...(deviated && { deviation: { kind: deviated.deviation, how: deviated.how, at: deviated.at } }),
    ...(ended && { endedAt: ended.at, verdict: ended.verdict, result: ended.result }),
    ...(result !== undefined && seesResult(target, result.operator, asking) ? { detail: { ...result } } : {}),
  };
}

/** What earlier tasks kept their contracts with, put out, and this one takes: its operator has to give these values. */
function handedTo(
  task: DeclaredTask,
  { run, declared }: KnownRun,
  results: Results,
): RunTaskAnswer['handed'] {
  const origins = task.contract.does.flatMap(({ values }) =>
    Object.values(values).flatMap(({ from }) => (from === undefined ? [] : [from])),
  );
  const handed: NonNullable<RunTaskAnswer['handed']> = {};
  for (const standing of taskStatesOf(run, { declared })) {
    const kept = standing.executions.filter(({ ended }) => ended?.verdict === 'kept');
    const outputs = kept.flatMap(({ session }) => results.get(session)?.outputs ?? []).filter(hasRows);
    for (const { name, columns, kept: rows } of outputs) {
      const origin = `${standing.task}.${name}`;
      if (!origins.some((from) => from.startsWith(`${origin}.`))) continue;
      const before = handed[origin]?.rows ?? [];
      handed[origin] = { columns: columns.map((column) => column.name), rows: [...before, ...rows] };
    }
  }
  return handed;
}

type KeptRows = Extract<ResultOutput, { readonly rows: number }> & {
  readonly kept: readonly (readonly (string | null)[])[];
};

function hasRows(output: ResultOutput): output is KeptRows {
  return 'rows' in output && output.kept !== undefined;
}
