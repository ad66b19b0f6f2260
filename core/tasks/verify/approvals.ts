import { createHash } from 'node:crypto';
import { accessLeaf } from '../../access/leaves.ts';
import { samePerson } from '../../access/person.ts';
import { stepOf } from '../../access/request.ts';
import { asCustodyError } from '../../errors.ts';
import { leafBytes } from '../../ledger/leaf.ts';
import type { ResultDeviation, TaskResult } from '../result/result.ts';
import { requestName } from '../run-folder.ts';
import type { DeclaredContract } from '../schema.ts';
import type { ProvedRun } from './ledger.ts';
import { type RunFolder, readObject } from './read-run.ts';
import type { RunReport } from './report.ts';
import { type DeviationRequest, REQUEST_MAX_BYTES, readRequestFile } from './request-file.ts';

/** Each deviation that went on because reviewers approved it has their approval: of this very deviation, and in the ledger. */
export async function checkApprovals(
  folder: RunFolder,
  result: TaskResult,
  contract: DeclaredContract,
  proved: ProvedRun | undefined,
  report: RunReport,
): Promise<void> {
  for (const deviation of result.deviations) {
    if (deviation.how !== 'approved') continue;
    const name = requestName(deviation.request ?? 'none');
    const find: Find = (code, what) => report(code, name, `${name} ${what}`, result.session);
    const request = await readApproval(folder, name, report, find);
    if (request !== undefined) checkApproval(request, deviation, { result, contract, proved }, find);
  }
}

type Find = (code: 'approval-missing' | 'approval-mismatch', what: string) => void;

async function readApproval(
  folder: RunFolder,
  name: string,
  report: RunReport,
  find: Find,
): Promise<DeviationRequest | undefined> {
  const bytes = await readObject(folder, name, REQUEST_MAX_BYTES, 'approval-missing', report);
  if (bytes === undefined) return undefined;
  try {
    return readRequestFile(bytes);
  } catch (error) {
    find('approval-mismatch', asCustodyError(error).message);
    return undefined;
  }
}

interface About {
  readonly result: TaskResult;
  readonly contract: DeclaredContract;
  readonly proved: ProvedRun | undefined;
}

function checkApproval(
  request: DeviationRequest,
  deviation: ResultDeviation,
  about: About,
  find: Find,
): void {
  const { result, contract, proved } = about;
  if (request.id !== deviation.request) find('approval-mismatch', `is the request ${request.id}`);
  const other = whatDiffers(request, deviation, result);
  if (other !== undefined) find('approval-mismatch', `is about another deviation: ${other}`);
  const wanted = typeof contract.onDeviation === 'object' ? contract.onDeviation.ask.approvals : 1;
  if (approvers(request) < wanted || stepOf(request, 'granted') === undefined)
    find('approval-missing', `was approved by ${approvers(request)}, and the contract asks for ${wanted}`);
  if (stepOf(request, 'used')?.session !== result.session)
    find('approval-missing', `was not used by session ${result.session}`);
  if (proved === undefined) return;
  const leaves = proved.requests.get(request.id) ?? new Set();
  const missing = [request, ...request.steps].findIndex(
    (_, number) => !leaves.has(Buffer.from(leafBytes(accessLeaf(request, number))).toString()),
  );
  if (missing >= 0)
    find(
      'approval-missing',
      `has ${missing === 0 ? 'a question' : `a step ${missing}`} that the ledger's proof does not have`,
    );
}

/** Different people: nobody approves twice by two accounts. */
function approvers({ steps, requester }: DeviationRequest): number {
  const by = steps.flatMap((step) => (step.kind === 'approved' ? [step.by] : []));
  const others = by.filter((one) => !samePerson(one, requester));
  return others.filter((one, n) => !others.slice(0, n).some((before) => samePerson(one, before))).length;
}

function whatDiffers(
  { deviation: asked }: DeviationRequest,
  deviation: ResultDeviation,
  { run, task, session, workflow }: TaskResult,
): string | undefined {
  const { command } = asked;
  if (createHash('sha256').update(command.text).digest('hex') !== command.sha256)
    return 'its command has another SHA-256';
  // Reviewers are asked while rows still come; how many it were, the recording says.
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['run', asked.run, run],
    ['workflow', asked.workflowDigest, workflow.digest],
    ['task', asked.task, task],
    ['session', asked.session, session],
    ['kind', asked.kind, deviation.kind],
    ['command', asked.of, deviation.command],
    ['expected', asked.expected, deviation.expected],
    ['seen', deviation.kind === 'rows' ? deviation.seen : asked.seen, deviation.seen],
  ];
  return pairs.find(([, one, other]) => one !== other)?.[0];
}
