import { createPublicKey } from 'node:crypto';
import { LEDGER_PROOF, objectKey, SIGNER_KEY } from './layout.ts';
import type { RecordingSource } from './ports.ts';
import type { EvidenceFolder } from './verify/folder.ts';

/** What an evidence folder has beside a session's objects. */
const BESIDE: readonly string[] = [SIGNER_KEY, LEDGER_PROOF];

/**
 * A session's objects in a store, as a verifier takes them: `names` are what is listed there, and the signer's key (SPKI, DER),
 * which a store does not have, stands beside them. What the store has under a name that only a folder may have goes by its
 * whole key, which a verifier reports as no part of the evidence.
 */
export function storedEvidence(
  source: Pick<RecordingSource, 'get'>,
  session: string,
  names: readonly string[],
  signer: Uint8Array,
): EvidenceFolder {
  return {
    list: async () => [
      ...names.map((name) => (BESIDE.includes(name) ? objectKey(session, name) : name)),
      SIGNER_KEY,
    ],
    get: async (name, atMost) =>
      name === SIGNER_KEY ? Buffer.from(pemOf(signer)) : source.get(objectKey(session, name), atMost),
  };
}

/** A public key (SPKI, DER) as `signer.pem` has it. */
export function pemOf(signer: Uint8Array): string {
  const key = createPublicKey({ key: Buffer.from(signer), format: 'der', type: 'spki' });
  return key.export({ type: 'spki', format: 'pem' }).toString();
}
