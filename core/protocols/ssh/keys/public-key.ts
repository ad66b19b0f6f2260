/** Public keys in SSH's wire form: RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709, OpenSSH's PROTOCOL.u2f. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import { printable } from '#core/printable.ts';
import { SshReader, SshWriter, violation } from '../wire.ts';

export const KEY_TYPES = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
] as const;
export type KeyType = (typeof KEY_TYPES)[number];

export interface SshPublicKey {
  readonly type: KeyType;
  /** Its wire form. */
  readonly blob: Uint8Array;
  readonly key: KeyObject;
  /** As `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  /** Of a FIDO key: what it is for, such as `ssh:`. */
  readonly application?: string;
}

/** What of a key stands in its wire form after its type, and in a certificate after the nonce. */
interface KeyFields {
  readonly key: KeyObject;
  readonly application?: string;
}

const KEY_MAX_BYTES = 8 << 10;
const RSA_MIN_BITS = 2048;
const RSA_MAX_BITS = 16384;
const APPLICATION_MAX = 1024;
const ED25519_BYTES = 32;
const UNCOMPRESSED = 4;

const CURVES = {
  'ecdsa-sha2-nistp256': { name: 'nistp256', crv: 'P-256', bytes: 32 },
  'ecdsa-sha2-nistp384': { name: 'nistp384', crv: 'P-384', bytes: 48 },
  'ecdsa-sha2-nistp521': { name: 'nistp521', crv: 'P-521', bytes: 66 },
} as const;
export type EcdsaType = keyof typeof CURVES;

/** Bytes of one number of the curve. */
export function curveBytes(type: EcdsaType): number {
  return CURVES[type].bytes;
}

export function isKeyType(name: string): name is KeyType {
  return KEY_TYPES.some((type) => type === name);
}

/** Reads a key and nothing after it. Throws `protocol-violation` for what is none, and `unsupported` for one of another kind. */
export function parsePublicKey(blob: Uint8Array): SshPublicKey {
  if (blob.length > KEY_MAX_BYTES) throw violation(`a public key is ${blob.length} bytes long`);
  const reader = new SshReader(blob);
  const type = readKeyType(reader.name());
  const fields = readKeyFields(type, reader);
  reader.end();
  return { type, blob: Uint8Array.from(blob), fingerprint: fingerprintOf(blob), ...fields };
}

/** The type of that name; throws `unsupported` for DSA and whatever else there is. */
export function readKeyType(name: string): KeyType {
  if (isKeyType(name)) return name;
  throw new CustodyError('unsupported', `keys of type ${printable(name)} are not supported`, {
    hint: 'use an ed25519 key: ssh-keygen -t ed25519',
  });
}

/** What `SHA256:` and unpadded base64 say of a key's wire form. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

export function readKeyFields(type: KeyType, reader: SshReader): KeyFields {
  switch (type) {
    case 'ssh-ed25519':
      return { key: readEd25519(reader) };
    case 'sk-ssh-ed25519@openssh.com':
      return { key: readEd25519(reader), application: reader.text(APPLICATION_MAX) };
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return { key: readEcdsa('ecdsa-sha2-nistp256', reader), application: reader.text(APPLICATION_MAX) };
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return { key: readEcdsa(type, reader) };
    case 'ssh-rsa':
      return { key: readRsa(reader) };
  }
}

function readEd25519(reader: SshReader): KeyObject {
  const point = reader.string(ED25519_BYTES);
  if (point.length !== ED25519_BYTES) throw violation('an ed25519 key has the wrong length');
  return keyOf({ kty: 'OKP', crv: 'Ed25519', x: base64url(point) });
}

function readEcdsa(type: EcdsaType, reader: SshReader): KeyObject {
  const { name, crv, bytes } = CURVES[type];
  if (reader.name() !== name) throw violation('an ECDSA key names another curve than its type');
  const point = reader.string(1 + 2 * bytes);
  if (point.length !== 1 + 2 * bytes || point[0] !== UNCOMPRESSED)
    throw violation('the point of an ECDSA key is not in uncompressed form');
  const [x, y] = [point.subarray(1, 1 + bytes), point.subarray(1 + bytes)];
  return keyOf({ kty: 'EC', crv, x: base64url(x), y: base64url(y) });
}

function readRsa(reader: SshReader): KeyObject {
  const e = reader.mpint(4);
  const n = reader.mpint(RSA_MAX_BITS / 8);
  if (e.length === 0 || e.at(-1)! % 2 === 0 || (e.length === 1 && e[0] === 1))
    throw violation('the exponent of an RSA key is none');
  const key = keyOf({ kty: 'RSA', n: base64url(n), e: base64url(e) });
  checkRsaSize(key);
  return key;
}

export function checkRsaSize(key: KeyObject): void {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS) return;
  throw new CustodyError('unsupported', `an RSA key of ${bits} bits is refused; ${RSA_MIN_BITS} are needed`, {
    hint: 'use an ed25519 key: ssh-keygen -t ed25519',
  });
}

function keyOf(jwk: Readonly<Record<string, string>>): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    throw violation('a public key is none', String(cause));
  }
}

/** A key of node's, or the public half of one, in SSH's form. Throws `unsupported` for what SSH has no form for. */
export function publicKeyOf(key: KeyObject): SshPublicKey {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return parsePublicKey(encodePublicKey(half));
}

function encodePublicKey(key: KeyObject): Uint8Array {
  const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' });
  const writer = new SshWriter();
  if (kty === 'RSA') return writer.string('ssh-rsa').mpint(fromBase64url(e)).mpint(fromBase64url(n)).done();
  if (crv === 'Ed25519') return writer.string('ssh-ed25519').string(fromBase64url(x)).done();
  for (const [type, curve] of Object.entries(CURVES)) {
    if (curve.crv !== crv) continue;
    const point = Buffer.concat([Uint8Array.of(UNCOMPRESSED), fromBase64url(x), fromBase64url(y)]);
    return writer.string(type).string(curve.name).string(point).done();
  }
  throw new CustodyError('unsupported', `SSH has no keys of type ${key.asymmetricKeyType}`);
}

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

function fromBase64url(text: unknown): Uint8Array {
  return Buffer.from(String(text), 'base64url');
}
