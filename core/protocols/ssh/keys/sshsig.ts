/** Signatures over files and challenges, as `ssh-keygen -Y sign` makes them (OpenSSH's PROTOCOL.sshsig). */
import { createHash } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import { printable } from '#core/printable.ts';
import { SshReader, SshWriter, sameBytes, violation } from '../wire.ts';
import { fromBase64, inWords } from './key-line.ts';
import { parsePublicKey, type SshPublicKey } from './public-key.ts';
import { type Authenticator, algorithmsOf, verifySignature } from './signature.ts';

export interface VerifiedFile {
  /** Who signed it; the caller says whether that is who should have. */
  readonly key: SshPublicKey;
  /** Of a FIDO key. */
  readonly authenticator?: Authenticator;
}

const TEXT_MAX = 32 << 10;
const ARMOR = /^-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----\r?\n?$/;
const MAGIC = Buffer.from('SSHSIG');
const VERSION = 1;
const HASHES = ['sha256', 'sha512'];
const NAMESPACE_MAX = 256;

/**
 * Verifies an armoured signature over `message` in `namespace`: one that was made for something else is good for nothing here.
 * Throws `format-invalid` for what is no signature, and `token-invalid` for one that is not good; the messages complete "the signature …".
 */
export function verifySshSig(text: string, message: Uint8Array, namespace: string): VerifiedFile {
  const signature = inWords(() => readSshSig(text));
  if (signature.namespace !== namespace)
    throw notGood(
      `was made for ${printable(signature.namespace)}, not for ${namespace}`,
      `ssh-keygen -Y sign -n ${namespace}`,
    );
  const { key, hash } = signature;
  const verified = verifySignature(
    key,
    signature.signature,
    toSign(namespace, hash, message),
    algorithmsOf(key.type),
  );
  if (verified === undefined) throw notGood('is not of this text by the key that it names');
  if (verified.authenticator?.present === false) throw notGood('was made without a touch of the FIDO key');
  return verified.authenticator === undefined ? { key } : { key, authenticator: verified.authenticator };
}

interface SshSig {
  readonly key: SshPublicKey;
  readonly namespace: string;
  readonly hash: string;
  readonly signature: Uint8Array;
}

function readSshSig(text: string): SshSig {
  if (text.length > TEXT_MAX) throw violation(`it is longer than ${TEXT_MAX} characters`);
  const body = ARMOR.exec(text.trimStart())?.[1];
  if (body === undefined) throw violation('it does not stand between BEGIN and END SSH SIGNATURE');
  const reader = new SshReader(fromBase64(body.replace(/[\r\n]+/g, '')));
  if (!sameBytes(reader.take(MAGIC.length), MAGIC)) throw violation('it is of another form');
  if (reader.uint32() !== VERSION) throw violation('it is of another version');
  const key = parsePublicKey(reader.string());
  const namespace = reader.text(NAMESPACE_MAX);
  reader.string();
  const hash = reader.name();
  if (!HASHES.includes(hash)) throw violation('it names an unknown hash');
  const signature = reader.string();
  reader.end();
  return { key, namespace, hash, signature };
}

function toSign(namespace: string, hash: string, message: Uint8Array): Uint8Array {
  return new SshWriter()
    .raw(MAGIC)
    .string(namespace)
    .string('')
    .string(hash)
    .string(createHash(hash).update(message).digest())
    .done();
}

function notGood(message: string, hint?: string): CustodyError {
  return new CustodyError('token-invalid', message, hint === undefined ? {} : { hint });
}
