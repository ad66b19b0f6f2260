/** Segments' files as FORMAT.md lays them out: the writer's side. */
import { hash } from 'node:crypto';
import {
  HEAD_BYTES,
  type Head,
  MANIFEST_HEADER_BYTES,
  MANIFEST_MAGIC,
  SIGNATURE_BYTES,
  SKIPPABLE_MAGIC,
  TRAILER_BYTES,
} from './format.ts';
import type { VouchedHead } from './vouched.ts';

/** What is signed, or listed: one line of JSON, filled up, in ASCII. The same head always makes the same text. Hot. */
export function headText(head: Head): string {
  const { type, session, segment, frames, bytes, content, sha256, previous, until } = head;
  const counts = `"segment":${segment},"frames":${frames},"bytes":${bytes},"content":${content}`;
  const hashes = `"sha256":"${sha256}","previous":"${previous}"`;
  const json = `{"type":"${type}","session":"${session}",${counts},${hashes},"until":${until}}`;
  return `${json.padEnd(HEAD_BYTES - 1)}\n`;
}

/** The same as bytes. */
export function headBytes(head: Head): Buffer {
  return Buffer.from(headText(head), 'latin1');
}

/** What a manifest's line has of a head: SHA-256, in hex. */
export function leafOf(head: Head): string {
  return hash('sha256', headText(head), 'hex');
}

/** Skippable header, head, signature. */
export function trailerBytes(head: Uint8Array, signature: Uint8Array): Buffer {
  const trailer = Buffer.allocUnsafe(TRAILER_BYTES);
  trailer.writeUInt32LE(SKIPPABLE_MAGIC, 0);
  trailer.writeUInt32LE(TRAILER_BYTES - 8, 4);
  trailer.set(head, 8);
  trailer.set(signature, TRAILER_BYTES - SIGNATURE_BYTES);
  return trailer;
}

/** The signature in what `trailerBytes` made. */
export function signatureIn(trailer: Uint8Array): Uint8Array {
  return trailer.subarray(TRAILER_BYTES - SIGNATURE_BYTES);
}

/** A segment's file: the manifest where there is one, the content, the trailer. */
export function segmentBytes(content: Uint8Array, { head, signature, manifest }: VouchedHead): Buffer {
  const trailer = trailerBytes(head, signature);
  return manifest === undefined
    ? Buffer.concat([content, trailer])
    : Buffer.concat([manifestHeader(manifest.byteLength), manifest, content, trailer]);
}

function manifestHeader(bytes: number): Buffer {
  const header = Buffer.allocUnsafe(MANIFEST_HEADER_BYTES);
  header.writeUInt32LE(MANIFEST_MAGIC, 0);
  header.writeUInt32LE(bytes, 4);
  return header;
}
