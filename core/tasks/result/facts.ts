import { CustodyError } from '../../errors.ts';
import type { Contract } from '../contract.ts';
import { RunDigests } from '../digests.ts';
import type { Run, RunStep } from '../run.ts';
import type { SeenBytes } from '../seen.ts';
import type { OutputDigests } from '../store.ts';
import type { ValueFacts } from '../values.ts';
import type { Workflow } from '../workflows.ts';

/** The outputs of a session that kept its contract; undefined where they are not there. */
export type EarlierOutputs = (session: string) => Promise<OutputDigests | undefined>;

/**
 * Of each task the sessions that had kept it when `session` began, by the order of the run's steps: what comes later is no origin of
 * what it did. Of a session that has not begun: all that have kept theirs by now.
 */
export function keptBefore(
  { steps }: { readonly steps: readonly RunStep[] },
  session: string,
): ReadonlyMap<string, readonly string[]> {
  const began = steps.findIndex((step) => step.kind === 'task-started' && step.session === session);
  const kept = new Map<string, string[]>();
  for (const step of began < 0 ? steps : steps.slice(0, began)) {
    if (step.kind !== 'task-ended' || step.verdict !== 'kept') continue;
    kept.set(step.task, [...(kept.get(step.task) ?? []), step.session]);
  }
  return kept;
}

/** Values of earlier tasks that one session can be held to: their digests are in memory. */
const VALUES_MAX = 1_000_000;

/**
 * What the contract of a session may take from its run: the same on the path, in its result and for whoever verifies it. Rejects with
 * `task-refused` where outputs are not there, or are too many: then nothing may go unlooked at. Rejects with what `earlier` rejects with.
 */
export async function gatherFacts(
  contract: Contract,
  run: Pick<Run, 'id' | 'steps' | 'inputs'>,
  session: string,
  key: Uint8Array,
  earlier: EarlierOutputs,
): Promise<EarlierFacts> {
  const kept = keptBefore(run, session);
  const outputs = new Map<string, SessionOutputs[]>();
  let values = 0;
  for (const task of tasksNamed(contract)) {
    const found: SessionOutputs[] = [];
    for (const one of kept.get(task) ?? []) {
      const digests = await earlier(one);
      if (digests === undefined) throw notThere(run.id, task, one);
      values += [...digests.columns.values()].reduce((sum, { size }) => sum + size, 0);
      if (values > VALUES_MAX) throw tooMany(run.id, task);
      found.push({ session: one, digests });
    }
    outputs.set(task, found);
  }
  return new EarlierFacts(session, run.inputs, outputs, new RunDigests(key));
}

function notThere(run: string, task: string, session: string): CustodyError {
  return new CustodyError(
    'task-refused',
    `what the task ${task} put out in session ${session} is not there`,
    {
      hint: `wait a moment, and see: custody run show ${run}`,
    },
  );
}

function tooMany(run: string, task: string): CustodyError {
  return new CustodyError(
    'task-refused',
    `the executions of ${task} put out more than the ${VALUES_MAX} values that a task can be held to`,
    { hint: `start a new run, with fewer of them; see custody run show ${run}` },
  );
}

function tasksNamed(contract: Contract): ReadonlySet<string> {
  return new Set(originsIn(contract).map((origin) => origin.split('.')[0]!));
}

/** The columns of a task's outputs, as `output.column`, that other tasks of its workflow take values from. */
export function takenFrom({ tasks }: Pick<Workflow, 'tasks'>, task: string): ReadonlySet<string> {
  const origins = [...tasks.values()].flatMap(({ contract }) => originsIn(contract));
  const parted = origins.map(splitOnce);
  return new Set(parted.flatMap(([of, rest]) => (of === task && rest.includes('.') ? [rest] : [])));
}

/** `task.output.column` of values, `task.output` of inputs. */
function originsIn({ declared: { does, sets, inputs } }: Contract): readonly string[] {
  const terms = [...does.flatMap(({ values }) => Object.values(values)), ...Object.values(sets)];
  return [...terms, ...Object.values(inputs)].flatMap(({ from }) => from ?? []);
}

interface SessionOutputs {
  readonly session: string;
  readonly digests: OutputDigests;
}

/** What was put out before. Where a task ran more than once, a value may be from any of its executions. */
export class EarlierFacts implements ValueFacts {
  readonly inputs: ReadonlyMap<string, string | null>;
  readonly digests: RunDigests;
  readonly #session: string;
  readonly #outputs: ReadonlyMap<string, readonly SessionOutputs[]>;
  readonly #columns = new Map<string, ReadonlySet<string> | undefined>();

  constructor(
    session: string,
    inputs: Readonly<Record<string, string | null>>,
    outputs: ReadonlyMap<string, readonly SessionOutputs[]>,
    digests: RunDigests,
  ) {
    this.#session = session;
    this.inputs = new Map(Object.entries(inputs));
    this.digests = digests;
    this.#outputs = outputs;
  }

  /** Whether they are still those of this session, if it began now: more of the earlier tasks may have kept their contracts since. */
  areOf(run: Pick<Run, 'steps'>): boolean {
    const kept = keptBefore(run, this.#session);
    return [...this.#outputs].every(([task, found]) => found.length === (kept.get(task) ?? []).length);
  }

  column(origin: string): ReadonlySet<string> | undefined {
    if (!this.#columns.has(origin)) this.#columns.set(origin, this.#gather(origin));
    return this.#columns.get(origin);
  }

  /** Of `task.output`; of the last execution, where there are several. */
  stream(origin: string): SeenBytes | undefined {
    const [task, output] = splitOnce(origin);
    return this.#of(task)
      .map(({ digests }) => digests.streams.get(output))
      .findLast((one) => one !== undefined);
  }

  /** The session that an origin is of, where it is one alone. */
  sessionOf(origin: string): string | undefined {
    const of = this.#of(splitOnce(origin)[0]);
    return of.length === 1 ? of[0]!.session : undefined;
  }

  #gather(origin: string): ReadonlySet<string> | undefined {
    const [task, column] = splitOnce(origin);
    const found = this.#of(task).flatMap(({ digests }) => digests.columns.get(column) ?? []);
    if (found.length <= 1) return found[0];
    const all = new Set<string>();
    for (const one of found) for (const digest of one) all.add(digest);
    return all;
  }

  #of(task: string): readonly SessionOutputs[] {
    return this.#outputs.get(task) ?? [];
  }
}

/** `task` and what stands behind its dot. */
function splitOnce(origin: string): readonly [task: string, rest: string] {
  const dot = origin.indexOf('.');
  return [origin.slice(0, dot), origin.slice(dot + 1)];
}
