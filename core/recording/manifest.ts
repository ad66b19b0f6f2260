/** Manifests (FORMAT.md): one signature over the heads of all sessions of a commit. */
import { MANIFEST_TITLE } from './format.ts';

/** A SHA-256. */
export const LEAF_BYTES = 32;

/** The text that is signed. `leaves`: SHA-256 of each head, one behind the other. */
export function manifestOf(leaves: Buffer): Buffer {
  const hex = leaves.toString('hex');
  let text = MANIFEST_TITLE;
  for (let at = 0; at < hex.length; at += 2 * LEAF_BYTES) text += `${hex.slice(at, at + 2 * LEAF_BYTES)}\n`;
  return Buffer.from(text, 'latin1');
}

/** What `manifestOf` made it of. */
export function leavesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  const lines = Buffer.from(buffer, byteOffset, byteLength).toString('latin1', MANIFEST_TITLE.length);
  return Buffer.from(lines.replaceAll('\n', ''), 'hex');
}
