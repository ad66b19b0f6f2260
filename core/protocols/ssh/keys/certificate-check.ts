/** Whether an OpenSSH certificate is good for somebody, here and now (OpenSSH's PROTOCOL.certkeys, "Critical options"). */
import ipaddr from 'ipaddr.js';
import { CustodyError } from '#core/errors.ts';
import { printable } from '#core/printable.ts';
import { sameBytes } from '../wire.ts';
import { optionText, type SshCertificate } from './certificate.ts';
import type { SshPublicKey } from './public-key.ts';

export interface CertificateUse {
  readonly kind: 'user' | 'host';
  /** Whose certificates are believed. */
  readonly cas: readonly SshPublicKey[];
  /** One of these must be among its principals: a user's name, or the names of a host. */
  readonly principals: readonly string[];
  readonly now: Date;
  /** Where the connection comes from, as the socket has it. What is unknown fits no `source-address`. */
  readonly address?: string;
}

/** What a good certificate demands of the session. */
export interface CertificateTerms {
  /** The one command that may run, whatever the client asks for. */
  readonly forceCommand?: string;
  /** The authenticator of a FIDO key must have known its user. */
  readonly verifyRequired: boolean;
}

/** What a user's certificate may demand; it is refused for anything else (RFC 4251 knows no such thing; OpenSSH's rule). */
const KNOWN = ['force-command', 'source-address', 'verify-required'];

/** As `certificateProblem`, and gives what is good. Throws `token-invalid` with what is wrong. */
export function checkCertificate(certificate: SshCertificate, use: CertificateUse): CertificateTerms {
  const problem = certificateProblem(certificate, use);
  if (problem === undefined) return termsOf(certificate);
  throw new CustodyError('token-invalid', `the certificate ${problem}`, {
    hint: 'get a new one: custody ssh-login',
  });
}

/** What is wrong with a certificate, to follow "the certificate"; undefined when it is good. Every check is made for every kind of key. */
export function certificateProblem(certificate: SshCertificate, use: CertificateUse): string | undefined {
  return (
    issuerProblem(certificate, use) ??
    timeProblem(certificate, use.now) ??
    principalProblem(certificate, use) ??
    optionProblem(certificate, use)
  );
}

function issuerProblem({ ca, kind }: SshCertificate, use: CertificateUse): string | undefined {
  if (!use.cas.some((known) => sameBytes(known.blob, ca.blob)))
    return 'is signed by a CA that is not known here';
  if (kind !== use.kind) return `is for a ${kind}, not for a ${use.kind}`;
  return undefined;
}

function timeProblem({ validAfter, validBefore }: SshCertificate, now: Date): string | undefined {
  if (validAfter !== undefined && now < validAfter) return `is not valid before ${validAfter.toISOString()}`;
  if (validBefore !== undefined && now >= validBefore) return `expired at ${validBefore.toISOString()}`;
  return undefined;
}

/** Without principals it would be good for everybody: OpenSSH once read it so for hosts. */
function principalProblem({ principals, kind }: SshCertificate, use: CertificateUse): string | undefined {
  const fits = kind === 'host' ? matchesName : (principal: string, name: string) => principal === name;
  const found = use.principals.some((name) => principals.some((principal) => fits(principal, name)));
  return found ? undefined : `is not for ${use.principals.map((text) => printable(text)).join(', ')}`;
}

/** Names of hosts, without regard to case; a `*` stands for any part of one, as OpenSSH has it. */
function matchesName(pattern: string, name: string): boolean {
  const parts = pattern.toLowerCase().split('*');
  const subject = name.toLowerCase();
  if (parts.length === 1) return parts[0] === subject;
  const [first, last] = [parts[0]!, parts.at(-1)!];
  if (subject.length < first.length + last.length) return false;
  if (!subject.startsWith(first) || !subject.endsWith(last)) return false;
  return holdsInOrder(subject.slice(first.length, subject.length - last.length), parts.slice(1, -1));
}

function holdsInOrder(subject: string, parts: readonly string[]): boolean {
  let at = 0;
  for (const part of parts) {
    const found = subject.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return true;
}

function optionProblem(
  { criticalOptions, kind }: SshCertificate,
  { address }: CertificateUse,
): string | undefined {
  for (const [name, value] of criticalOptions) {
    if (kind === 'host' || !KNOWN.includes(name))
      return `demands ${printable(name)}, which is not known here`;
    if (name === 'source-address' && !isFrom(textOrNone(value), address))
      return `is not good from the address ${printable(address ?? 'unknown')}`;
    if (name === 'force-command' && textOrNone(value) === undefined)
      return 'has a force-command that is none';
    if (name === 'verify-required' && value.length > 0) return 'has a verify-required that is none';
  }
  return undefined;
}

function textOrNone(value: Uint8Array): string | undefined {
  try {
    return optionText(value);
  } catch {
    return undefined;
  }
}

/** `list` is addresses and networks with commas between; one that cannot be read fits nobody, whatever else it says. */
function isFrom(list: string | undefined, address: string | undefined): boolean {
  if (list === undefined || address === undefined || !ipaddr.isValid(address)) return false;
  const networks = list.split(',').map(networkOf);
  if (networks.includes(undefined)) return false;
  const client = ipaddr.process(address);
  return networks.some(
    (network) => network !== undefined && network[0].kind() === client.kind() && client.match(network),
  );
}

function networkOf(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return undefined;
  const one = ipaddr.parse(text);
  return [one, one.kind() === 'ipv4' ? 32 : 128];
}

function termsOf({ criticalOptions }: SshCertificate): CertificateTerms {
  const command = criticalOptions.get('force-command');
  return {
    verifyRequired: criticalOptions.has('verify-required'),
    ...(command === undefined ? {} : { forceCommand: optionText(command) }),
  };
}
