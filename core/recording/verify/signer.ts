import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { SIGNER_KEY } from '../layout.ts';
import type { Objects } from './objects.ts';
import type { Report } from './report.ts';

export interface SignerKey {
  readonly key: KeyObject;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal. */
  readonly fingerprint: string;
}

const PEM_MAX_BYTES = 4096;

/** SHA-256 in lower-case hexadecimal, of as much as a segment. */
export type Sha256 = (bytes: Uint8Array) => string | Promise<string>;

/** SHA-256 in lower-case hexadecimal. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads `signer.pem` and holds it against the keys the auditor trusts (FORMAT.md, verifier step 1). */
export async function readSigner(
  objects: Objects,
  trusted: readonly Uint8Array[],
  report: Report,
): Promise<SignerKey | undefined> {
  if (!objects.names.has(SIGNER_KEY)) {
    report('signer-missing', SIGNER_KEY, `${SIGNER_KEY} is missing: no statement can be checked`);
    return undefined;
  }
  const bytes = await objects.read(SIGNER_KEY, PEM_MAX_BYTES);
  if (bytes === undefined) return undefined;
  const signer = parseSigner(bytes);
  if (signer === undefined) {
    report('signer-malformed', SIGNER_KEY, `${SIGNER_KEY} is not exactly one P-256 public key in PEM`);
    return undefined;
  }
  checkTrust(signer, trusted, report);
  return signer;
}

/** Strict: the file must be the key's own PEM to the byte, so that no altered file passes for the same key. */
function parseSigner(pem: Uint8Array): SignerKey | undefined {
  const text = Buffer.from(pem).toString('latin1');
  try {
    const key = createPublicKey({ key: text, format: 'pem' });
    const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    if (!isP256 || key.export({ type: 'spki', format: 'pem' }) !== text) return undefined;
    return { key, fingerprint: sha256Hex(key.export({ type: 'spki', format: 'der' })) };
  } catch {
    return undefined;
  }
}

function checkTrust(signer: SignerKey, trusted: readonly Uint8Array[], report: Report): void {
  const fingerprints = trusted.map(sha256Hex);
  if (fingerprints.includes(signer.fingerprint)) return;
  const found = `${SIGNER_KEY} is the key ${signer.fingerprint}`;
  if (fingerprints.length === 0) {
    report('signer-unanchored', SIGNER_KEY, `${found}, and no trusted signer was given to compare it with`);
  } else {
    report(
      'signer-untrusted',
      SIGNER_KEY,
      `${found}, but the trusted signers are ${fingerprints.join(', ')}`,
    );
  }
}
