/** Who stands behind a segment's head (FORMAT.md, "Segments" and "Manifests"). For those who verify: nothing here writes. */
import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import { MANIFEST_MAX_BYTES, type OpenStatement } from './format.ts';

/** The session key's signature over the head; or, with a manifest, the journal key's over that, which lists the head. */
export interface Voucher {
  readonly signature: Uint8Array;
  readonly manifest?: Uint8Array;
}

/** A head as bytes, and who vouches for it. */
export interface VouchedHead extends Voucher {
  readonly head: Uint8Array;
}

/** The public keys that an open statement names (Ed25519). */
export interface VouchingKeys {
  readonly recorder: KeyObject;
  /** Absent in statements of earlier writers. */
  readonly journal: KeyObject | undefined;
}

/** The keys that an opening names whose signature was looked at. Throws where one is none. */
export function vouchingKeys({
  recorder,
  journal,
}: Pick<OpenStatement, 'recorder' | 'journal'>): VouchingKeys {
  return { recorder: keyIn(recorder), journal: journal === undefined ? undefined : keyIn(journal) };
}

function keyIn(base64: string): KeyObject {
  return createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
}

const MANIFEST = /^custody\/manifest\/1\n(?:[0-9a-f]{64}\n)+$/;

/** Whether one of the session's two keys stands behind the head, in the way that is its own. */
export function isVouched(
  { head, signature, manifest }: VouchedHead,
  { recorder, journal }: VouchingKeys,
): boolean {
  if (manifest === undefined) return verify(null, head, recorder, signature);
  if (journal === undefined || !isListed(head, manifest)) return false;
  return verify(null, manifest, journal, signature);
}

/** Whether it is a manifest, to the byte, and has a line for the head. */
function isListed(head: Uint8Array, { buffer, byteOffset, byteLength }: Uint8Array): boolean {
  if (byteLength > MANIFEST_MAX_BYTES) return false;
  const text = Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
  return MANIFEST.test(text) && text.includes(`\n${hash('sha256', head, 'hex')}\n`);
}
