import type { Claimed } from '../../identity/token-failures.ts';
import { optionText, parseCertificate } from '../../protocols/ssh/keys/certificate.ts';
import { IDENTITY, identityFrom } from './identity.ts';

/** Whose a certificate says it is, whoever has signed it: guesses are counted by it, and nothing else may rest on it. */
export function claimedHolder(certificate: Uint8Array): Claimed {
  try {
    const { extensions } = parseCertificate(certificate);
    const { issuer, subject } = identityFrom(optionText(extensions.get(IDENTITY)!)).principal;
    return { claimed: ['ssh-certificate', issuer, subject] };
  } catch {
    return { claimed: ['ssh-certificate'] };
  }
}
