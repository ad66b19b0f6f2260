/** Signatures in SSH's wire form: RFC 4253 section 6.6, RFC 5656 section 3.1.2, RFC 8332, RFC 8709, OpenSSH's PROTOCOL.u2f. */
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import { printable } from '#core/printable.ts';
import { SshReader, SshWriter, violation } from '../wire.ts';
import { curveBytes, type EcdsaType, type KeyType, type SshPublicKey } from './public-key.ts';

/** What clients may sign with: `server-sig-algs`, best first (RFC 8308 section 3.1). */
export const SIGNATURE_ALGORITHMS = [
  'ssh-ed25519',
  'sk-ssh-ed25519@openssh.com',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number];

/** What a FIDO key's authenticator signed besides the message. */
export interface Authenticator {
  /** Somebody touched it. */
  readonly present: boolean;
  /** It knew who: by PIN or finger. */
  readonly verified: boolean;
  readonly counter: number;
}

export interface Verified {
  readonly algorithm: string;
  /** Only of a FIDO key. */
  readonly authenticator?: Authenticator;
}

const SIGNATURE_MAX_BYTES = 4096;
const PRESENT = 0x01;
const VERIFIED = 0x04;

/** The algorithms that a key of this type may sign with, best first. */
export function algorithmsOf(type: KeyType): readonly SignatureAlgorithm[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
}

export function isSignatureAlgorithm(name: string): name is SignatureAlgorithm {
  return SIGNATURE_ALGORITHMS.some((algorithm) => algorithm === name);
}

/**
 * Undefined when the signature is not this key's over `message`, or not of an algorithm that fits the key (`allowed`: or not one of
 * these). Throws `protocol-violation` for what is no signature at all.
 */
export function verifySignature(
  key: SshPublicKey,
  signature: Uint8Array,
  message: Uint8Array,
  allowed: readonly string[] = algorithmsOf(key.type),
): Verified | undefined {
  if (signature.length > SIGNATURE_MAX_BYTES) throw violation('a signature is too long');
  const reader = new SshReader(signature);
  const algorithm = reader.name();
  if (!allowed.includes(algorithm)) return undefined;
  const value = reader.string();
  const authenticator = key.application === undefined ? undefined : readAuthenticator(reader);
  reader.end();
  const signed = authenticator === undefined ? message : underAuthenticator(key, authenticator, message);
  if (!isSignature(key, algorithm, value, signed)) return undefined;
  return authenticator === undefined ? { algorithm } : { algorithm, authenticator: flagsOf(authenticator) };
}

interface FlagsAndCounter {
  readonly flags: number;
  readonly counter: number;
}

function readAuthenticator(reader: SshReader): FlagsAndCounter {
  return { flags: reader.byte(), counter: reader.uint32() };
}

function flagsOf({ flags, counter }: FlagsAndCounter): Authenticator {
  return { present: (flags & PRESENT) !== 0, verified: (flags & VERIFIED) !== 0, counter };
}

/** What an authenticator signs in place of the message (PROTOCOL.u2f, "SSH U2F signatures"). */
function underAuthenticator(
  key: SshPublicKey,
  { flags, counter }: FlagsAndCounter,
  message: Uint8Array,
): Uint8Array {
  return new SshWriter(69)
    .raw(sha256(key.application ?? ''))
    .byte(flags)
    .uint32(counter)
    .raw(sha256(message))
    .done();
}

function sha256(data: Uint8Array | string): Uint8Array {
  return createHash('sha256').update(data).digest();
}

function isSignature(key: SshPublicKey, algorithm: string, value: Uint8Array, signed: Uint8Array): boolean {
  switch (key.type) {
    case 'ssh-ed25519':
    case 'sk-ssh-ed25519@openssh.com':
      return value.length === 64 && verify(null, signed, key.key, value);
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return isEcdsa(key.type, key.key, value, signed);
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return isEcdsa('ecdsa-sha2-nistp256', key.key, value, signed);
    case 'ssh-rsa':
      return isRsa(key.key, algorithm, value, signed);
  }
}

function isEcdsa(type: EcdsaType, key: KeyObject, value: Uint8Array, signed: Uint8Array): boolean {
  const bytes = curveBytes(type);
  const reader = new SshReader(value);
  const [r, s] = [reader.mpint(bytes), reader.mpint(bytes)];
  reader.end();
  const pair = new Uint8Array(2 * bytes);
  pair.set(r, bytes - r.length);
  pair.set(s, 2 * bytes - s.length);
  return verify(ecdsaHash(type), signed, { key, dsaEncoding: 'ieee-p1363' }, pair);
}

/** RFC 5656 section 6.2.1. */
function ecdsaHash(type: EcdsaType): string {
  switch (type) {
    case 'ecdsa-sha2-nistp256':
      return 'sha256';
    case 'ecdsa-sha2-nistp384':
      return 'sha384';
    case 'ecdsa-sha2-nistp521':
      return 'sha512';
  }
}

/** RFC 8332 section 3: as long as the modulus; some send it without the zeros before it. */
function isRsa(key: KeyObject, algorithm: string, value: Uint8Array, signed: Uint8Array): boolean {
  const length = Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  if (value.length === 0 || value.length > length) return false;
  const whole = new Uint8Array(length);
  whole.set(value, length - value.length);
  return verify(rsaHash(algorithm), signed, key, whole);
}

function rsaHash(algorithm: string): string {
  switch (algorithm) {
    case 'rsa-sha2-512':
      return 'sha512';
    case 'rsa-sha2-256':
      return 'sha256';
    // Only where a caller allows it: older targets.
    case 'ssh-rsa':
      return 'sha1';
    default:
      throw new CustodyError('unsupported', `no RSA signature is called ${printable(algorithm)}`);
  }
}

/** A signature by a private key that is here. Throws `unsupported` for an algorithm that does not fit it. */
export function signWith(key: KeyObject, type: KeyType, algorithm: string, message: Uint8Array): Uint8Array {
  const value = signatureValue(key, type, algorithm, message);
  return new SshWriter().string(algorithm).string(value).done();
}

function signatureValue(key: KeyObject, type: KeyType, algorithm: string, message: Uint8Array): Uint8Array {
  if (type === 'ssh-rsa') return sign(rsaHash(algorithm), message, key);
  if (algorithm !== type)
    throw new CustodyError('unsupported', `a key of type ${type} cannot sign ${algorithm}`);
  switch (type) {
    case 'ssh-ed25519':
      return sign(null, message, key);
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return ecdsaValue(sign(ecdsaHash(type), message, { key, dsaEncoding: 'ieee-p1363' }));
    case 'sk-ssh-ed25519@openssh.com':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      throw new CustodyError('unsupported', 'a FIDO key signs in its authenticator, not here');
  }
}

/** Two numbers of one length, as SSH writes them. */
function ecdsaValue(pair: Uint8Array): Uint8Array {
  const half = pair.length / 2;
  return new SshWriter(pair.length + 10).mpint(pair.subarray(0, half)).mpint(pair.subarray(half)).done();
}

/** An ECDSA P-256 signature in DER, as KMS and the `Signer` port give it, in SSH's form. */
export function ecdsaFromDer(der: Uint8Array): Uint8Array {
  const [r, s] = derIntegers(der);
  const value = new SshWriter(80).mpint(r).mpint(s).done();
  return new SshWriter(120).string('ecdsa-sha2-nistp256').string(value).done();
}

/** SEQUENCE of two INTEGERs, none of which is longer than 33 bytes (RFC 3279 section 2.2.3). */
function derIntegers(der: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const first = der[3] ?? 0;
  const second = der[5 + first] ?? 0;
  const wellFormed =
    der[0] === 0x30 &&
    der[1] === der.length - 2 &&
    der[2] === 0x02 &&
    der[4 + first] === 0x02 &&
    der.length === 6 + first + second &&
    first <= 33 &&
    second <= 33;
  if (!wellFormed) throw new CustodyError('internal', 'a signer gave something that is no ECDSA signature');
  return [der.subarray(4, 4 + first), der.subarray(6 + first)];
}
