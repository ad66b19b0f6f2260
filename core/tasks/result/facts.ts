import type { Contract } from '../contract.ts';
import { RunDigests } from '../digests.ts';
import type { Run, RunStep } from '../run.ts';
import type { SeenBytes } from '../seen.ts';
import type { OutputDigests } from '../store.ts';
import type { ValueFacts } from '../values.ts';

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

/** What the contract of a session may take from its run. Rejects with what `earlier` rejects with. */
export async function gatherFacts(
  contract: Contract,
  run: Pick<Run, 'steps' | 'inputs'>,
  session: string,
  key: Uint8Array,
  earlier: EarlierOutputs,
): Promise<EarlierFacts> {
  const kept = keptBefore(run, session);
  const outputs = new Map<string, SessionOutputs[]>();
  for (const task of tasksNamed(contract)) {
    const found: SessionOutputs[] = [];
    for (const one of kept.get(task) ?? []) {
      const digests = await earlier(one);
      if (digests !== undefined) found.push({ session: one, digests });
    }
    outputs.set(task, found);
  }
  return new EarlierFacts(run.inputs, outputs, new RunDigests(key));
}

function tasksNamed({ declared, commands, settings }: Contract): ReadonlySet<string> {
  const values = commands.flatMap((command) => Object.values(command.declared.values));
  const froms = [
    ...values.map(({ from }) => from),
    ...[...settings.keys()].map((name) => declared.sets[name]?.from),
    ...Object.values(declared.inputs).map(({ from }) => from),
  ];
  return new Set(froms.flatMap((from) => (from === undefined ? [] : [from.split('.')[0]!])));
}

interface SessionOutputs {
  readonly session: string;
  readonly digests: OutputDigests;
}

/** What was put out before. Where a task ran more than once, a value may be from any of its executions. */
export class EarlierFacts implements ValueFacts {
  readonly inputs: ReadonlyMap<string, string | null>;
  readonly digests: RunDigests;
  readonly #outputs: ReadonlyMap<string, readonly SessionOutputs[]>;
  readonly #columns = new Map<string, ReadonlySet<string> | undefined>();

  constructor(
    inputs: Readonly<Record<string, string | null>>,
    outputs: ReadonlyMap<string, readonly SessionOutputs[]>,
    digests: RunDigests,
  ) {
    this.inputs = new Map(Object.entries(inputs));
    this.digests = digests;
    this.#outputs = outputs;
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
