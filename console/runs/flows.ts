/** The flow of data between the tasks of a run: what the contracts have, and what of it results prove. */
import { type Run, type RunTask, resultsOf, type TaskResult } from '../api/runs.ts';

/**
 * `proved`: a result found all of it in what it has to be from. `claimed`: the task ran, and no result that is there says so.
 * `differs`: a result found something else. `missing`: a result found none of it. `expected`: the task did not run yet.
 */
export type FlowState = 'proved' | 'claimed' | 'differs' | 'missing' | 'expected';

/** The worst first: what an arrow with several of them is shown as. */
const BY_WEIGHT: readonly FlowState[] = ['differs', 'missing', 'claimed', 'expected', 'proved'];

export interface Flow {
  /** `find.orders.order_id`, `find.file`, or `input:list`. */
  readonly from: string;
  /** The task that it comes from; undefined for an input of the run. */
  readonly source: string | undefined;
  readonly task: string;
  /** `pay-back.$1`, or the name of an input of bytes. */
  readonly into: string;
  readonly state: FlowState;
  /** Of values: how many were given, and how many of them are from there. */
  readonly values?: { readonly given: number; readonly found: number };
  /** Of bytes that were given. */
  readonly bytes?: { readonly sha256: string; readonly count: number };
}

/** Where something comes from, and into what it goes, as the contract has it. */
type Place = Pick<Flow, 'from' | 'into'>;

const INPUT = 'input:';

/** What goes into a task. */
export function flowsInto(task: RunTask): readonly Flow[] {
  const results = resultsOf(task);
  const common = (place: Place) => ({ ...place, task: task.name, source: sourceOf(place.from) });
  return [
    ...valuePlaces(task).map((place) => ({ ...common(place), ...valueFlow(place, task, results) })),
    ...inputPlaces(task).map((place) => ({ ...common(place), ...bytesFlow(place, task, results) })),
  ];
}

export function flowsOf({ tasks }: Pick<Run, 'tasks'>): readonly Flow[] {
  return tasks.flatMap(flowsInto);
}

/** How several are shown by one arrow. */
export function worstOf(flows: readonly Flow[]): FlowState | undefined {
  return BY_WEIGHT.find((state) => flows.some((flow) => flow.state === state));
}

function sourceOf(from: string): string | undefined {
  return from.startsWith(INPUT) ? undefined : from.split('.')[0];
}

function valuePlaces({ does }: RunTask): readonly Place[] {
  return does.flatMap(({ name, values }) =>
    Object.entries(values).flatMap(([hole, { from, input }]) =>
      originsOf(from, input).map((origin) => ({ from: origin, into: `${name}.${hole}` })),
    ),
  );
}

function inputPlaces({ inputs }: RunTask): readonly Place[] {
  return Object.entries(inputs).flatMap(([name, { from, input }]) =>
    originsOf(from, input).map((origin) => ({ from: origin, into: name })),
  );
}

function originsOf(from: string | undefined, input: string | undefined): readonly string[] {
  return [from, input === undefined ? undefined : INPUT + input].filter((one) => one !== undefined);
}

type Proved = Pick<Flow, 'state' | 'values' | 'bytes'>;

function valueFlow({ from, into }: Place, task: RunTask, results: readonly TaskResult[]): Proved {
  if (results.length === 0) return withoutResult(task);
  const lineage = results
    .flatMap((result) => result.lineage)
    .filter((one) => one.from === from && `${one.command}.${one.hole}` === into);
  const given = lineage.reduce((sum, { values }) => sum + values, 0);
  const found = lineage.reduce((sum, one) => sum + one.found, 0);
  if (given === 0) return { state: 'missing' };
  return { state: found === given ? 'proved' : 'differs', values: { given, found } };
}

function bytesFlow({ from, into }: Place, task: RunTask, results: readonly TaskResult[]): Proved {
  if (results.length === 0) return withoutResult(task);
  const given = results
    .flatMap((result) => result.inputs)
    .filter((one) => one.name === into && one.from === from);
  const last = given.at(-1);
  if (last === undefined) return { state: 'missing' };
  const state = given.every(({ matches }) => matches) ? 'proved' : 'differs';
  return { state, bytes: { sha256: last.sha256, count: last.bytes } };
}

function withoutResult({ executions }: RunTask): Proved {
  return { state: executions.length === 0 ? 'expected' : 'claimed' };
}
