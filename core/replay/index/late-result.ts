/** The result of a task comes beside its evidence when the index of it may have been made. */
import { createPublicKey } from 'node:crypto';
import { closeStatementSchema, openStatementSchema } from '#core/recording/format.ts';
import { CLOSE, OPEN, TASK_RESULT } from '#core/recording/layout.ts';
import { sha256Hex } from '#core/recording/statements.ts';
import { Findings } from '#core/recording/verify/findings.ts';
import { type Objects, openObjects } from '#core/recording/verify/objects.ts';
import type { Finding } from '#core/recording/verify/report.ts';
import type { SignerKey } from '#core/recording/verify/signer.ts';
import { readStatement } from '#core/recording/verify/statement.ts';
import { checkTaskResult } from '#core/recording/verify/task-result.ts';
import type { IndexedEvidence } from './made-of.ts';

/** What a verifier finds about `task.json`, where there is one. What it finds about the statements, the index says. */
export async function lateFindings({ folder, trust }: IndexedEvidence): Promise<readonly Finding[]> {
  const found = new Findings();
  const objects = await openObjects(folder, found.report);
  const [der] = trust.trustedSigners;
  if (!objects.names.has(TASK_RESULT)) return [];
  const signer = der === undefined ? undefined : signerOf(der);
  const { open, close } = await statementsIn(objects, signer);
  const session = trust.session ?? open?.value.session;
  await checkTaskResult({ session, open, close }, signer, objects, found.report);
  return found.all();
}

async function statementsIn(objects: Objects, signer: SignerKey | undefined) {
  const { report } = new Findings();
  const has = (name: string): boolean => objects.names.has(name);
  const open = has(OPEN)
    ? await readStatement(OPEN, 'custody/open/1', openStatementSchema, signer, objects, report)
    : undefined;
  const close = has(CLOSE)
    ? await readStatement(CLOSE, 'custody/close/1', closeStatementSchema, signer, objects, report)
    : undefined;
  return { open, close };
}

function signerOf(der: Uint8Array): SignerKey {
  return {
    key: createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }),
    fingerprint: sha256Hex(der),
  };
}
