/** The `publickey` method's request, read and its signature verified (RFC 4252 section 7; OpenSSH's PROTOCOL, section 3.1). */

import { CustodyError } from '#core/errors.ts';
import { certifiedAlgorithm, parseCertificate, type SshCertificate } from '../keys/certificate.ts';
import { parsePublicKey, type SshPublicKey } from '../keys/public-key.ts';
import {
  type Authenticator,
  algorithmsOf,
  isSignatureAlgorithm,
  verifySignature,
} from '../keys/signature.ts';
import { SshWriter, sameBytes, violation } from '../wire.ts';
import { HOSTBOUND, type RequestHead } from './messages.ts';

/** A key that a client names. It has proved nothing. */
export interface OfferedKey {
  /** As the client calls it; what PK_OK repeats. */
  readonly algorithm: string;
  readonly blob: Uint8Array;
  readonly key: SshPublicKey;
  readonly certificate?: SshCertificate;
}

/** A key of which the client has proved, over this very connection, that it holds it. */
export interface KeyProof {
  readonly key: SshPublicKey;
  readonly algorithm: string;
  /** Of a FIDO key; somebody touched it, else it proves nothing. */
  readonly authenticator?: Authenticator;
}

export interface KeyRequest {
  readonly offered: OfferedKey;
  /** Undefined in a request that only asks whether a signature would be welcome. */
  readonly signed?: { readonly signature: Uint8Array; readonly message: Uint8Array };
}

/** Undefined where the request is of kinds that are not known or not welcome: it is refused, and the client may try another key. */
export function readKeyRequest(
  payload: Uint8Array,
  { method, reader }: RequestHead,
  sessionId: Uint8Array,
  hostKey: Uint8Array | undefined,
): KeyRequest | undefined {
  const isSigned = reader.boolean();
  const algorithm = reader.name();
  const blob = Uint8Array.from(reader.string());
  if (method === HOSTBOUND && !isOurs(reader.string(), hostKey)) return undefined;
  const until = reader.at;
  const signature = isSigned ? Uint8Array.from(reader.string()) : undefined;
  reader.end();
  const offered = readOffered(algorithm, blob);
  if (offered === undefined) return undefined;
  if (signature === undefined) return { offered };
  // All that the request says up to its signature, and the session that it says it in.
  const message = new SshWriter().string(sessionId).raw(payload.subarray(0, until)).done();
  return { offered, signed: { signature, message } };
}

function isOurs(named: Uint8Array, hostKey: Uint8Array | undefined): boolean {
  if (hostKey === undefined) return false;
  if (!sameBytes(named, hostKey)) throw violation('the client signs for another server than this one');
  return true;
}

function readOffered(algorithm: string, blob: Uint8Array): OfferedKey | undefined {
  try {
    if (isSignatureAlgorithm(algorithm)) return plain(algorithm, blob);
    const certified = certifiedAlgorithm(algorithm);
    return certified === undefined ? undefined : withCertificate(algorithm, certified, blob);
  } catch (thrown) {
    if (thrown instanceof CustodyError && thrown.code === 'unsupported') return undefined;
    throw thrown;
  }
}

function plain(algorithm: string, blob: Uint8Array): OfferedKey | undefined {
  const key = parsePublicKey(blob);
  return fits(key, algorithm) ? { algorithm, blob, key } : undefined;
}

function withCertificate(algorithm: string, certified: string, blob: Uint8Array): OfferedKey | undefined {
  const certificate = parseCertificate(blob);
  const { key } = certificate;
  return fits(key, certified) ? { algorithm, blob, key, certificate } : undefined;
}

function fits(key: SshPublicKey, algorithm: string): boolean {
  return algorithmsOf(key.type).some((known) => known === algorithm);
}

/** The one place where an offered key becomes a proved one (security case 2). Undefined when the signature is not good. */
export function proveKey({ offered, signed }: KeyRequest): KeyProof | undefined {
  if (signed === undefined) return undefined;
  const algorithm = certifiedAlgorithm(offered.algorithm) ?? offered.algorithm;
  const verified = verifySignature(offered.key, signed.signature, signed.message, [algorithm]);
  if (verified === undefined) return undefined;
  // Without a touch, software alone could have asked the authenticator (PROTOCOL.u2f).
  if (verified.authenticator?.present === false) return undefined;
  return { key: offered.key, ...verified };
}
