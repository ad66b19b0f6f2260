/** Whom an auditor trusts: a key in PEM, or its fingerprint, and the ledger's name, from elsewhere than the bundle. */

import { CustodyError } from '#core/errors.ts';
import { SIGNER_KEY } from '#core/recording/layout.ts';
import type { EvidenceFolder } from '#core/recording/verify/folder.ts';
import { type Finding, type VerifyReport, verdictOf } from '#core/recording/verify/report.ts';
import type { VerifyOptions } from '#core/recording/verify/verify.ts';
import { createHash, createPublicKey } from '../platform/crypto.ts';

export interface Trust {
  /** SHA-256 of SubjectPublicKeyInfo, lower-case hexadecimal. */
  readonly fingerprint?: string;
  readonly ledger?: string;
}

const PEM_MAX_BYTES = 4096;

/** Throws `format-invalid` for a text that is neither a key nor a fingerprint. Empty: nobody is trusted. */
export function readTrust(key: string, ledger: string): Trust {
  const name = ledger.trim();
  const fingerprint = readFingerprint(key.trim());
  return { ...(fingerprint && { fingerprint }), ...(name !== '' && { ledger: name }) };
}

function readFingerprint(key: string): string | undefined {
  if (key === '') return undefined;
  const hex = key.replaceAll(/[\s:]/g, '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  const found = fingerprintOfPem(`${key.replaceAll('\r', '')}\n`);
  if (found !== undefined) return found;
  throw new CustodyError(
    'format-invalid',
    'That is neither a public key in PEM nor a fingerprint of 64 hexadecimal digits.',
  );
}

export function fingerprintOfPem(pem: string): string | undefined {
  try {
    const der = createPublicKey({ key: pem, format: 'pem' }).export({ type: 'spki', format: 'der' });
    return createHash('sha256').update(der).digest('hex');
  } catch {
    return undefined;
  }
}

/** The folder's own key, where it is the one that is trusted: the verifier takes keys, and an auditor may have a fingerprint alone. */
export async function optionsOf(trust: Trust, folder: EvidenceFolder): Promise<VerifyOptions> {
  const ledger = trust.ledger === undefined ? {} : { ledger: trust.ledger };
  const pem = await folder.get(SIGNER_KEY, PEM_MAX_BYTES).catch(() => undefined);
  const text = pem === undefined ? '' : new TextDecoder('latin1').decode(pem);
  if (trust.fingerprint === undefined || fingerprintOfPem(text) !== trust.fingerprint)
    return { trustedSigners: [], ...ledger };
  const der = createPublicKey({ key: text, format: 'pem' }).export({ type: 'spki', format: 'der' });
  return { trustedSigners: [der as Uint8Array], ...ledger };
}

/** A report that was made without a trusted key, where a fingerprint is trusted that the folder's key has not. */
export function underTrust(report: VerifyReport, { fingerprint }: Trust): VerifyReport {
  if (fingerprint === undefined) return report;
  const findings = report.findings.map((finding): Finding => {
    if (finding.code !== 'signer-unanchored') return finding;
    const found = report.facts?.signer ?? 'another';
    const message = `${SIGNER_KEY} is the key ${found}, but the trusted signer is ${fingerprint}`;
    return { ...finding, code: 'signer-untrusted', message };
  });
  return { ...report, findings, verdict: verdictOf(findings) };
}
