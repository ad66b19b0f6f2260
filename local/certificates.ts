import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
const SERVER_DAYS = 365;
/** A server certificate is made anew when this little is left of it. */
const RENEW_DAYS = 30;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface LocalCertificates {
  /** The local CA's certificate: what clients are given as sslrootcert. */
  readonly ca: string;
  readonly gateway: CertificateFiles;
  readonly database: CertificateFiles;
}

/** A CA of this data folder, and certificates for what listens on this machine. Keys are owner-only. */
export async function localCertificates(folder: string, now: Date): Promise<LocalCertificates> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ca = await localCa(folder, now);
  return {
    ca: join(folder, 'ca.pem'),
    gateway: await serverCertificate(folder, 'gateway', ca, now),
    database: await serverCertificate(folder, 'database', ca, now),
  };
}

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

async function localCa(folder: string, now: Date): Promise<Authority> {
  const files = filesOf(folder, 'ca');
  if (!existsSync(files.cert)) {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: newSerial(),
      name: 'CN=Custody local CA',
      notBefore: new Date(now.getTime() - DAY_MS),
      notAfter: new Date(now.getTime() + CA_DAYS * DAY_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    await write(files, certificate, keys.privateKey);
  }
  const certificate = new x509.X509Certificate(readFileSync(files.cert, 'utf8'));
  return { certificate, privateKey: await readKey(files.key) };
}

async function serverCertificate(
  folder: string,
  name: string,
  ca: Authority,
  now: Date,
): Promise<CertificateFiles> {
  const files = filesOf(folder, name);
  if (isFresh(files.cert, now)) return files;
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: `CN=${name} (Custody local)`,
    issuer: ca.certificate.subject,
    notBefore: new Date(now.getTime() - DAY_MS),
    notAfter: new Date(now.getTime() + SERVER_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: ca.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate),
    ],
  });
  await write(files, certificate, keys.privateKey);
  return files;
}

function isFresh(cert: string, now: Date): boolean {
  if (!existsSync(cert)) return false;
  const { notAfter } = new x509.X509Certificate(readFileSync(cert, 'utf8'));
  return notAfter.getTime() - now.getTime() > RENEW_DAYS * DAY_MS;
}

function filesOf(folder: string, name: string): CertificateFiles {
  return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function newSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0]! &= 0x7f;
  return Buffer.from(bytes).toString('hex');
}

async function write(
  files: CertificateFiles,
  certificate: x509.X509Certificate,
  key: webcrypto.CryptoKey,
): Promise<void> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  writeFileSync(files.key, x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), { mode: 0o600 });
  writeFileSync(files.cert, `${certificate.toString('pem')}\n`);
}

function readKey(file: string): Promise<webcrypto.CryptoKey> {
  const [der] = x509.PemConverter.decode(readFileSync(file, 'utf8'));
  return webcrypto.subtle.importKey('pkcs8', der!, ALGORITHM, true, ['sign']);
}
