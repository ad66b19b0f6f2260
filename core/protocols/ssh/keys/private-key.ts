/** Private keys as people keep them: OpenSSH's own form (PROTOCOL.key) and PEM (PKCS #8, PKCS #1, SEC 1), without passphrase. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import { SshReader, sameBytes, violation } from '../wire.ts';
import {
  base64url,
  checkRsaSize,
  curveBytes,
  type EcdsaType,
  type KeyType,
  parsePublicKey,
  publicKeyOf,
  type SshPublicKey,
} from './public-key.ts';

export interface SshPrivateKey {
  readonly key: KeyObject;
  readonly publicKey: SshPublicKey;
}

const TEXT_MAX = 64 << 10;
const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----';
const END = '-----END OPENSSH PRIVATE KEY-----';
const MAGIC = 'openssh-key-v1\0';
const BLOCK_BYTES = 8;

/** Throws `config-invalid`; the message completes "the private key …" and never holds a part of it. */
export function parsePrivateKey(text: string): SshPrivateKey {
  if (text.length > TEXT_MAX) throw invalid(`is longer than ${TEXT_MAX} characters`);
  try {
    const key = text.includes(BEGIN) ? parseOpenSsh(text) : parsePem(text);
    if (key.asymmetricKeyType === 'rsa') checkRsaSize(key);
    return { key, publicKey: publicKeyOf(key) };
  } catch (thrown) {
    if (thrown instanceof CustodyError && thrown.code === 'config-invalid') throw thrown;
    if (thrown instanceof CustodyError) throw invalid(`cannot be used: ${thrown.message}`, thrown.hint);
    throw invalid('cannot be read');
  }
}

/** A new key that nobody else has, such as that of one session. */
export function privateKeyOf(key: KeyObject): SshPrivateKey {
  return { key, publicKey: publicKeyOf(key) };
}

function parsePem(text: string): KeyObject {
  if (/^-----BEGIN (?:RSA |EC )?PRIVATE KEY-----$/m.test(text) && !text.includes('ENCRYPTED'))
    return createPrivateKey(text);
  if (text.includes('ENCRYPTED')) throw hasPassphrase();
  if (/^(?:ssh-|ecdsa-|sk-)/.test(text)) throw invalid('is a public key; the file without .pub is needed');
  throw invalid('is not in OpenSSH or PEM form');
}

function parseOpenSsh(text: string): KeyObject {
  const from = text.indexOf(BEGIN) + BEGIN.length;
  const to = text.indexOf(END, from);
  if (to === -1) throw invalid('has no end');
  const reader = new SshReader(Buffer.from(text.slice(from, to).replace(/\s+/g, ''), 'base64'));
  if (!sameBytes(reader.take(MAGIC.length), Buffer.from(MAGIC))) throw violation('it is of another form');
  const [cipher, kdf] = [reader.name(), reader.name()];
  if (cipher !== 'none' || kdf !== 'none') throw hasPassphrase();
  reader.string();
  if (reader.uint32() !== 1) throw violation('it holds several keys');
  const said = parsePublicKey(reader.string());
  const key = readPrivatePart(reader.string());
  reader.end();
  if (!sameBytes(publicKeyOf(key).blob, said.blob)) throw violation('its halves do not belong together');
  return key;
}

function readPrivatePart(bytes: Uint8Array): KeyObject {
  const reader = new SshReader(bytes);
  if (bytes.length % BLOCK_BYTES !== 0) throw violation('it has a part of a block');
  if (reader.uint32() !== reader.uint32()) throw violation('its check does not match');
  const key = readKey(reader);
  reader.string();
  const padding = reader.rest();
  if (padding.length >= BLOCK_BYTES || padding.some((byte, at) => byte !== at + 1))
    throw violation('its padding is none');
  return key;
}

function readKey(reader: SshReader): KeyObject {
  const type = reader.name() as KeyType;
  switch (type) {
    case 'ssh-ed25519':
      return readEd25519(reader);
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return readEcdsa(type, reader);
    case 'ssh-rsa':
      return readRsa(reader);
    case 'sk-ssh-ed25519@openssh.com':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      throw invalid('is a FIDO key, which only its authenticator can use');
    default:
      throw invalid('is of a type that is not supported', 'use an ed25519 key: ssh-keygen -t ed25519');
  }
}

function readEd25519(reader: SshReader): KeyObject {
  const point = reader.string();
  const both = reader.string();
  if (both.length !== 64 || !sameBytes(both.subarray(32), point)) throw violation('it has the wrong length');
  return fromJwk({ kty: 'OKP', crv: 'Ed25519', x: base64url(point), d: base64url(both.subarray(0, 32)) });
}

function readEcdsa(type: EcdsaType, reader: SshReader): KeyObject {
  const bytes = curveBytes(type);
  reader.name();
  const point = reader.string();
  const d = new Uint8Array(bytes);
  const number = reader.mpint(bytes);
  d.set(number, bytes - number.length);
  const [x, y] = [point.subarray(1, 1 + bytes), point.subarray(1 + bytes)];
  const crv = `P-${type.slice(-3)}`;
  return fromJwk({ kty: 'EC', crv, x: base64url(x), y: base64url(y), d: base64url(d) });
}

function readRsa(reader: SshReader): KeyObject {
  const [n, e, d, qi, p, q] = [reader, reader, reader, reader, reader, reader].map((from) => from.mpint());
  const rest = (prime: Uint8Array) => bytesOf(numberOf(d!) % (numberOf(prime) - 1n));
  const parts = { n, e, d, p, q, dp: rest(p!), dq: rest(q!), qi };
  const texts = Object.entries(parts).map(([name, bytes]) => [name, base64url(bytes!)]);
  return fromJwk({ kty: 'RSA', ...Object.fromEntries(texts) });
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
}

function bytesOf(number: bigint): Uint8Array {
  const hex = number.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

function fromJwk(jwk: Readonly<Record<string, string>>): KeyObject {
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

function hasPassphrase(): CustodyError {
  return invalid(
    'has a passphrase, which nobody could type here',
    'take it off: ssh-keygen -p -N "" -f FILE',
  );
}

function invalid(message: string, hint?: string): CustodyError {
  return new CustodyError('config-invalid', message, hint === undefined ? {} : { hint });
}
