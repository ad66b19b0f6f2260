import { type SessionProof, sessionProofSchema } from '#core/ledger/session-proof.ts';
import type { Api } from '../api/client.ts';
import { asProblem } from '../api/problem.ts';

/** The ledger's proof of a session; undefined while no leaf of it is there. */
export async function askProof(
  api: Api,
  session: string,
  signal: AbortSignal,
): Promise<SessionProof | undefined> {
  try {
    const path = `/v1/sessions/${encodeURIComponent(session)}/ledger`;
    return sessionProofSchema.parse(await api.get(path, {}, signal));
  } catch (thrown) {
    if (asProblem(thrown).code === 'not-found') return undefined;
    throw thrown;
  }
}
