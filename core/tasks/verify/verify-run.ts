/** Checks a run's folder without the gateway, its writer or a network (FORMAT.md, "What a verifier MUST establish"). */
import { createPublicKey } from 'node:crypto';
import { personOf } from '../../access/person.ts';
import { LEDGER_PROOF, sessionPrefix } from '../../recording/layout.ts';
import type { Run } from '../run.ts';
import { RUN_FILE, RUN_KEY, RUN_REQUESTS, RUN_WORKFLOW, requestName } from '../run-folder.ts';
import { executionsOf, stateOf } from '../run-state.ts';
import type { OutputDigests } from '../store.ts';
import { checkApprovals } from './approvals.ts';
import {
  checkOpening,
  type RunContext,
  reportEvidence,
  type VerifiedExecution,
  verifyExecution,
} from './execution.ts';
import { checkRunProof, type ProvedRun } from './ledger.ts';
import { LoadedShapes } from './loaded-shapes.ts';
import { type RunFolder, readKey, readRun, readWorkflow } from './read-run.ts';
import { type RunFacts, RunFindings, type RunReport, type RunVerifyReport, runVerdictOf } from './report.ts';
import { signerIn, verifySession } from './session.ts';
import { checkSteps } from './steps.ts';

export type { RunFolder } from './read-run.ts';
export type { RunFacts, RunFinding, RunFindingCode, RunVerdict, RunVerifyReport } from './report.ts';

export interface VerifyRunOptions {
  /** The signers the auditor trusts, SubjectPublicKeyInfo in DER. None: the best verdict is `unanchored`. */
  readonly trustedSigners: readonly Uint8Array[];
  /** The origin of the ledger that the auditor expects. None: the best verdict is `unanchored`. */
  readonly ledger?: string;
  /** The run asked for; without it, whichever the folder holds. */
  readonly run?: string;
  /** To verify many runs with. */
  readonly shapes?: LoadedShapes;
}

/**
 * Verifies every session with the recordings' own verifier, derives every result again, and holds steps, results, approvals and the
 * ledger's proof against each other. Bad evidence never makes it throw. Holds the digests of all outputs in memory.
 */
export async function verifyRun(folder: RunFolder, options: VerifyRunOptions): Promise<RunVerifyReport> {
  const found = new RunFindings();
  const { report } = found;
  const run = await readRun(folder, report);
  if (run === undefined) return { verdict: 'failed', findings: found.all() };
  if (options.run !== undefined && options.run !== run.id)
    report('run-other', RUN_FILE, `${RUN_FILE} is of the run ${run.id}, and ${options.run} was asked for`);
  const facts = await factsOf(folder, run, options, report);
  const findings = found.all();
  return { verdict: runVerdictOf(findings), findings, facts };
}

async function factsOf(
  folder: RunFolder,
  run: Run,
  options: VerifyRunOptions,
  report: RunReport,
): Promise<RunFacts> {
  const { trustedSigners, ledger, shapes = new LoadedShapes() } = options;
  const [key, workflow] = [
    await readKey(folder, run, report),
    await readWorkflow(folder, run, shapes, report),
  ];
  if (workflow !== undefined) checkSteps(run, workflow.declared, report);
  const signers = trustedSigners.length > 0 ? trustedSigners : await ownSigners(folder, run);
  const proved = await checkRunProof(folder, run, { signers, origin: ledger }, report);
  const untold: string[] = [];
  const outputs = new Map<string, OutputDigests>();
  const context = { folder, run, workflow, key, trustedSigners, ledger, outputs, shapes, report } as const;
  const full: RunContext = { ...context, untold: (sentence) => void untold.push(sentence) };
  const executions = await verifyExecutions(full, outputs, proved);
  await verifyOthers(full);
  await reportUnlisted(full, executions);
  const { id, workflow: name, workflowDigest, startedBy, startedAt, until } = run;
  const last = new Date(run.steps.at(-1)?.at ?? startedAt);
  return {
    run: id,
    workflow: { name, digest: workflowDigest },
    startedBy: personOf(startedBy),
    startedAt,
    until,
    ...(workflow && { state: stateOf(run, workflow, last) }),
    executions: executions.map(({ facts }) => facts),
    ...(proved && { ledger: { origin: proved.origin, size: proved.size, leaves: proved.leaves } }),
    untold,
  };
}

/** Nobody said whom to trust: what is consistent is said all the same. */
async function ownSigners(folder: RunFolder, run: Run): Promise<readonly Uint8Array[]> {
  const pems = await Promise.all(executionsOf(run).map(({ session }) => signerIn(folder, session)));
  return pems.flatMap((pem) => {
    try {
      return pem === undefined
        ? []
        : [createPublicKey(Buffer.from(pem)).export({ type: 'spki', format: 'der' })];
    } catch {
      return [];
    }
  });
}

/** In the order in which they began: what a later one takes from an earlier one is derived before. */
async function verifyExecutions(
  context: RunContext,
  outputs: Map<string, OutputDigests>,
  proved: ProvedRun | undefined,
): Promise<readonly VerifiedExecution[]> {
  const { folder, run, workflow, report } = context;
  const there = new Set(await folder.list('sessions/'));
  const verified: VerifiedExecution[] = [];
  for (const execution of executionsOf(run)) {
    const { session, task } = execution;
    if (!there.has(session)) {
      report(
        'session-missing',
        sessionPrefix(session),
        `the evidence of session ${session}, which ran ${task}, is missing`,
        session,
      );
      verified.push({ facts: { task, session } });
      continue;
    }
    const one = await verifyExecution(execution, context);
    verified.push(one);
    if (one.derived === undefined) continue;
    const { result } = one.derived;
    if (result.verdict === 'kept') outputs.set(session, one.derived.outputs);
    if (execution.deviated !== undefined && result.deviations.length === 0)
      report(
        'deviation-unfounded',
        RUN_FILE,
        `the run has a deviation of session ${session}, and its evidence has none`,
        session,
      );
    const contract = workflow?.tasks.get(task)?.declared.contract;
    if (contract !== undefined) await checkApprovals(folder, result, contract, proved, report);
  }
  return verified;
}

/** Sessions that left the contract before anything of theirs ran: no executions, and yet of this run. */
async function verifyOthers(context: RunContext): Promise<void> {
  const { folder, run, trustedSigners, ledger, report } = context;
  const there = new Set(await folder.list('sessions/'));
  for (const { session, task } of refusedOf(run)) {
    if (!there.has(session)) continue;
    const trust = { trustedSigners, ...(ledger === undefined ? {} : { ledger }) };
    const verified = await verifySession(folder, session, trust, async () => undefined);
    reportEvidence(session, verified, report);
    if (verified.open !== undefined)
      checkOpening(verified.open, { session, task }, { ...context, workflow: undefined });
  }
}

function refusedOf(run: Run): readonly { readonly session: string; readonly task: string }[] {
  const began = new Set(executionsOf(run).map(({ session }) => session));
  return run.steps.flatMap((step) => (step.kind === 'deviated' && !began.has(step.session) ? [step] : []));
}

/** Nothing is in the folder that nobody checks: a session of another run, an approval that no result names. */
async function reportUnlisted(
  { folder, run, report }: RunContext,
  verified: readonly VerifiedExecution[],
): Promise<void> {
  const files = new Set([RUN_FILE, RUN_KEY, RUN_WORKFLOW, LEDGER_PROOF, 'sessions', 'requests']);
  for (const name of await folder.list(''))
    if (!files.has(name)) report('object-unlisted', name, `${name} does not belong in a run's folder`);
  const sessions = new Set(run.steps.flatMap((step) => ('session' in step ? [step.session] : [])));
  for (const name of await folder.list('sessions/'))
    if (!sessions.has(name))
      report(
        'session-unlisted',
        sessionPrefix(name),
        `the run has no session ${name}, and its evidence is here`,
        name,
      );
  const deviations = verified.flatMap(({ derived }) => derived?.result.deviations ?? []);
  const requests = new Set(
    deviations.flatMap(({ request }) => (request === undefined ? [] : [requestName(request)])),
  );
  for (const name of await folder.list(RUN_REQUESTS))
    if (!requests.has(RUN_REQUESTS + name))
      report('object-unlisted', RUN_REQUESTS + name, `${RUN_REQUESTS}${name} is of no deviation of this run`);
}
