/** Where runs live. */
import type { Run, RunStep } from './run.ts';

/** What a call has done is durable when it returns; reads see every write that came before. */
export interface Runs {
  /**
   * Stores a run without steps, and its key (32 bytes). `once`: the starter's idempotency key; where the same starter has used it
   * before, nothing is stored and that one's run is returned. Rejects with `already-exists` when the id is taken.
   */
  create(run: Run, key: Uint8Array, once?: string): Promise<Run>;
  /**
   * Adds steps to a run that has exactly `after` steps: of two who start a task at once, one finds another state and looks again.
   * Rejects with `conflict` when it has another number, changing nothing, and with `not-found`. On any other rejection the steps may
   * be there or not.
   */
  append(id: string, after: number, steps: readonly RunStep[]): Promise<void>;
  /** Rejects with `not-found`. */
  get(id: string): Promise<Run>;
  /** The key of its digests. Rejects with `not-found`. */
  keyOf(id: string): Promise<Uint8Array>;
}

/** Lists of runs. In the cloud a list may lag behind. */
export interface RunCatalog {
  /** Newest first. */
  list(query: RunQuery): Promise<RunPage>;
  /** The ids of runs with an execution that has no result yet, oldest first; only those behind `after`. */
  unsettled(limit: number, after?: string): Promise<readonly string[]>;
}

/** True while an execution has no result. */
export function isUnsettled({ steps }: Pick<Run, 'steps'>): boolean {
  const ended = new Set(steps.flatMap((step) => (step.kind === 'task-ended' ? [step.session] : [])));
  return steps.some((step) => step.kind === 'task-started' && !ended.has(step.session));
}

export interface RunQuery {
  readonly workflow?: string;
  readonly limit: number;
  /** Only runs older than this id. Whoever takes it from outside checks that it has the form of an id. */
  readonly cursor?: string;
}

export interface RunPage {
  readonly runs: readonly Run[];
  /** The id of the last of them, where older ones follow. */
  readonly next?: string;
}

/** What has been told about runs: the beginning is the first news, and each step is one more. As of `AccessOutbox`. */
export interface RunOutbox {
  untold(limit: number, id?: string): Promise<readonly UntoldRun[]>;
  told(id: string, count: number): Promise<void>;
}

export interface UntoldRun {
  readonly run: Run;
  readonly told: number;
}

/** The digests of a task's outputs: what the values of later tasks are compared with on the path. A convenience: results are derived without it. */
export interface RunOutputs {
  /** Of one session that has kept its contract. Put once: the first stands. When it returns, it is durable. */
  put(run: string, session: string, outputs: OutputDigests): Promise<void>;
  /** Undefined where there is none. */
  get(run: string, session: string): Promise<OutputDigests | undefined>;
}

export interface OutputDigests {
  /** By `output.column`: digests of its different values (`RunDigests.ofValue`). */
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>;
  /** By output: of its bytes. */
  readonly streams: ReadonlyMap<string, { readonly sha256: string; readonly bytes: number }>;
}

/** The texts that runs are under, by their digests. */
export interface WorkflowTexts {
  /** Put once: under its digest there is no other. When it returns, it is durable. */
  put(workflow: { readonly digest: string; readonly text: string }): Promise<void>;
  /** Rejects with `not-found`, and with `state-damaged` for a text that has another digest. */
  get(digest: string): Promise<string>;
}

/** All that one store of runs does. */
export type RunStore = Runs & RunCatalog & RunOutbox & { readonly outputs: RunOutputs };
