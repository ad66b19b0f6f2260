/** Results of tasks, as soon as their sessions are sealed: derived, signed, put beside the session, and entered in the run. */
import { asCustodyError, CustodyError } from '../errors.ts';
import { CLOSE, OPEN, objectKey, sessionPrefix, signatureName, TASK_RESULT } from '../recording/layout.ts';
import type { RecordingSink, RecordingSource, Retention, Signer } from '../recording/ports.ts';
import { sha256Hex } from '../recording/statements.ts';
import { canonicalJson } from './canonical-json.ts';
import { ENVELOPE_MAX_BYTES } from './proof/dsse.ts';
import { openResult, signResult } from './proof/statement.ts';
import type { TaskResult } from './result/result.ts';
import type { Run } from './run.ts';
import type { RunDesk } from './run-desk.ts';
import { endTask } from './run-lifecycle.ts';
import { type Execution, executionsOf } from './run-state.ts';
import { openSealed, type SealedSession } from './sealed-session.ts';
import type { OutputDigests, RunCatalog, RunOutputs, Runs } from './store.ts';
import type { Workflow } from './workflows.ts';

/** What a result is derived of; see `deriveTaskResult`. */
export interface Derivation extends SealedSession {
  readonly workflow: Workflow;
  readonly run: Run;
  readonly key: Uint8Array;
  /** The outputs of an execution before it that kept its contract. */
  readonly earlier: (session: string) => Promise<OutputDigests | undefined>;
}

export type Derive = (
  of: Derivation,
) => Promise<{ readonly result: TaskResult; readonly outputs: OutputDigests }>;

export interface SettlePorts {
  readonly runs: Pick<Runs, 'get' | 'keyOf'> &
    Pick<RunCatalog, 'unsettled'> & { readonly outputs: RunOutputs };
  readonly desk: Pick<RunDesk, 'change'>;
  readonly store: RecordingSource & RecordingSink;
  readonly signer: Signer;
  /** The workflow that a run is under, whatever is declared by now. */
  readonly workflowOf: (run: Run) => Promise<Workflow>;
  readonly derive: Derive;
  readonly now: () => Date;
}

export interface Settling {
  /** How many results were entered. */
  readonly settled: number;
  /** Those that could not be: they are tried again, and somebody has to look. */
  readonly failures: readonly SettleFailure[];
}

export interface SettleFailure {
  readonly run: string;
  readonly session: string;
  readonly error: CustodyError;
}

const RUNS_AT_ONCE = 100;
/** What could not be derived is not looked at again before: to verify a long recording costs something. */
const RETRY_MS = 30_000;
/** A session's open.json is stored before it can have a task: what has none by then never will. */
const UNOPENED_MS = 3_600_000;

/**
 * Enters what tasks came to. Each step may be the last of a process, and two may be at the same run: what is derived of the same
 * evidence is the same, the first signed result stands, and a run has one end for each session.
 */
export class RunSettler {
  readonly #ports: SettlePorts;
  /** Who asks while it is under way waits for it. */
  readonly #settling = new Map<string, Promise<Settling>>();
  /** By session. */
  readonly #failed = new Map<string, { readonly at: number; readonly settling: Settling }>();

  constructor(ports: SettlePorts) {
    this.#ports = ports;
  }

  /** One run. Rejects with `not-found`; an execution that cannot be settled stops no other. */
  settle(id: string): Promise<Settling> {
    const already = this.#settling.get(id);
    if (already !== undefined) return already;
    const mine = this.#settle(id).finally(() => this.#settling.delete(id));
    this.#settling.set(id, mine);
    return mine;
  }

  /** The run that a sealed session is a task of, where it is one. */
  async settleSession(session: string): Promise<Settling> {
    const { store, signer } = this.#ports;
    const names = await store.list(sessionPrefix(session));
    if (!isSealed(names)) return NOTHING;
    const { open } = await openSealed(session, names, store, await signer.publicKey());
    const { task } = open.value;
    return task === undefined ? NOTHING : this.settle(task.run);
  }

  /** Every run with an execution that has no result. Rejects only when they cannot be listed. */
  async settleAll(): Promise<Settling> {
    const done: Settling[] = [];
    for (let after: string | undefined; ; ) {
      const ids = await this.#ports.runs.unsettled(RUNS_AT_ONCE, after);
      for (const id of ids) done.push(await this.settle(id).catch((error: unknown) => failed(id, '', error)));
      if (ids.length < RUNS_AT_ONCE) return together(done);
      after = ids.at(-1);
    }
  }

  /** In the order in which they began: a later one may take from an earlier one. */
  async #settle(id: string): Promise<Settling> {
    const run = await this.#ports.runs.get(id);
    const done: Settling[] = [];
    for (const execution of executionsOf(run)) {
      if (execution.ended !== undefined) continue;
      done.push(await this.#unlessJustFailed(run, execution));
    }
    return together(done);
  }

  async #unlessJustFailed(run: Run, execution: Execution): Promise<Settling> {
    const { session } = execution;
    const at = this.#ports.now().getTime();
    const before = this.#failed.get(session);
    if (before !== undefined && at - before.at < RETRY_MS) return before.settling;
    this.#failed.delete(session);
    return this.#settleOne(run, execution).catch((error: unknown) => {
      const settling = failed(run.id, session, error);
      this.#failed.set(session, { at, settling });
      return settling;
    });
  }

  async #settleOne(run: Run, { task, session, startedAt }: Execution): Promise<Settling> {
    const { store, desk, now } = this.#ports;
    const names = await store.list(sessionPrefix(session));
    const isUnopened = !names.includes(OPEN);
    if (isUnopened && now().getTime() - Date.parse(startedAt) < UNOPENED_MS) return NOTHING;
    if (!isUnopened && !isSealed(names)) return NOTHING;
    const { verdict, result } = isUnopened
      ? { verdict: 'deviated' as const, result: noEvidenceDigest(run, task, session) }
      : await this.#resultOf(run, task, session, names);
    await desk.change(run.id, (found, at) => endTask(found, { task, session, verdict, result }, at));
    return { settled: 1, failures: [] };
  }

  /** Outputs come first: where there is a result, they are there. */
  async #resultOf(run: Run, task: string, session: string, names: readonly string[]) {
    if (names.includes(TASK_RESULT)) return this.#stored(run, task, session);
    const { signer, runs } = this.#ports;
    const { result, outputs, retention } = await this.#derive(run, session, names);
    if (result.verdict === 'kept') await runs.outputs.put(run.id, session, outputs);
    const { bytes, digest } = await signResult(result, signer);
    const isFirst = await this.#put(objectKey(session, TASK_RESULT), bytes, retention);
    return isFirst ? { verdict: result.verdict, result: digest } : this.#stored(run, task, session);
  }

  async #derive(run: Run, session: string, names: readonly string[]) {
    const { store, signer, runs, workflowOf, derive } = this.#ports;
    const sealed = await openSealed(session, names, store, await signer.publicKey());
    const [key, workflow] = await Promise.all([runs.keyOf(run.id), workflowOf(run)]);
    const earlier = (before: string) => this.#outputsOf(run, before);
    const { result, outputs } = await derive({ ...sealed, workflow, run, key, earlier });
    return { result, outputs, retention: sealed.open.value.retention };
  }

  /** Digests are a convenience, and may be gone: then they are derived again. */
  async #outputsOf(run: Run, session: string): Promise<OutputDigests | undefined> {
    const { runs, store } = this.#ports;
    const known = await runs.outputs.get(run.id, session);
    if (known !== undefined) return known;
    const names = await store.list(sessionPrefix(session));
    if (!isSealed(names)) return undefined;
    const { outputs } = await this.#derive(run, session, names);
    await runs.outputs.put(run.id, session, outputs);
    return outputs;
  }

  /** False where one is there already: of another settler, or of this one before it died. */
  async #put(key: string, bytes: Uint8Array, retention: Retention | undefined): Promise<boolean> {
    try {
      await this.#ports.store.put(key, bytes, retention);
      return true;
    } catch (error) {
      if (asCustodyError(error).code !== 'already-exists') throw error;
      return false;
    }
  }

  /** The result that stands, if it is signed and of this execution. */
  async #stored(run: Run, task: string, session: string) {
    const { store, signer } = this.#ports;
    const bytes = await store.get(objectKey(session, TASK_RESULT), ENVELOPE_MAX_BYTES);
    const { result, digest } = openResult(bytes, await signer.publicKey());
    if (result.run === run.id && result.task === task && result.session === session)
      return { verdict: result.verdict, result: digest };
    throw new CustodyError('state-damaged', `the result beside session ${session} is of something else`);
  }
}

/** Stands for the result of a session that has no evidence at all: its gateway claimed the task, and nothing was recorded. */
export function noEvidenceDigest({ id, digest }: Run, task: string, session: string): string {
  const said = { type: 'custody/no-evidence/1', run: id, beginning: digest, task, session };
  return sha256Hex(Buffer.from(canonicalJson(said)));
}

function isSealed(names: readonly string[]): boolean {
  return names.includes(CLOSE) && names.includes(signatureName(CLOSE));
}

const NOTHING: Settling = { settled: 0, failures: [] };

function failed(run: string, session: string, cause: unknown): Settling {
  const { code, message, hint, detail } = asCustodyError(cause);
  const error = new CustodyError(code, `the result of session ${session} cannot be derived now: ${message}`, {
    hint: hint ?? 'it is tried again',
    cause,
    ...(detail === undefined ? {} : { detail }),
  });
  return { settled: 0, failures: [{ run, session, error }] };
}

function together(done: readonly Settling[]): Settling {
  return {
    settled: done.reduce((sum, { settled }) => sum + settled, 0),
    failures: done.flatMap(({ failures }) => failures),
  };
}
