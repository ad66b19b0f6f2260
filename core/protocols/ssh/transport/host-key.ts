/** How a server proves its host key in an exchange, and how a client looks at the proof (RFC 4253 section 8). */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import { certificateAlgorithm, certifiedAlgorithm, parseCertificate } from '../keys/certificate.ts';
import { parsePublicKey, publicKeyOf, type SshPublicKey } from '../keys/public-key.ts';
import { algorithmsOf, signWith, verifySignature } from '../keys/signature.ts';
import type { HostKey } from './types.ts';

export interface ServerHostKey {
  readonly privateKey: KeyObject;
  readonly key: SshPublicKey;
  readonly certificate: Uint8Array | undefined;
}

export function serverHostKey({ key, certificate }: HostKey): ServerHostKey {
  return { privateKey: key, key: publicKeyOf(createPublicKey(key)), certificate };
}

/** The one that goes with the algorithm, which is one of the server's offer. */
export function hostKeyFor(
  keys: readonly ServerHostKey[],
  algorithm: string,
): { key: ServerHostKey; blob: Uint8Array } {
  for (const key of keys) {
    const plain: readonly string[] = algorithmsOf(key.key.type);
    if (plain.includes(algorithm)) return { key, blob: key.key.blob };
    if (key.certificate !== undefined && plain.map(certificateAlgorithm).includes(algorithm))
      return { key, blob: key.certificate };
  }
  throw new CustodyError('unsupported', 'no host key for what was agreed on', { detail: algorithm });
}

export function signExchange(
  { privateKey, key }: ServerHostKey,
  algorithm: string,
  hash: Uint8Array,
): Uint8Array {
  return signWith(privateKey, key.type, certifiedAlgorithm(algorithm) ?? algorithm, hash);
}

/** Throws when the signature over the exchange is not this key's, or not by the algorithm that was agreed on. */
export function verifyExchange(
  blob: Uint8Array,
  algorithm: string,
  signature: Uint8Array,
  hash: Uint8Array,
): void {
  const certified = certifiedAlgorithm(algorithm);
  const key = certified === undefined ? parsePublicKey(blob) : parseCertificate(blob).key;
  const signed = certified ?? algorithm;
  const fits =
    signed === 'ssh-rsa' ? key.type === 'ssh-rsa' : algorithmsOf(key.type).some((name) => name === signed);
  if (fits && verifySignature(key, signature, hash, [signed]) !== undefined) return;
  throw new CustodyError('protocol-violation', "the server's signature is not by its host key");
}
