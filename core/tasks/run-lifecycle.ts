/** What may happen to a run. Pure: each function says which steps are to be added, or throws why none are. */
import { createHash } from 'node:crypto';
import { type Person, personOf } from '../access/person.ts';
import { CustodyError } from '../errors.ts';
import { recordedPrincipal } from '../recording/statements.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Run, RunBeginning, RunStep, RunStepOf } from './run.ts';
import { givenInputs } from './run-inputs.ts';
import { executionsOf } from './run-state.ts';
import type { Workflow } from './workflows.ts';

/** What somebody starts a run with, who may: see who is allowed to before. */
export interface RunStart {
  readonly by: Person;
  /** The version of the configuration that the workflow is of. */
  readonly policy: string;
  readonly inputs?: Readonly<Record<string, string | null>>;
  /** W3C traceparent. */
  readonly trace?: string;
}

/** What is made up for a run. */
export interface RunMade {
  readonly id: string;
  /** Of its digests (`RunDigests`): 32 random bytes. */
  readonly key: Uint8Array;
  readonly now: Date;
}

/** Version 00 of W3C Trace Context, "traceparent Header Field Values"; an id of zeros is none. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** What of a run's deviations outside its executions is kept: each refused session has one, and there may be any number. */
const DEVIATED_MAX = 300;

/** A new run. Throws `format-invalid` for inputs that are not as the workflow has them, and for a trace that is none. */
export function newRun(workflow: Workflow, start: RunStart, { id, key, now }: RunMade): Run {
  const { by, policy, trace } = start;
  if (trace !== undefined && !TRACEPARENT.test(trace))
    throw new CustodyError('format-invalid', 'the trace is no W3C traceparent', {
      hint: 'it is such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    });
  const beginning: RunBeginning = {
    workflow: workflow.name,
    workflowDigest: workflow.digest,
    policy,
    startedBy: startedBy(by),
    startedAt: now.toISOString(),
    until: new Date(now.getTime() + workflow.declared.within).toISOString(),
    inputs: givenInputs(workflow, start.inputs ?? {}, key),
    keyDigest: sha256(key),
    ...(trace === undefined ? {} : { trace }),
  };
  return { ...beginning, id, digest: digestOf(beginning), steps: [] };
}

/** Of a run's beginning, over canonical JSON; the key's digest in it keeps everybody from guessing its inputs. */
export function digestOf(run: RunBeginning): string {
  const { workflow, workflowDigest, policy, startedAt, until, inputs, keyDigest, trace } = run;
  const by = personOf(run.startedBy);
  const members = { workflow, workflowDigest, policy, startedBy: by, startedAt, until, inputs, keyDigest };
  return sha256(canonicalJson({ ...members, trace }));
}

/** The first deviation of a session. A session that was refused before its first command is no execution, and is noted all the same. */
export function deviated(
  run: Pick<Run, 'steps'>,
  what: Omit<RunStepOf<'deviated'>, 'kind' | 'at'>,
  now: Date,
): readonly RunStep[] {
  const { task, session, deviation, how } = what;
  const noted = run.steps.filter(({ kind }) => kind === 'deviated') as RunStepOf<'deviated'>[];
  if (noted.some((step) => step.session === session)) return [];
  const isExecution = executionsOf(run).some((one) => one.session === session);
  // The recording has it in any case: what nobody began does not fill the run up.
  if (!isExecution && noted.length >= DEVIATED_MAX) return [];
  return [{ at: now.toISOString(), kind: 'deviated', task, session, deviation, how }];
}

/** The result of an execution is derived. Throws `conflict` where it has another already, and for a session that never began. */
export function endTask(
  run: Pick<Run, 'steps' | 'id'>,
  { task, session, verdict, result }: Omit<RunStepOf<'task-ended'>, 'kind' | 'at'>,
  now: Date,
): readonly RunStep[] {
  const execution = executionsOf(run).find((one) => one.session === session && one.task === task);
  if (execution === undefined)
    throw new CustodyError('conflict', `session ${session} has not begun the task ${task} of this run`);
  const { ended } = execution;
  if (ended === undefined)
    return [{ at: now.toISOString(), kind: 'task-ended', task, session, verdict, result }];
  if (ended.result === result && ended.verdict === verdict) return [];
  throw new CustodyError('conflict', `session ${session} has another result already`, {
    detail: `run ${run.id}: ${ended.result} is entered, and not ${result}`,
  });
}

/** Somebody ends it: no task begins any more, and what runs goes on. Nothing where it was ended. */
export function endRun(
  run: Pick<Run, 'steps'>,
  by: Person,
  comment: string | undefined,
  now: Date,
): readonly RunStep[] {
  if (run.steps.some(({ kind }) => kind === 'ended')) return [];
  const said = comment === undefined ? {} : { comment };
  return [{ at: now.toISOString(), kind: 'ended', by: startedBy(by), ...said }];
}

/** As every leaf of the ledger can name them. */
function startedBy(person: Person): Person {
  return personOf(recordedPrincipal({ ...personOf(person), groups: [] }));
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
