import { asCustodyError, CustodyError } from '../../errors.ts';
import type { ProvedKey } from '../../identity/credential.ts';
import { refuseUnmatched } from '../../identity/kept-claims.ts';
import type { CertificateVerifier, Principal } from '../../identity/principal.ts';
import { optionText, parseCertificate, type SshCertificate } from '../../protocols/ssh/keys/certificate.ts';
import { type CertificateUse, certificateProblem } from '../../protocols/ssh/keys/certificate-check.ts';
import type { SshPublicKey } from '../../protocols/ssh/keys/public-key.ts';
import { sameBytes } from '../../protocols/ssh/wire.ts';
import type { Config } from '../config.ts';
import { IDENTITY, identityFrom, PRINCIPAL } from './identity.ts';

export interface CertificateVerifierPorts {
  /** Whose certificates are believed: ours, and those that were ours before. */
  readonly cas: () => readonly SshPublicKey[];
  readonly policy: () => Pick<Config, 'issuers'>;
  readonly now: () => Date;
}

const ANEW = 'get a new one: custody ssh-login';

/** Certificates that `issueCertificate` made, and no others. */
export function certificateVerifier(ports: CertificateVerifierPorts): CertificateVerifier {
  return {
    verify: async (bytes, device, clientAddress) => {
      const certificate = readCertificate(bytes, ports.cas());
      const use = certificateUse(ports.cas(), ports.now(), clientAddress);
      const problem = certificateProblem(certificate, use);
      if (problem !== undefined) throw refused(`the certificate ${problem}`);
      const proved = provedOf(certificate, device);
      return principalOf(certificate, proved, ports.policy());
    },
  };
}

/** How a user's certificate has to be, for whoever looks at it before there is a signature of the client's. */
export function certificateUse(
  cas: readonly SshPublicKey[],
  now: Date,
  address: string | undefined,
): CertificateUse {
  return { kind: 'user', cas, principals: [PRINCIPAL], now, ...(address === undefined ? {} : { address }) };
}

/** What no CA of ours has signed may be anybody's, and is a guess. */
function readCertificate(bytes: Uint8Array, cas: readonly SshPublicKey[]): SshCertificate {
  try {
    const certificate = parseCertificate(bytes);
    if (cas.some(({ blob }) => sameBytes(blob, certificate.ca.blob))) return certificate;
  } catch (thrown) {
    const { code, message } = asCustodyError(thrown);
    if (code !== 'protocol-violation' && code !== 'unsupported') throw thrown;
    throw unproven(message);
  }
  throw unproven('a certificate of a CA that is not known here');
}

/** A certificate alone is no proof: everybody may see one (security case 2). */
function provedOf(
  { key, criticalOptions, validBefore }: SshCertificate,
  device: ProvedKey | undefined,
): ProvedKey {
  if (device?.key !== key.fingerprint || device.proof !== 'ssh-certificate')
    throw unproven('the key of the certificate was not proved');
  if (criticalOptions.has('verify-required') && device.user?.verified !== true)
    throw refused('the certificate wants a FIDO key that verifies its user');
  return { ...device, ...(validBefore === undefined ? {} : { expiresAt: validBefore }) };
}

function principalOf(
  { serial, key, extensions, validBefore }: SshCertificate,
  device: ProvedKey,
  { issuers }: Pick<Config, 'issuers'>,
): Principal {
  const extension = extensions.get(IDENTITY);
  if (extension === undefined || validBefore === undefined) throw refused('the certificate names nobody');
  const { principal, certifiedAt, target } = identityFrom(optionText(extension));
  refuseForeign(principal, issuers);
  return {
    ...principal,
    expiresAt: validBefore,
    device,
    certificate: {
      serial: String(serial),
      key: key.fingerprint,
      issuedAt: certifiedAt,
      ...(target === undefined ? {} : { target }),
    },
  };
}

/** The file may have changed since: its issuer is the same one under the same name, and still wants what the token said. */
function refuseForeign(
  { issuer, issuerName, workload, claims = {} }: Principal,
  issuers: Config['issuers'],
): void {
  const own = issuers.find(
    (one) => one.issuer === issuer && (issuerName === undefined || one.name === issuerName),
  );
  if (own === undefined || (own.kind === 'workload') !== (workload === true))
    throw refused('the issuer that the certificate rests on is not in the configuration any more');
  if (own.match !== undefined) refuseUnmatched(claims, own.match, own.name);
}

/** Of a certificate that is truly ours: whoever shows it learns why. */
function refused(message: string): CustodyError {
  return new CustodyError('token-invalid', message, { hint: ANEW, detail: message });
}

function unproven(detail: string): CustodyError {
  const message = 'the certificate is not valid here';
  return new CustodyError('token-invalid', message, { hint: ANEW, detail, guess: true });
}
