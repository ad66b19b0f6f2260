import { createPublicKey } from 'node:crypto';
import { parseJsonBytes } from '../../json.ts';
import { openStatementSchema, STATEMENT_MAX_BYTES } from '../../recording/format.ts';
import { OPEN, objectKey, SIGNER_KEY, TASK_RESULT } from '../../recording/layout.ts';
import { RUN_FILE, RUN_MAX_BYTES, RUN_WORKFLOW, readRunFile, WORKFLOW_MAX_BYTES } from '../run-folder.ts';
import { executionsOf } from '../run-state.ts';
import { operatorFits } from '../verify/operator.ts';
import { type RunFolder, workflowOf } from '../verify/read-run.ts';
import type { Workflow } from '../workflows.ts';
import { ENVELOPE_MAX_BYTES } from './dsse.ts';
import type { ProvedResult, ProvedRun } from './proved-run.ts';
import { openResult } from './statement.ts';

/** What a run's folder proves, for other people's formats. Of one that was verified: it checks signatures of results alone. */
export async function readProvedRun(folder: RunFolder): Promise<ProvedRun> {
  const run = readRunFile(await folder.get(RUN_FILE, RUN_MAX_BYTES));
  const workflow = await workflowOf(run.workflow, await folder.get(RUN_WORKFLOW, WORKFLOW_MAX_BYTES));
  const settled = executionsOf(run).filter(({ ended }) => ended !== undefined);
  const results = await Promise.all(settled.map(({ session }) => provedResult(folder, session, workflow)));
  return { run, workflow, results };
}

async function provedResult(folder: RunFolder, session: string, workflow: Workflow): Promise<ProvedResult> {
  const get = (name: string, atMost: number): Promise<Uint8Array> =>
    folder.get(objectKey(session, name), atMost);
  const pem = await get(SIGNER_KEY, STATEMENT_MAX_BYTES);
  const signer = createPublicKey(Buffer.from(pem)).export({ type: 'spki', format: 'der' });
  const { result, digest } = openResult(await get(TASK_RESULT, ENVELOPE_MAX_BYTES), signer);
  const open = openStatementSchema.parse(
    parseJsonBytes(await get(OPEN, STATEMENT_MAX_BYTES), STATEMENT_MAX_BYTES),
  );
  const by = workflow.tasks.get(result.task)?.declared.by ?? [];
  // What a statement leaves out, the gateway had looked at before it wrote it.
  const fits = operatorFits(by, open.principal) !== 'unfit';
  return { result, digest, operatorFits: fits, ...(open.trace === undefined ? {} : { trace: open.trace }) };
}
