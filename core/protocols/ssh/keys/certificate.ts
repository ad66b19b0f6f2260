/** OpenSSH certificates, read (OpenSSH's PROTOCOL.certkeys). Whether one is good is said by `certificate-check.ts`. */
import { SshReader, SshWriter, violation } from '../wire.ts';
import {
  isKeyType,
  type KeyType,
  parsePublicKey,
  readKeyFields,
  readKeyType,
  type SshPublicKey,
} from './public-key.ts';
import { verifySignature } from './signature.ts';

export interface SshCertificate {
  /** Its wire form. */
  readonly blob: Uint8Array;
  readonly kind: 'user' | 'host';
  /** The key that it certifies, as if it stood alone. */
  readonly key: SshPublicKey;
  readonly serial: bigint;
  /** What whoever issued it calls it; for people. */
  readonly keyId: string;
  readonly principals: readonly string[];
  /** Undefined: without a beginning, or without an end. */
  readonly validAfter: Date | undefined;
  readonly validBefore: Date | undefined;
  /** Each must be understood by whoever lets somebody in. The value of an option is mostly a string in this string. */
  readonly criticalOptions: ReadonlyMap<string, Uint8Array>;
  readonly extensions: ReadonlyMap<string, Uint8Array>;
  /** The key that is said to have signed it. */
  readonly ca: SshPublicKey;
}

export const CERTIFICATE_MAX_BYTES = 16 << 10;
const PRINCIPALS_MAX = 256;
const OPTIONS_MAX = 64;
const NONCE_MAX = 1024;
const KINDS = { user: 1, host: 2 } as const;
const END_OF_TIME = 0xffff_ffff_ffff_ffffn;
/** The last second that a Date can say. */
const LATEST = 8_640_000_000_000n;
const CERTIFICATE = '-cert-v01@openssh.com';
const OPENSSH = '@openssh.com';

/** The name of a certificate of a key of that type. */
export function certificateType(type: KeyType): string {
  return `${type.replace(OPENSSH, '')}${CERTIFICATE}`;
}

/** The type of the key inside, by a certificate's name; undefined for what names no certificate. */
export function certifiedType(name: string): KeyType | undefined {
  if (!name.endsWith(CERTIFICATE)) return undefined;
  const type = name.slice(0, -CERTIFICATE.length);
  const whole = type.startsWith('sk-') ? `${type}${OPENSSH}` : type;
  return isKeyType(whole) ? whole : undefined;
}

/** The algorithm of the signature that goes with the name of a certificate's algorithm (RSA has two; RFC 8332). */
export function certifiedAlgorithm(name: string): string | undefined {
  if (name === `rsa-sha2-256${CERTIFICATE}`) return 'rsa-sha2-256';
  if (name === `rsa-sha2-512${CERTIFICATE}`) return 'rsa-sha2-512';
  const type = certifiedType(name);
  return type === 'ssh-rsa' ? undefined : type;
}

/** The name that a certificate's algorithm has when its key signs by `algorithm`. */
export function certificateAlgorithm(algorithm: string): string {
  return `${algorithm.replace(OPENSSH, '')}${CERTIFICATE}`;
}

/**
 * Reads a certificate and looks at its signature: what it returns was signed by the key that it names as its CA, whoever that is.
 * Throws `protocol-violation` for anything else, and `unsupported` for kinds of key that are not known.
 */
export function parseCertificate(blob: Uint8Array): SshCertificate {
  if (blob.length > CERTIFICATE_MAX_BYTES) throw violation(`a certificate is ${blob.length} bytes long`);
  const bytes = Uint8Array.from(blob);
  const reader = new SshReader(bytes);
  const name = reader.name();
  const type = certifiedType(name) ?? noCertificate(name);
  reader.string(NONCE_MAX);
  const key = readCertifiedKey(type, bytes, reader);
  const fields = readFields(reader);
  const signedBytes = bytes.subarray(0, reader.at);
  const signature = reader.string();
  reader.end();
  if (verifySignature(fields.ca, signature, signedBytes) === undefined)
    throw violation('a certificate is not signed by the CA that it names');
  return { blob: bytes, key, ...fields };
}

function noCertificate(name: string): never {
  readKeyType(name.replace(CERTIFICATE, ''));
  throw violation('a key stands where a certificate should');
}

function readCertifiedKey(type: KeyType, bytes: Uint8Array, reader: SshReader): SshPublicKey {
  const from = reader.at;
  readKeyFields(type, reader);
  const plain = new SshWriter().string(type).raw(bytes.subarray(from, reader.at)).done();
  return parsePublicKey(plain);
}

function readFields(reader: SshReader): Omit<SshCertificate, 'blob' | 'key'> {
  const serial = reader.uint64();
  const kind = readKind(reader.uint32());
  const keyId = reader.words(CERTIFICATE_MAX_BYTES);
  const principals = readPrincipals(reader.string());
  const after = reader.uint64();
  const validAfter = after === 0n ? undefined : dateOf(after);
  const before = reader.uint64();
  const validBefore = before === END_OF_TIME ? undefined : dateOf(before);
  const criticalOptions = readOptions(reader.string());
  const extensions = readOptions(reader.string());
  // Reserved: whatever stands there is not for this version.
  reader.string();
  // parsePublicKey knows no certificates, so that none is signed by one.
  const ca = parsePublicKey(reader.string());
  return { serial, kind, keyId, principals, validAfter, validBefore, criticalOptions, extensions, ca };
}

function readKind(number: number): 'user' | 'host' {
  if (number === KINDS.user) return 'user';
  if (number === KINDS.host) return 'host';
  throw violation('a certificate is neither for a user nor for a host');
}

function readPrincipals(bytes: Uint8Array): readonly string[] {
  const reader = new SshReader(bytes);
  const principals: string[] = [];
  while (reader.left > 0) {
    if (principals.length === PRINCIPALS_MAX) throw violation('a certificate has too many principals');
    principals.push(reader.text());
  }
  return principals;
}

/** Seconds since 1970; what no Date can say is as good as the last one that it can. */
function dateOf(seconds: bigint): Date {
  return new Date(Number(seconds > LATEST ? LATEST : seconds) * 1000);
}

function readOptions(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const reader = new SshReader(bytes);
  const options = new Map<string, Uint8Array>();
  while (reader.left > 0) {
    const name = reader.name();
    if (options.has(name)) throw violation('a certificate has an option twice');
    if (options.size === OPTIONS_MAX) throw violation('a certificate has too many options');
    options.set(name, reader.string());
  }
  return options;
}

/** The text of an option that has one: a string within the option's string. Throws `protocol-violation`. */
export function optionText(value: Uint8Array): string {
  const reader = new SshReader(value);
  const text = reader.text();
  reader.end();
  return text;
}
