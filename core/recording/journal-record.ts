/** Journal entries as bytes, and the tails that they make up. */
import { crc32 } from 'node:zlib';
import { TRAILER_BYTES } from './format.ts';
import type { JournalEntry, JournaledTail } from './ports.ts';

/*
 * A record, little-endian:
 *   u32 magic · u32 size of all that follows · u32 CRC-32 of what follows the CRC · 16 session (UUID) · u32 segment ·
 *   u32 offset · 512 trailer · block
 * Only the end of a run of records can be torn, and what is torn was never acknowledged.
 */
const MAGIC = 0x314c_4a43;
const HEADER = 12;
const FIXED = HEADER + 16 + 4 + 4 + TRAILER_BYTES;

/** One entry as a record. */
export function encodeEntry(entry: JournalEntry): Buffer {
  const record = Buffer.allocUnsafe(FIXED + entry.block.byteLength);
  record.writeUInt32LE(MAGIC, 0);
  record.writeUInt32LE(record.byteLength - 8, 4);
  record.write(entry.session.replaceAll('-', ''), HEADER, 'hex');
  record.writeUInt32LE(entry.segment, HEADER + 16);
  record.writeUInt32LE(entry.offset, HEADER + 20);
  record.set(entry.trailer, HEADER + 24);
  record.set(entry.block, FIXED);
  record.writeUInt32LE(crc32(record.subarray(HEADER)), 8);
  return record;
}

/** Whole records from the beginning of a file; stops at the first that is torn or damaged. */
export function* decodeEntries(file: Buffer): Generator<JournalEntry> {
  for (let at = 0; at + FIXED <= file.byteLength; ) {
    const size = file.readUInt32LE(at + 4) + 8;
    if (file.readUInt32LE(at) !== MAGIC || size < FIXED || at + size > file.byteLength) return;
    const record = file.subarray(at, at + size);
    if (crc32(record.subarray(HEADER)) !== record.readUInt32LE(8)) return;
    yield {
      session: uuidText(record.subarray(HEADER, HEADER + 16)),
      segment: record.readUInt32LE(HEADER + 16),
      offset: record.readUInt32LE(HEADER + 20),
      trailer: record.subarray(HEADER + 24, FIXED),
      block: record.subarray(FIXED),
    };
    at += size;
  }
}

/** What `peekRecord` looks at. */
export const RECORD_START_BYTES = HEADER + 16;

/** How long the record that begins here says it is, and whose; nobody vouches for it. Undefined where none begins. */
export function peekRecord(start: Buffer): { readonly size: number; readonly session: string } | undefined {
  const size = start.readUInt32LE(4) + 8;
  if (start.readUInt32LE(0) !== MAGIC || size < FIXED) return undefined;
  return { size, session: uuidText(start.subarray(HEADER, HEADER + 16)) };
}

/** Appends an entry to its tail; one that does not follow on is left out, with all behind it. */
export function joinTail(tails: Map<string, JournaledTail>, entry: JournalEntry): void {
  const key = `${entry.session}/${entry.segment}`;
  const known = tails.get(key);
  if (entry.offset !== (known?.content.byteLength ?? 0)) return;
  const content = known === undefined ? entry.block : Buffer.concat([known.content, entry.block]);
  tails.set(key, { session: entry.session, segment: entry.segment, content, trailer: entry.trailer });
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
