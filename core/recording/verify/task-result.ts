import { asCustodyError } from '../../errors.ts';
import { ENVELOPE_MAX_BYTES } from '../../tasks/proof/dsse.ts';
import { openResult } from '../../tasks/proof/statement.ts';
import { CLOSE, OPEN, TASK_RESULT } from '../layout.ts';
import type { FoundStatements } from './ledger-proof.ts';
import type { Objects } from './objects.ts';
import type { Report } from './report.ts';
import type { SignerKey } from './signer.ts';

/**
 * Checks `task.json`, where there is one: that the signer signed it, and that it is the result of this very session. Whether what it
 * says can be derived again is for who has the run (core/tasks/FORMAT.md, "What a verifier MUST establish").
 */
export async function checkTaskResult(
  statements: FoundStatements,
  signer: SignerKey | undefined,
  objects: Objects,
  report: Report,
): Promise<void> {
  if (!objects.names.has(TASK_RESULT)) return;
  if (statements.open !== undefined && statements.open.value.task === undefined) {
    report('object-unlisted', TASK_RESULT, `${TASK_RESULT} is there, and the session is no task of a run`);
    return;
  }
  const bytes = await objects.read(TASK_RESULT, ENVELOPE_MAX_BYTES);
  if (bytes === undefined || signer === undefined) return;
  try {
    const { result } = openResult(bytes, signer.key.export({ type: 'spki', format: 'der' }));
    const wrong = whatIsWrong(result, statements);
    if (wrong !== undefined) report('task-result-mismatch', TASK_RESULT, `${TASK_RESULT} ${wrong}`);
  } catch (error) {
    report('task-result-invalid', TASK_RESULT, `${TASK_RESULT} ${asCustodyError(error).message}`);
  }
}

type TaskResult = ReturnType<typeof openResult>['result'];

function whatIsWrong(result: TaskResult, { session, open, close }: FoundStatements): string | undefined {
  if (result.session !== session) return `is the result of session ${result.session}`;
  if (open !== undefined && result.evidence.open !== open.sha256)
    return `was derived of an ${OPEN} with SHA-256 ${result.evidence.open}, but ${OPEN} has ${open.sha256}`;
  if (close?.sha256 !== result.evidence.close)
    return `was derived of a ${CLOSE} with SHA-256 ${result.evidence.close}, which is not here`;
  const task = open?.value.task;
  if (task === undefined) return undefined;
  const said = [result.run, result.workflow.name, result.workflow.digest, result.task];
  const recorded = [task.run, task.workflow, task.digest, task.name];
  return said.every((one, n) => one === recorded[n])
    ? undefined
    : `is not of the run, the workflow and the task that ${OPEN} names`;
}
