import 'reflect-metadata';
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { ALGORITHM, newKeys, newSerial, serverExtensions } from '#cli/x509.ts';
import { isDisksFault, unreadable } from '#adapters/local/unreadable.ts';
import { CustodyError } from '#core/errors.ts';

const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
const SERVER_DAYS = 365;
/** A certificate is made anew when this little is left of it. */
const RENEW_DAYS = 30;

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

/**
 * A CA of this data folder, and certificates for what listens on this machine; made anew a month before they expire.
 * Keys are owner-only. Throws `state-damaged` when a file of an earlier start cannot be used, and `store-unavailable` when the
 * disk does not give it.
 */
export async function localCertificates(folder: string, now: Date): Promise<LocalCertificates> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ca = await localCa(folder, now);
  return {
    ca: join(folder, 'ca.pem'),
    gateway: await serverCertificate(folder, 'gateway', ca, now),
    database: await serverCertificate(folder, 'postgres', ca, now),
  };
}

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

async function localCa(folder: string, now: Date): Promise<Authority> {
  const files = filesOf(folder, 'ca');
  if (!isFresh(files, now)) {
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
  return { certificate: readCertificate(files.cert), privateKey: await readKey(files.key) };
}

async function serverCertificate(
  folder: string,
  name: string,
  ca: Authority,
  now: Date,
): Promise<CertificateFiles> {
  const files = filesOf(folder, name);
  if (isFresh(files, now) && (await isFrom(files, ca))) return files;
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
    extensions: await serverExtensions(
      [
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ],
      ca.certificate,
    ),
  });
  await write(files, certificate, keys.privateKey);
  return files;
}

function isFresh(files: CertificateFiles, now: Date): boolean {
  if (!existsSync(files.cert) || !existsSync(files.key)) return false;
  const { notAfter } = readCertificate(files.cert);
  return notAfter.getTime() - now.getTime() > RENEW_DAYS * DAY_MS;
}

/** Whether the CA as it is now signed the certificate, and the key beside it is the certificate's. */
async function isFrom(files: CertificateFiles, ca: Authority): Promise<boolean> {
  const certificate = readCertificate(files.cert);
  const publicKey = await ca.certificate.publicKey.export();
  if (!(await certificate.verify({ publicKey, signatureOnly: true }))) return false;
  await readKey(files.key);
  return new X509Certificate(readFileSync(files.cert)).checkPrivateKey(
    createPrivateKey(readFileSync(files.key)),
  );
}

function filesOf(folder: string, name: string): CertificateFiles {
  return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
}

async function write(
  files: CertificateFiles,
  certificate: x509.X509Certificate,
  key: webcrypto.CryptoKey,
): Promise<void> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  replace(files.key, x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), 0o600);
  replace(files.cert, `${certificate.toString('pem')}\n`, 0o644);
}

/** In one step, with these permissions from the first byte. */
function replace(file: string, text: string, mode: number): void {
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, text, { flag: 'wx', mode });
  renameSync(`${file}.new`, file);
}

function readCertificate(file: string): x509.X509Certificate {
  try {
    return new x509.X509Certificate(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw isDisksFault(cause)
      ? unreadable('the certificate', file, cause)
      : damaged(file, 'it is not a certificate', cause);
  }
}

async function readKey(file: string): Promise<webcrypto.CryptoKey> {
  try {
    if ((statSync(file).mode & 0o077) !== 0) {
      throw damaged(file, `its permissions let others read it; run: chmod 600 ${file}`);
    }
    const [der] = x509.PemConverter.decode(readFileSync(file, 'utf8'));
    return await webcrypto.subtle.importKey('pkcs8', der!, ALGORITHM, true, ['sign']);
  } catch (cause) {
    if (cause instanceof CustodyError) throw cause;
    throw isDisksFault(cause)
      ? unreadable('the key', file, cause)
      : damaged(file, 'it is not a P-256 key', cause);
  }
}

function damaged(file: string, what: string, cause?: unknown): CustodyError {
  return new CustodyError('state-damaged', `${file} cannot be used: ${what}`, {
    hint: `remove the folder ${dirname(file)}: new certificates are made, and clients need the new ca.pem`,
    cause,
  });
}
