import { createPublicKey } from 'node:crypto';
import { personOf } from '../../access/person.ts';
import { asCustodyError } from '../../errors.ts';
import type { OpenStatement } from '../../recording/format.ts';
import { objectKey, sessionPrefix, TASK_RESULT } from '../../recording/layout.ts';
import { verdictOf } from '../../recording/verify/report.ts';
import { canonicalJson } from '../canonical-json.ts';
import { ENVELOPE_MAX_BYTES } from '../proof/dsse.ts';
import { openResult } from '../proof/statement.ts';
import { deriveTaskResult } from '../result/derive.ts';
import type { TaskResult } from '../result/result.ts';
import type { Run } from '../run.ts';
import type { Execution } from '../run-state.ts';
import type { OutputDigests } from '../store.ts';
import type { Workflow } from '../workflows.ts';
import type { LoadedShapes } from './loaded-shapes.ts';
import { operatorFits } from './operator.ts';
import { type RunFolder, readObject } from './read-run.ts';
import type { ExecutionFacts, RunFindingCode, RunReport } from './report.ts';
import { type SealedSession, signerIn, type VerifiedSession, verifySession } from './session.ts';

/** What executions are verified with. */
export interface RunContext {
  readonly folder: RunFolder;
  readonly run: Run;
  /** Undefined where the folder's is not the run's: then nothing can be derived. */
  readonly workflow: Workflow | undefined;
  readonly key: Uint8Array | undefined;
  readonly trustedSigners: readonly Uint8Array[];
  readonly ledger: string | undefined;
  /** Of executions that were derived before, by their sessions. */
  readonly outputs: ReadonlyMap<string, OutputDigests>;
  readonly shapes: LoadedShapes;
  readonly report: RunReport;
  /** Hears what the evidence does not tell. */
  readonly untold: (sentence: string) => void;
}

export interface VerifiedExecution {
  readonly facts: ExecutionFacts;
  /** Derived again. */
  readonly derived?: { readonly result: TaskResult; readonly outputs: OutputDigests };
}

type Derived = Awaited<ReturnType<typeof deriveTaskResult>>;

/** Verifies the session of one execution, and its result. */
export async function verifyExecution(execution: Execution, context: RunContext): Promise<VerifiedExecution> {
  const { session, task } = execution;
  const verified = await derivedFrom(execution, context);
  reportEvidence(session, verified, context.report);
  const { open, made } = verified;
  if (open !== undefined) checkOpening(open, execution, context);
  const signed = await signedResult(execution, context);
  if (made !== undefined && signed !== undefined) compare(session, made.result, signed, context.report);
  const operator = open === undefined ? {} : { operator: personOf(open.principal) };
  const facts = { task, session, ...operator, ...(made && resultFacts(made.result)) };
  return made === undefined ? { facts } : { facts, derived: made };
}

function derivedFrom(
  { session, task }: Execution,
  { folder, run, workflow, key, trustedSigners, ledger, outputs, shapes, report }: RunContext,
): Promise<VerifiedSession<Derived | undefined>> {
  const make = async ({ open, close, frames }: SealedSession): Promise<Derived | undefined> => {
    if (workflow === undefined || key === undefined || !isOf(open.value, run, task)) return undefined;
    const earlier = async (one: string): Promise<OutputDigests | undefined> => outputs.get(one);
    const protocol = workflow.tasks.get(task)?.protocol;
    const loaded = protocol === undefined ? {} : { shapes: await shapes.of(protocol) };
    return deriveTaskResult({ frames, open, close, workflow, run, key, earlier, ...loaded });
  };
  const trust = { trustedSigners, ...(ledger === undefined ? {} : { ledger }) };
  return verifySession(folder, session, trust, make).then((verified) => {
    if (verified.failure !== undefined)
      report(
        'result-underivable',
        sessionPrefix(session),
        `no result can be derived: ${verified.failure}`,
        session,
      );
    return verified;
  });
}

function isOf({ task }: OpenStatement, run: Run, name: string): boolean {
  return task?.run === run.id && task.digest === run.workflowDigest && task.name === name;
}

/** What is wrong with the session's own evidence, in its verifier's words. */
export function reportEvidence(session: string, verified: VerifiedSession<unknown>, report: RunReport): void {
  const object = sessionPrefix(session);
  for (const finding of verified.report.findings) {
    const code = CODES[verdictOf([finding])];
    report(code, object + finding.object, `session ${session}: ${finding.code}: ${finding.message}`, session);
  }
}

const CODES = {
  verified: 'session-failed',
  failed: 'session-failed',
  incomplete: 'session-unsealed',
  unanchored: 'session-unanchored',
} as const satisfies Record<string, RunFindingCode>;

/** What the session says that it is, against what the run says. */
export function checkOpening(
  open: OpenStatement,
  { session, task }: Pick<Execution, 'session' | 'task'>,
  { run, workflow, report, untold }: Pick<RunContext, 'run' | 'workflow' | 'report' | 'untold'>,
): void {
  const find = (code: RunFindingCode, what: string): void =>
    report(code, objectKey(session, 'open.json'), `session ${session} ${what}`, session);
  const of = open.task;
  if (of?.run !== run.id)
    find('session-of-another-run', `is of ${of === undefined ? 'no run' : `the run ${of.run}`}`);
  if (of === undefined) return;
  if (of.digest !== run.workflowDigest || of.workflow !== run.workflow)
    find('session-of-another-contract', `ran under ${of.workflow} with SHA-256 ${of.digest}`);
  if (of.name !== task)
    find('session-of-another-task', `is the task ${of.name}, and the run has it as ${task}`);
  const declared = workflow?.tasks.get(task)?.declared;
  if (declared === undefined) return;
  const { name, login } = open.target;
  if (name !== declared.target || (declared.login !== undefined && login !== declared.login))
    find('session-of-another-target', `was on ${name}, and the task is for ${declared.target}`);
  const fit = operatorFits(declared.by, open.principal);
  if (fit === 'unfit')
    find('operator-unfit', `was of ${open.principal.subject}, who is none of those that ${task} is for`);
  if (fit === 'unknown')
    untold(
      `whether ${open.principal.subject} is one of those that ${task} is for: session ${session} does not record it`,
    );
}

/** The result that is signed beside the session, where its signature and its step hold. */
async function signedResult(
  { session, ended }: Execution,
  { folder, report }: RunContext,
): Promise<TaskResult | undefined> {
  const name = objectKey(session, TASK_RESULT);
  if (ended === undefined) {
    report('result-pending', name, `no result of session ${session} is entered yet`, session);
    return undefined;
  }
  const bytes = await readObject(folder, name, ENVELOPE_MAX_BYTES, 'result-missing', report);
  const pem = await signerIn(folder, session);
  if (bytes === undefined || pem === undefined) return undefined;
  try {
    const { result, digest } = openResult(bytes, derOf(pem));
    if (digest !== ended.result)
      report(
        'result-mismatch',
        name,
        `${name} has SHA-256 ${digest}, and the run has ${ended.result}`,
        session,
      );
    if (result.verdict !== ended.verdict)
      report(
        'result-mismatch',
        name,
        `${name} says ${result.verdict}, and the run says ${ended.verdict}`,
        session,
      );
    return result;
  } catch (error) {
    report('result-invalid', name, `${name} ${asCustodyError(error).message}`, session);
    return undefined;
  }
}

function derOf(pem: Uint8Array): Uint8Array {
  return createPublicKey({ key: Buffer.from(pem).toString('latin1'), format: 'pem' }).export({
    type: 'spki',
    format: 'der',
  });
}

/** What was signed is what anyone derives, member by member. */
function compare(session: string, derived: TaskResult, signed: TaskResult, report: RunReport): void {
  const names = new Set([...Object.keys(derived), ...Object.keys(signed)]) as Set<keyof TaskResult>;
  const other = [...names].filter(
    (name) => canonicalJson(derived[name] ?? null) !== canonicalJson(signed[name] ?? null),
  );
  if (other.length === 0) return;
  const name = objectKey(session, TASK_RESULT);
  report('result-differs', name, `${name} has other ${other.join(', ')} than the evidence`, session);
}

function resultFacts({
  verdict,
  commands,
  commandsOmitted,
  deviations,
  deviationsOmitted,
  lineage,
}: TaskResult) {
  const sum = (of: 'values' | 'found'): number => lineage.reduce((total, one) => total + one[of], 0);
  return {
    verdict,
    commands: commands.length + commandsOmitted,
    deviations: deviations.length + deviationsOmitted,
    lineage: { values: sum('values'), found: sum('found') },
  };
}
