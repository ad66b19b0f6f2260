/** The certificate that lets this device's key in: got where it is needed, and kept in CUSTODY_HOME. */
import { readdirSync } from 'node:fs';
import { parseCertificate, type SshCertificate } from '#core/protocols/ssh/keys/certificate.ts';
import { parseKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import type { Api } from '../api.ts';
import type { Cli } from '../cli.ts';
import { type CertificateBody, type Issued, issueCertificate } from './api.ts';
import type { DeviceKey } from './device-key.ts';

const ANY = 'ssh_cert.pub';
/** One that ends sooner is not used for a new connection. */
const MARGIN_MS = 60_000;

/** Where the certificate for all targets is kept, or the one for a single target. */
export function certificateFile(target?: string): string {
  return target === undefined ? ANY : `ssh_cert-${target}.pub`;
}

/** All of them: they are of whoever was logged in. */
export function forgetCertificates({ home }: Cli): void {
  home.makeFolder();
  const kept = readdirSync(home.folder).filter((name) => /^ssh_cert(?:-.+)?\.pub$/.test(name));
  for (const name of kept) home.remove(name);
}

/** What is in the file; undefined where there is none that can be read, as a new one takes its place. */
export function keptCertificate(cli: Cli, file: string): SshCertificate | undefined {
  const line = cli.home.read(file);
  if (line === undefined) return undefined;
  try {
    return parseCertificate(parseKeyLine(line).blob);
  } catch {
    return undefined;
  }
}

/** Of this key, and good for a while. */
export function isGood(cli: Cli, certificate: SshCertificate | undefined, key: DeviceKey): boolean {
  if (certificate?.key.fingerprint !== key.fingerprint) return false;
  const { validAfter, validBefore } = certificate;
  const [from, until] = [validAfter?.getTime() ?? 0, validBefore?.getTime() ?? Infinity];
  return from <= cli.now() && until - MARGIN_MS > cli.now();
}

/** Whether a connection to `target` needs no new one. */
export function hasGood(cli: Cli, key: DeviceKey, target: string | undefined): boolean {
  const files = target === undefined ? [ANY] : [certificateFile(target), ANY];
  return files.some((file) => isGood(cli, keptCertificate(cli, file), key));
}

/** Gets a new one and keeps it. */
export async function getCertificate(
  cli: Cli,
  api: Api,
  key: DeviceKey,
  body: Omit<CertificateBody, 'publicKey'>,
): Promise<Issued> {
  const issued = await issueCertificate(api, { publicKey: key.publicKey, ...body });
  cli.home.write(certificateFile(body.target), `${issued.certificate.trim()}\n`);
  return issued;
}
