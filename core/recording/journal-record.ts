/** Journal entries as bytes. */
import { crc32 } from 'node:zlib';
import { SEGMENT_FILE_MAX_BYTES, TRAILER_BYTES } from './format.ts';
import type { JournalEntry } from './ports.ts';

/*
 * A record, little-endian:
 *   u32 magic · u32 size of all that follows · u32 CRC-32 of what follows the CRC · 16 session (UUID) · u32 segment ·
 *   u32 offset · 512 trailer · block
 * Only the end of a run of records can be torn, and what is torn was never acknowledged.
 */
const MAGIC = 0x314c_4a43;
const HEADER = 12;
const FIXED = HEADER + 16 + 4 + 4 + TRAILER_BYTES;
/** An entry is part of a segment: whatever says that it is longer is none. */
const RECORD_MAX_BYTES = FIXED + SEGMENT_FILE_MAX_BYTES;

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
  yield* new RecordReader().read(file);
}

/** A run of records that comes in pieces: no more of it is held than the record that is not complete. */
export class RecordReader {
  #pieces: Uint8Array[] = [];
  #length = 0;
  /** With fewer bytes there is no record. */
  #needed = FIXED;
  #isOver = false;

  /** Bytes that wait for more. */
  get heldBytes(): number {
    return this.#length;
  }

  /** The records that `piece` completes; none any more behind one that is damaged. Their bytes are those of the pieces. */
  *read(piece: Uint8Array): Generator<JournalEntry> {
    if (this.#isOver) return;
    this.#pieces.push(piece);
    this.#length += piece.byteLength;
    if (this.#length < this.#needed) return;
    const run = this.#together();
    let at = 0;
    for (let size = FIXED; at + size <= run.byteLength; ) {
      const announced = sizeAt(run, at);
      if (announced === undefined) return this.#end();
      size = announced;
      if (at + size > run.byteLength) break;
      const entry = entryIn(run.subarray(at, at + size));
      if (entry === undefined) return this.#end();
      at += size;
      yield entry;
      size = FIXED;
    }
    this.#keep(run.subarray(at));
  }

  #together(): Buffer {
    const [only, ...more] = this.#pieces as [Uint8Array, ...Uint8Array[]];
    if (more.length > 0) return Buffer.concat(this.#pieces);
    return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  }

  #keep(rest: Buffer): void {
    this.#pieces = rest.byteLength === 0 ? [] : [rest];
    this.#length = rest.byteLength;
    this.#needed = rest.byteLength < FIXED ? FIXED : sizeAt(rest, 0)!;
  }

  #end(): void {
    this.#isOver = true;
    this.#pieces = [];
    this.#length = 0;
  }
}

/** How long the record is that begins here; undefined where none does. */
function sizeAt(run: Buffer, at: number): number | undefined {
  const size = run.readUInt32LE(at + 4) + 8;
  return run.readUInt32LE(at) === MAGIC && size >= FIXED && size <= RECORD_MAX_BYTES ? size : undefined;
}

/** Undefined when it is damaged. */
function entryIn(record: Buffer): JournalEntry | undefined {
  if (crc32(record.subarray(HEADER)) !== record.readUInt32LE(8)) return undefined;
  return {
    session: uuidText(record.subarray(HEADER, HEADER + 16)),
    segment: record.readUInt32LE(HEADER + 16),
    offset: record.readUInt32LE(HEADER + 20),
    trailer: record.subarray(HEADER + 24, FIXED),
    block: record.subarray(FIXED),
  };
}

/** What `peekRecord` looks at. */
export const RECORD_START_BYTES = HEADER + 16;

/** How long the record that begins here says it is, and whose; nobody vouches for it. Undefined where none begins. */
export function peekRecord(start: Buffer): { readonly size: number; readonly session: string } | undefined {
  const size = start.readUInt32LE(4) + 8;
  if (start.readUInt32LE(0) !== MAGIC || size < FIXED) return undefined;
  return { size, session: uuidText(start.subarray(HEADER, HEADER + 16)) };
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
