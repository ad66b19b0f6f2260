import { personOf } from '../../access/person.ts';
import { CustodyError } from '../../errors.ts';
import { LOAD_SHAPES } from '../../protocols/shapes.ts';
import type { CloseStatement, OpenStatement } from '../../recording/format.ts';
import type { ReplayFrame } from '../../replay/step.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { Run } from '../run.ts';
import type { CommandShapes } from '../shapes.ts';
import type { OutputDigests } from '../store.ts';
import type { Task, Workflow } from '../workflows.ts';
import { ContractReading, DEVIATIONS_MAX } from './contract-reading.ts';
import { DeviationNotes } from './deviation-notes.ts';
import { type EarlierOutputs, gatherFacts, takenFrom } from './facts.ts';
import type { ResultDeviation, TaskResult } from './result.ts';

/** All that a result is derived of. */
export interface TaskEvidence {
  /** Of all streams, in the order of time. They are read once. */
  readonly frames: AsyncIterable<ReplayFrame>;
  /** Each with the SHA-256 (hexadecimal) of its bytes as they are stored. */
  readonly open: Sealed<OpenStatement>;
  readonly close: Sealed<CloseStatement>;
  /** The one that the run is under. */
  readonly workflow: Workflow;
  readonly run: Run;
  /** The run's key. */
  readonly key: Uint8Array;
  /** The outputs of a session of this run, one of those that `keptBefore` names. */
  readonly earlier: EarlierOutputs;
  /** Of the task's protocol, where they are loaded already. */
  readonly shapes?: CommandShapes;
}

export interface Sealed<Statement> {
  readonly value: Statement;
  readonly sha256: string;
}

export interface Derived {
  readonly result: TaskResult;
  /** What later tasks may take from it, where it has kept its contract. */
  readonly outputs: OutputDigests;
}

/** Of a result as canonical JSON. */
const RESULT_MAX_CHARACTERS = 900_000;

/**
 * What a session came to as a task of its run. The same evidence gives the same result, to the byte of its canonical JSON; memory does
 * not grow with the recording, only with the rows of outputs (`OUTPUT_ROWS_MAX`). Throws `format-invalid` where the session is none
 * of a task of this run, and rejects with what `frames` and `earlier` reject with.
 */
export async function deriveTaskResult(evidence: TaskEvidence): Promise<Derived> {
  const { frames, open, close, workflow, run, key, earlier } = evidence;
  const task = taskOf(open.value, workflow, run);
  const { session } = open.value;
  const facts = await gatherFacts(task.contract, run, session, key, earlier);
  const shapes = evidence.shapes ?? (await LOAD_SHAPES[task.protocol]());
  const reading = new ContractReading(task.contract, facts, takenFrom(workflow, task.name));
  const notes = new DeviationNotes(DEVIATIONS_MAX);
  const parts = reading.parts((note, at) => notes.take(note, at));
  for await (const execution of shapes.executions(frames, parts)) reading.take(execution);
  reading.finish(close.value.recordedUntil);
  const deviations = notes.merged(reading.deviations);
  const deviationsOmitted = reading.deviationsOmitted + notes.omitted;
  const isKept = isApproved(deviations) && deviationsOmitted === 0 && close.value.reason !== 'deviated';
  const result: TaskResult = {
    type: 'custody/task-result/1',
    run: run.id,
    beginning: run.digest,
    workflow: { name: workflow.name, digest: workflow.digest },
    task: task.name,
    session,
    operator: { ...personOf(open.value.principal), groups: open.value.principal.groups },
    startedAt: open.value.startedAt,
    endedAt: close.value.endedAt,
    verdict: isKept ? 'kept' : 'deviated',
    commands: reading.commands,
    commandsOmitted: reading.commandsOmitted,
    deviations: deviations.slice(0, DEVIATIONS_MAX),
    deviationsOmitted: deviationsOmitted + Math.max(0, deviations.length - DEVIATIONS_MAX),
    ...reading.results((origin) => facts.sessionOf(origin)),
    evidence: { open: open.sha256, close: close.sha256 },
  };
  return { result: shortened(result), outputs: reading.outputDigests() };
}

function taskOf({ task }: OpenStatement, workflow: Workflow, run: Run): Task {
  if (task?.run !== run.id) throw invalid(`the session is none of run ${run.id}`);
  if (task.digest !== workflow.digest || run.workflowDigest !== workflow.digest)
    throw invalid('the session was under another workflow');
  const found = workflow.tasks.get(task.name);
  if (found === undefined) throw invalid(`the workflow has no task "${task.name}"`);
  return found;
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}

function isApproved(deviations: readonly ResultDeviation[]): boolean {
  return deviations.every(({ how }) => how === 'approved');
}

/** Lists fewer commands and deviations where there would be more of them than a statement holds. */
function shortened(result: TaskResult): TaskResult {
  let short = result;
  while (canonicalJson(short).length > RESULT_MAX_CHARACTERS && lengthOf(short) > 0) {
    const commands = short.commands.slice(0, short.commands.length >> 1);
    const deviations = short.deviations.slice(0, short.deviations.length >> 1);
    short = {
      ...short,
      commands,
      commandsOmitted: short.commandsOmitted + short.commands.length - commands.length,
      deviations,
      deviationsOmitted: short.deviationsOmitted + short.deviations.length - deviations.length,
    };
  }
  return short;
}

function lengthOf({ commands, deviations }: TaskResult): number {
  return commands.length + deviations.length;
}
