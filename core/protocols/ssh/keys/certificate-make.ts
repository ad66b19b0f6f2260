/** OpenSSH certificates, made (OpenSSH's PROTOCOL.certkeys), by a CA whose key is ECDSA P-256: KMS's, or a file's. */
import { createPublicKey, randomBytes } from 'node:crypto';
import type { Signer } from '#core/recording/ports.ts';
import { SshReader, SshWriter } from '../wire.ts';
import { certificateType } from './certificate.ts';
import { publicKeyOf, type SshPublicKey } from './public-key.ts';
import { ecdsaFromDer } from './signature.ts';

export interface CertificateContent {
  readonly kind: 'user' | 'host';
  readonly key: SshPublicKey;
  readonly serial: bigint;
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly validAfter: Date;
  readonly validBefore: Date;
  /** By name; a text that is empty has no value of its own, such as that of `verify-required`. */
  readonly criticalOptions?: Readonly<Record<string, string>>;
  /** The same: `permit-pty` has an empty text, `identity@custody` has one. */
  readonly extensions?: Readonly<Record<string, string>>;
}

const NONCE_BYTES = 32;

/** A certificate in its wire form. Rejects when the CA cannot sign. */
export async function makeCertificate(content: CertificateContent, ca: Signer): Promise<Uint8Array> {
  const key = caKeyOf(await ca.publicKey());
  const toSign = certificateToSign(content, key, randomBytes(NONCE_BYTES));
  return sealCertificate(toSign, ecdsaFromDer(await ca.sign(toSign)));
}

/** A CA's key by its SubjectPublicKeyInfo, which is what a `Signer` tells of itself. */
export function caKeyOf(spki: Uint8Array): SshPublicKey {
  return publicKeyOf(createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }));
}

/** What the CA signs. */
export function certificateToSign(
  content: CertificateContent,
  ca: SshPublicKey,
  nonce: Uint8Array,
): Uint8Array {
  return new SshWriter(1024)
    .string(certificateType(content.key.type))
    .string(nonce)
    .raw(fieldsOf(content.key))
    .uint64(content.serial)
    .uint32(content.kind === 'user' ? 1 : 2)
    .string(content.keyId)
    .string(packed(content.principals))
    .uint64(secondsOf(content.validAfter))
    .uint64(secondsOf(content.validBefore))
    .string(options(content.criticalOptions))
    .string(options(content.extensions))
    .string('')
    .string(ca.blob)
    .done();
}

/** `signature` is in SSH's form. */
export function sealCertificate(toSign: Uint8Array, signature: Uint8Array): Uint8Array {
  return new SshWriter(toSign.length + signature.length + 4).raw(toSign).string(signature).done();
}

/** A key's wire form after its type. */
function fieldsOf(key: SshPublicKey): Uint8Array {
  const reader = new SshReader(key.blob);
  reader.name();
  return reader.rest();
}

function packed(texts: readonly string[]): Uint8Array {
  const writer = new SshWriter();
  for (const text of texts) writer.string(text);
  return writer.done();
}

/** In the order of their names, as PROTOCOL.certkeys asks for. */
function options(by: Readonly<Record<string, string>> = {}): Uint8Array {
  const writer = new SshWriter();
  const sorted = Object.entries(by).sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [name, text] of sorted)
    writer.string(name).string(text === '' ? '' : new SshWriter().string(text).done());
  return writer.done();
}

function secondsOf(date: Date): bigint {
  return BigInt(Math.floor(date.getTime() / 1000));
}
