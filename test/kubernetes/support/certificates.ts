import 'reflect-metadata';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const VALID = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) };

/** PEM: a certificate and its key. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** Whom a certificate is for: Kubernetes reads a user's groups from the organizations. */
export interface Subject {
  readonly name: string;
  readonly groups?: readonly string[];
  /** What a server is called, beside 127.0.0.1. */
  readonly dns?: readonly string[];
}

/** A certificate authority of one test, gone with it. */
export class Authority {
  readonly ca: string;
  readonly #issuer: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  constructor(issuer: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.ca = issuer.toString('pem');
    this.#issuer = issuer;
    this.#keys = keys;
  }

  static async make(name: string): Promise<Authority> {
    const keys = await pair();
    const issuer = await x509.X509CertificateGenerator.createSelfSigned({
      ...VALID,
      serialNumber: '01',
      name: `CN=${name}`,
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    });
    return new Authority(issuer, keys);
  }

  /** For both sides of TLS. */
  async issue({ name, groups = [], dns = [] }: Subject): Promise<Certified> {
    const keys = await pair();
    const certificate = await x509.X509CertificateGenerator.create({
      ...VALID,
      serialNumber: randomBytes(8).toString('hex'),
      issuer: this.#issuer.subject,
      subject: new x509.Name([...groups.map((O) => ({ O: [O] })), { CN: [name] }]),
      signingKey: this.#keys.privateKey,
      publicKey: keys.publicKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        new x509.SubjectAlternativeNameExtension([
          { type: 'ip', value: '127.0.0.1' },
          ...['localhost', ...dns].map((value) => ({ type: 'dns' as const, value })),
        ]),
      ],
    });
    return { cert: certificate.toString('pem'), key: pem(keys.privateKey) };
  }
}

/** A key alone, and its public half: what signs the tokens of service accounts. */
export async function signingKey(): Promise<{ readonly key: string; readonly publicKey: string }> {
  const keys = await pair();
  const publicKey = KeyObject.from(keys.publicKey).export({ type: 'spki', format: 'pem' });
  // The API server reads an EC private key in its own form only.
  const key = KeyObject.from(keys.privateKey).export({ type: 'sec1', format: 'pem' });
  return { key: String(key), publicKey: String(publicKey) };
}

async function pair(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function pem(key: webcrypto.CryptoKey): string {
  return String(KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }));
}
