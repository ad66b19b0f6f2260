import { asCustodyError } from '../../errors.ts';
import { ENVELOPE_MAX_BYTES } from '../../tasks/proof/dsse.ts';
import { openResult } from '../../tasks/proof/statement.ts';
import { CLOSE, OPEN, TASK_RESULT } from '../layout.ts';
import type { FoundStatements } from './ledger-proof.ts';
import type { Objects } from './objects.ts';
import type { Report } from './report.ts';
import type { SignerKey } from './signer.ts';

/**
 * Checks `task.json`, where there is one (FORMAT.md, "A task's result"), as far as one session says: it is signed by the same signer,
 * and derived of this evidence for the task that the session is. Whether it is what follows from it, only the whole run shows.
 */
export async function checkTaskResult(
  found: FoundStatements,
  signer: SignerKey | undefined,
  objects: Objects,
  report: Report,
): Promise<void> {
  if (!objects.names.has(TASK_RESULT) || signer === undefined) return;
  const bytes = await objects.read(TASK_RESULT, ENVELOPE_MAX_BYTES);
  if (bytes === undefined) return;
  try {
    const { result } = openResult(bytes, signer.key.export({ type: 'spki', format: 'der' }));
    compare(result, found, report);
  } catch (error) {
    report('task-result-invalid', TASK_RESULT, `${TASK_RESULT} ${asCustodyError(error).message}`);
  }
}

function compare(
  { session, run, task, workflow, evidence }: ReturnType<typeof openResult>['result'],
  found: FoundStatements,
  report: Report,
): void {
  const mismatch = (words: string): void => report('task-result-mismatch', TASK_RESULT, words);
  if (session !== found.session) mismatch(`${TASK_RESULT} is of session ${session}, not of this one`);
  for (const [name, sha256, statement] of [
    [OPEN, evidence.open, found.open],
    [CLOSE, evidence.close, found.close],
  ] as const)
    if (sha256 !== statement?.sha256)
      mismatch(`${TASK_RESULT} was derived of an ${name} with SHA-256 ${sha256}, and not of this one`);
  const said = found.open?.value.task;
  const isTask = said?.run === run && said.name === task && said.digest === workflow.digest;
  if (found.open !== undefined && !isTask)
    mismatch(`${TASK_RESULT} is of another task than ${OPEN} says that this session is`);
}
