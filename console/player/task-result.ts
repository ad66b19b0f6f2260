/** What a task came to, where the session was one and the verifier has nothing against its result. */
import { TASK_RESULT } from '#core/recording/layout.ts';
import { escapeLines } from '#core/replay/text.ts';
import { ENVELOPE_MAX_BYTES } from '#core/tasks/proof/dsse.ts';
import type { EvidenceFiles } from './evidence.ts';

/** As JSON, to be read. The signature has been looked at by the verifier, whose verdict stands beside it. */
export async function taskResultText(evidence: EvidenceFiles): Promise<string | undefined> {
  if (!evidence.files.has(TASK_RESULT)) return undefined;
  try {
    const envelope = JSON.parse(
      new TextDecoder().decode(await evidence.get(TASK_RESULT, ENVELOPE_MAX_BYTES)),
    );
    const statement = JSON.parse(Buffer.from(String(envelope.payload), 'base64').toString('utf8'));
    return escapeLines(JSON.stringify(statement.predicate, undefined, 2));
  } catch {
    return undefined;
  }
}
