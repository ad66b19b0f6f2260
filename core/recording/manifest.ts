/** Manifests (FORMAT.md): one signature over the heads of all sessions of a commit. */
import { MANIFEST_LINE_BYTES, MANIFEST_TITLE } from './format.ts';

/** A SHA-256. */
export const LEAF_BYTES = 32;

/** The text that is signed. `lines`: SHA-256 of each head, in hex. */
export function manifestOf(lines: readonly string[]): Buffer {
  return Buffer.from(`${MANIFEST_TITLE}${lines.join('\n')}\n`, 'latin1');
}

/** The lines of leaves that stand one behind the other. */
export function linesOf(leaves: Buffer): string[] {
  const hex = leaves.toString('hex');
  const lines: string[] = [];
  for (let at = 0; at < hex.length; at += 2 * LEAF_BYTES) lines.push(hex.slice(at, at + 2 * LEAF_BYTES));
  return lines;
}

/** The leaves of what `manifestOf` made, one behind the other. */
export function leavesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  const lines = Buffer.from(buffer, byteOffset, byteLength).toString('latin1', MANIFEST_TITLE.length);
  return Buffer.from(lines.replaceAll('\n', ''), 'hex');
}

/** How many bytes they are. */
export function leavesBytes({ byteLength }: Uint8Array): number {
  return ((byteLength - MANIFEST_TITLE.length) / MANIFEST_LINE_BYTES) * LEAF_BYTES;
}
