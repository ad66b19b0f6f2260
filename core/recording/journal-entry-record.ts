/** What a journal's record holds of an entry. */
import { parseJson } from '../json.ts';
import { HEAD_BYTES, headSchema, SIGNATURE_BYTES, TRAILER_BYTES } from './format.ts';
import type { JournalEntry } from './ports.ts';
import type { Voucher } from './vouched.ts';

/*
 * Little-endian:
 *   16 session (UUID) · u32 segment · u32 offset · u32 content · u48 frames · u48 bytes · u48 until · 32 sha256 · 32 previous ·
 *   u8 what vouches: 0 a manifest, 1 the signature that follows · [64 signature] · block
 */
const AT = {
  segment: 16,
  offset: 20,
  content: 24,
  frames: 28,
  bytes: 34,
  until: 40,
  sha256: 46,
  previous: 78,
};
const VOUCHED_AT = 110;
const ENTRY_LEAST_BYTES = VOUCHED_AT + 1;
const UINT48 = 6;
/** What stands before the block at most, also with an earlier writer. */
export const ENTRY_AROUND_BYTES = AT.content + TRAILER_BYTES;
const [UNDER_MANIFEST, SIGNED] = [0, 1];

/** How many bytes `writeEntry` writes. */
export function entryBytes({ block, voucher }: JournalEntry): number {
  const own = voucher.manifest === undefined ? SIGNATURE_BYTES : 0;
  return ENTRY_LEAST_BYTES + own + block.byteLength;
}

/** Writes an entry into exactly as many bytes as it takes. */
export function writeEntry(
  { session, segment, offset, block, head, voucher }: JournalEntry,
  into: Buffer,
): void {
  into.write(session.replaceAll('-', ''), 0, 'hex');
  into.writeUInt32LE(segment, AT.segment);
  into.writeUInt32LE(offset, AT.offset);
  into.writeUInt32LE(head.content, AT.content);
  into.writeUIntLE(head.frames, AT.frames, UINT48);
  into.writeUIntLE(head.bytes, AT.bytes, UINT48);
  into.writeUIntLE(head.until, AT.until, UINT48);
  into.write(head.sha256 + head.previous, AT.sha256, 'hex');
  const isSigned = voucher.manifest === undefined;
  into[VOUCHED_AT] = isSigned ? SIGNED : UNDER_MANIFEST;
  if (isSigned) into.set(voucher.signature, ENTRY_LEAST_BYTES);
  into.set(block, into.byteLength - block.byteLength);
}

/** Undefined where it is none, or is under a manifest and there is none. Its bytes are those of the record. */
export function readEntry(from: Buffer, manifest: Voucher | undefined): JournalEntry | undefined {
  if (from.byteLength < ENTRY_LEAST_BYTES) return undefined;
  const isSigned = from[VOUCHED_AT] === SIGNED;
  const blockAt = ENTRY_LEAST_BYTES + (isSigned ? SIGNATURE_BYTES : 0);
  if (from.byteLength < blockAt || (!isSigned && from[VOUCHED_AT] !== UNDER_MANIFEST)) return undefined;
  const voucher = isSigned ? { signature: from.subarray(ENTRY_LEAST_BYTES, blockAt) } : manifest;
  if (voucher === undefined) return undefined;
  const session = sessionAt(from);
  const segment = from.readUInt32LE(AT.segment);
  const head = {
    type: 'custody/head/1' as const,
    session,
    segment,
    frames: from.readUIntLE(AT.frames, UINT48),
    bytes: from.readUIntLE(AT.bytes, UINT48),
    content: from.readUInt32LE(AT.content),
    sha256: from.toString('hex', AT.sha256, AT.previous),
    previous: from.toString('hex', AT.previous, VOUCHED_AT),
    until: from.readUIntLE(AT.until, UINT48),
  };
  return {
    session,
    segment,
    offset: from.readUInt32LE(AT.offset),
    block: from.subarray(blockAt),
    head,
    voucher,
  };
}

/** One of an earlier writer: session, segment and offset likewise, then the whole trailer of the session key, then the block. */
export function readEarlierEntry(from: Buffer): JournalEntry | undefined {
  const headAt = AT.content + 8;
  const blockAt = AT.content + TRAILER_BYTES;
  if (from.byteLength < blockAt) return undefined;
  const head = parseHead(from.toString('latin1', headAt, headAt + HEAD_BYTES));
  if (head === undefined) return undefined;
  return {
    session: sessionAt(from),
    segment: from.readUInt32LE(AT.segment),
    offset: from.readUInt32LE(AT.offset),
    block: from.subarray(blockAt),
    head,
    voucher: { signature: from.subarray(blockAt - SIGNATURE_BYTES, blockAt) },
  };
}

function parseHead(text: string): JournalEntry['head'] | undefined {
  try {
    return headSchema.safeParse(parseJson(text)).data;
  } catch {
    return undefined;
  }
}

/** The UUID that an entry begins with. */
export function sessionAt(bytes: Buffer, at = 0): string {
  const hex = bytes.toString('hex', at, at + 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
