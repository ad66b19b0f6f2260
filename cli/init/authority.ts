/** A CA of the gateway's own, and the certificate that clients see. */
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_nameConstraints,
  NameConstraints,
} from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import { ALGORITHM, newKeys, newSerial, serverExtensions } from '../x509.ts';

/** A certificate (or a chain), and its key, both PEM: what a secret holds. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
/**
 * Clients keep the file of the CA, and each of them has to be given the next one: as seldom as keys and algorithms allow. What it may
 * sign is one name, so that whoever takes its key makes no other site's certificates.
 */
const CA_DAYS = 3650;
/** Public CAs gave certificates for 398 days at most, and clients of Apple's take no longer ones, of whatever CA: https://support.apple.com/en-us/102028 */
const SERVER_DAYS = 397;
/** A common name has 64 characters at most (RFC 5280 appendix A.1); clients look at the other names. */
const COMMON_NAME_MAX = 64;

/** A CA that signs for this host and what is below it, and for nothing else (RFC 5280 section 4.2.1.10). */
export async function newAuthority(hostname: string, now: Date): Promise<CertificatePair> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...times(now, CA_DAYS),
    serialNumber: newSerial(),
    name: [{ CN: [`Custody CA of ${hostname}`.slice(0, COMMON_NAME_MAX)] }],
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      onlyFor(hostname),
    ],
  });
  return pairOf(certificate, keys.privateKey);
}

/** A certificate of a server, for these names of the CA's host. Rejects where the CA's key is no P-256 key. */
export async function newServerCertificate(
  authority: CertificatePair,
  names: readonly string[],
  now: Date,
): Promise<CertificatePair> {
  const ca = new x509.X509Certificate(authority.cert);
  const keys = await newKeys();
  const [first = ''] = names;
  const certificate = await x509.X509CertificateGenerator.create({
    ...times(now, SERVER_DAYS),
    serialNumber: newSerial(),
    subject: [{ CN: [first.length > COMMON_NAME_MAX ? 'Custody gateway' : first] }],
    issuer: ca.subject,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await privateKey(authority.key),
    extensions: await serverExtensions(
      names.map((value) => ({ type: 'dns', value })),
      ca,
    ),
  });
  return pairOf(certificate, keys.privateKey);
}

const EVERY_ADDRESS = ['0.0.0.0/0', '::/0'];

function onlyFor(hostname: string): x509.Extension {
  const subtree = (name: Partial<GeneralName>) => new GeneralSubtree({ base: new GeneralName(name) });
  const constraints = new NameConstraints({
    permittedSubtrees: new GeneralSubtrees([subtree({ dNSName: hostname })]),
    excludedSubtrees: new GeneralSubtrees(EVERY_ADDRESS.map((network) => subtree({ iPAddress: network }))),
  });
  return new x509.Extension(id_ce_nameConstraints, true, AsnConvert.serialize(constraints));
}

/** From a day before: clocks are not all right. */
function times(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  const ms = now.getTime() - DAY_MS;
  return { notBefore: new Date(ms), notAfter: new Date(ms + days * DAY_MS) };
}

function pairOf(certificate: x509.X509Certificate, key: webcrypto.CryptoKey): CertificatePair {
  const pem = KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' });
  return { cert: `${certificate.toString('pem')}\n`, key: String(pem) };
}

function privateKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [der] = x509.PemConverter.decode(pem);
  return webcrypto.subtle.importKey('pkcs8', der!, ALGORITHM, false, ['sign']);
}
