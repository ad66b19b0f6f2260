/**
 * As much of node:crypto as the verifier and the readers use, for browsers and without waiting: digests, public keys, signatures.
 * Whatever else is asked for throws. What it accepts is what node accepts (test/console/crypto.test.ts).
 */
import type { sha256 } from '@noble/hashes/sha2.js';
import { Buffer } from './buffer.ts';
import { type DigestName, digestOf, unknown } from './digests.ts';
import { type KeyInput, PublicKey, publicKeyFrom } from './public-key.ts';
import { isEcdsa, isEd25519, isRsa } from './signatures.ts';

export type { PublicKey as KeyObject };

type Output = 'hex' | 'base64';

export class Hash {
  readonly #name: string;
  readonly #state: ReturnType<typeof sha256.create>;

  constructor(name: string, state?: ReturnType<typeof sha256.create>) {
    this.#name = name;
    this.#state = state ?? (digestOf(name).create() as ReturnType<typeof sha256.create>);
  }

  /** Of what it was given so far; each goes on by itself. */
  copy(): Hash {
    return new Hash(this.#name, this.#state.clone());
  }

  update(data: Uint8Array | string): this {
    this.#state.update(bytesOf(data));
    return this;
  }

  digest(): Buffer;
  digest(encoding: Output): string;
  digest(encoding?: Output): Buffer | string {
    const digest = bufferOf(this.#state.digest());
    return encoding === undefined ? digest : digest.toString(encoding);
  }
}

export function createHash(name: string): Hash {
  return new Hash(name);
}

/** In one call. */
export function hash(name: string, data: Uint8Array | string, encoding: 'buffer'): Buffer;
export function hash(name: string, data: Uint8Array | string, encoding: Output): string;
export function hash(name: string, data: Uint8Array | string, encoding: Output | 'buffer'): Buffer | string {
  const digest = bufferOf(digestOf(name)(bytesOf(data)));
  return encoding === 'buffer' ? digest : digest.toString(encoding);
}

export function createPublicKey(input: KeyInput | PublicKey): PublicKey {
  return input instanceof PublicKey ? input : publicKeyFrom(input);
}

type VerifyKey =
  | PublicKey
  | { readonly key: PublicKey; readonly dsaEncoding?: 'der' | 'ieee-p1363' | undefined };

/** `name`: of the digest; null for Ed25519, which has its own. */
export function verify(name: string | null, data: Uint8Array, by: VerifyKey, signature: Uint8Array): boolean {
  const [key, encoding] = by instanceof PublicKey ? [by, 'der' as const] : [by.key, by.dsaEncoding ?? 'der'];
  if (key.asymmetricKeyType === 'ed25519') {
    if (name !== null) throw unknown('a digest with Ed25519');
    return isEd25519(key.point, data, signature);
  }
  if (name === null) throw unknown(`${key.asymmetricKeyType} without a digest`);
  const digest = digestOf(name)(data);
  if (key.asymmetricKeyType === 'rsa') return isRsa(key, name as DigestName, digest, signature);
  return isEcdsa(key, digest, signature, encoding);
}

export function sign(): never {
  throw unknown('sign');
}

export function generateKeyPairSync(): never {
  throw unknown('generateKeyPairSync');
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}
