/** This device's key for TLS: a certificate that it signs itself, as the gateway asks for nothing but a proof of the key. */
import { webcrypto, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { keyFingerprint } from '#core/identity/key-fingerprint.ts';
import { parsePrivateKey, type SshPrivateKey } from '#core/protocols/ssh/keys/private-key.ts';
import type { Cli } from '../cli.ts';
import { readGivenFile } from '../given-file.ts';
import { rememberedKey } from '../ssh/device-key.ts';
import type { ClientEnv } from './kit.ts';

const CERTIFICATE = 'device-tls.pem';
const KEY = 'device-tls.key';
const DAY_MS = 86_400_000;
const DAYS = 365;
/** It is made anew when this little is left of it. */
const RENEW_DAYS = 30;
const KEY_MAX = 64 << 10;

/**
 * libpq's variables for it. None where the device has no key, where ssh-agent, an authenticator or a passphrase keeps it from TLS
 * libraries, or where the person has chosen a certificate.
 */
export async function deviceEnv(cli: Cli): Promise<ClientEnv> {
  const chosen = join(cli.env['HOME'] || homedir(), '.postgresql', 'postgresql.crt');
  if (cli.env['PGSSLCERT'] || existsSync(chosen)) return {};
  if (!(await isReady(cli))) return {};
  return { PGSSLCERT: cli.home.path(CERTIFICATE), PGSSLKEY: cli.home.path(KEY) };
}

/** The same as PEM, for clients that take it so. Undefined as for `deviceEnv`, whatever the person has chosen for databases. */
export async function devicePems(
  cli: Cli,
): Promise<{ readonly cert: string; readonly key: string } | undefined> {
  if (!(await isReady(cli))) return undefined;
  return { cert: cli.home.read(CERTIFICATE)!, key: cli.home.read(KEY, 'secret')! };
}

/** False where there is no key to make it of. */
async function isReady(cli: Cli): Promise<boolean> {
  const key = usableKey(cli);
  if (key === undefined) return false;
  if (!isFresh(cli, key)) await make(cli, key);
  return true;
}

function usableKey(cli: Cli): SshPrivateKey | undefined {
  const known = rememberedKey(cli);
  if (known?.kind !== 'file') return undefined;
  try {
    return parsePrivateKey(readGivenFile(known.identity, KEY_MAX));
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'config-invalid') return undefined;
    throw error;
  }
}

function isFresh({ home, now }: Cli, { publicKey }: SshPrivateKey): boolean {
  const pem = home.read(CERTIFICATE);
  if (pem === undefined || home.read(KEY, 'secret') === undefined) return false;
  try {
    const certificate = new X509Certificate(pem);
    const left = certificate.validToDate.getTime() - now();
    return keyFingerprint(certificate.publicKey) === publicKey.fingerprint && left > RENEW_DAYS * DAY_MS;
  } catch {
    return false;
  }
}

/** What makes certificates is loaded here alone: it takes as long as all the rest. */
async function make(cli: Cli, { key, publicKey }: SshPrivateKey): Promise<void> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const pkcs8 = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const algorithm = algorithmOf(publicKey.type);
  const keys = await pairOf(pkcs8, publicKey.key.export({ type: 'spki', format: 'der' }), algorithm);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=Custody device`,
    notBefore: new Date(cli.now() - DAY_MS),
    notAfter: new Date(cli.now() + DAYS * DAY_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ],
  });
  cli.home.write(KEY, pkcs8);
  cli.home.write(CERTIFICATE, `${certificate.toString('pem')}\n`);
}

function algorithmOf(type: SshPrivateKey['publicKey']['type']) {
  const [, curve] = /^ecdsa-sha2-nistp(\d+)$/.exec(type) ?? [];
  if (curve !== undefined) return { name: 'ECDSA', namedCurve: `P-${curve}`, hash: 'SHA-256' };
  return type === 'ssh-rsa' ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } : { name: 'Ed25519' };
}

async function pairOf(
  pkcs8: string,
  spki: Uint8Array,
  algorithm: ReturnType<typeof algorithmOf>,
): Promise<webcrypto.CryptoKeyPair> {
  const der = Buffer.from(pkcs8.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const { subtle } = webcrypto;
  const [privateKey, publicKey] = await Promise.all([
    subtle.importKey('pkcs8', der, algorithm, true, ['sign']),
    subtle.importKey('spki', Uint8Array.from(spki), algorithm, true, ['verify']),
  ]);
  return { privateKey, publicKey };
}
