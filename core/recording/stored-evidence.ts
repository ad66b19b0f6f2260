import { createPublicKey } from 'node:crypto';
import { CustodyError } from '../errors.ts';
import { objectKey, SIGNER_KEY } from './layout.ts';
import type { RecordingSource } from './ports.ts';
import type { EvidenceFolder } from './verify/folder.ts';

/**
 * A session's objects in a store, as a verifier takes them: `names` are what is listed there, and the signer's key (SPKI, DER),
 * which a store does not have, stands beside them.
 */
export function storedEvidence(
  source: Pick<RecordingSource, 'get'>,
  session: string,
  names: readonly string[],
  signer: Uint8Array,
): EvidenceFolder {
  return {
    list: async () => [...names, SIGNER_KEY],
    get: async (name, atMost) => {
      if (name === SIGNER_KEY) return Buffer.from(pemOf(signer));
      const bytes = await source.get(objectKey(session, name));
      if (bytes.byteLength <= atMost) return bytes;
      throw new CustodyError('format-invalid', `${name} has ${bytes.byteLength} bytes`);
    },
  };
}

/** A public key (SPKI, DER) as `signer.pem` has it. */
export function pemOf(signer: Uint8Array): string {
  const key = createPublicKey({ key: Buffer.from(signer), format: 'der', type: 'spki' });
  return key.export({ type: 'spki', format: 'pem' }).toString();
}
