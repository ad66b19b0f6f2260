/** Lines of `known_hosts` (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): read to find a host's keys, and written for clients. */
import { createHmac } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import { sameBytes } from '../wire.ts';
import { formatKeyLine, fromBase64, inWords, parseKeyLine } from './key-line.ts';
import { parsePublicKey, type SshPublicKey } from './public-key.ts';

export interface KnownHost {
  readonly key: SshPublicKey;
  /** `ca`: the key signs certificates of the host. `revoked`: it must not be believed. */
  readonly role: 'host' | 'ca' | 'revoked';
}

const FILE_MAX = 1 << 20;
const LINE = /^(?:(@\S+)\s+)?(\S+)\s+(\S+\s+\S+)(?:\s.*)?$/;
const ROLES: Readonly<Record<string, KnownHost['role']>> = { '@cert-authority': 'ca', '@revoked': 'revoked' };
const DEFAULT_PORT = 22;
const HASHED = /^\|1\|([A-Za-z0-9+/]{27}=)\|([A-Za-z0-9+/]{27}=)$/;

/** Keys that a file says of a host at a port. Lines that are not for it are not looked at; one for it that is damaged is an error. */
export function knownHosts(file: string, host: string, port: number): readonly KnownHost[] {
  if (file.length > FILE_MAX) throw invalid(`is longer than ${FILE_MAX} characters`);
  const name = hostName(host, port);
  return file.split('\n').flatMap((line, at) => readLine(line, name, at + 1) ?? []);
}

/** As it stands in the file: `host`, or `[host]:port` for another port than 22. */
export function hostName(host: string, port: number): string {
  return port === DEFAULT_PORT ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** One line for a client's file. */
export function formatKnownHost(host: string, port: number, { key, role }: KnownHost, comment = ''): string {
  const marker = Object.keys(ROLES).find((marker) => ROLES[marker] === role);
  const line = `${hostName(host, port)} ${formatKeyLine(key.blob, comment)}`;
  return marker === undefined ? line : `${marker} ${line}`;
}

function readLine(line: string, name: string, number: number): KnownHost | undefined {
  if (/^\s*(?:#|$)/.test(line)) return undefined;
  const [, marker, hosts, key] = LINE.exec(line.trim()) ?? [];
  if (hosts === undefined || key === undefined) throw invalid(`line ${number} is none`);
  if (!isFor(hosts, name)) return undefined;
  const role = marker === undefined ? 'host' : ROLES[marker];
  if (role === undefined) throw invalid(`line ${number} has a marker that is not known`);
  return { role, key: parseKey(key, number) };
}

function parseKey(text: string, number: number): SshPublicKey {
  try {
    return inWords(() => parsePublicKey(parseKeyLine(text).blob));
  } catch (cause) {
    if (!(cause instanceof CustodyError)) throw cause;
    throw new CustodyError(cause.code, `line ${number}: ${cause.message}`, { cause });
  }
}

function isFor(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return isHashOf(hosts, name);
  const patterns = hosts.toLowerCase().split(',');
  const refused = patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1), name));
  return !refused && patterns.some((pattern) => !pattern.startsWith('!') && matches(pattern, name));
}

function isHashOf(hosts: string, name: string): boolean {
  const [, salt, hash] = HASHED.exec(hosts) ?? [];
  if (salt === undefined || hash === undefined) return false;
  // SHA-1 is the file's format; nothing rests on it but that names are hard to read.
  return sameBytes(createHmac('sha1', fromBase64(salt)).update(name).digest(), fromBase64(hash));
}

/** `*` and `?`, in time that is the product of the lengths at worst. */
function matches(pattern: string, name: string): boolean {
  let [at, star, resume] = [0, -1, 0];
  let from = 0;
  while (from < name.length) {
    const wanted = pattern[at];
    if (wanted === '*') [star, resume, at] = [at, from, at + 1];
    else if (wanted === '?' || wanted === name[from]) [at, from] = [at + 1, from + 1];
    else if (star === -1) return false;
    else [at, resume, from] = [star + 1, resume + 1, resume + 1];
  }
  return /^\**$/.test(pattern.slice(at));
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', `the file of known hosts: ${message}`);
}
