/** A journal as bytes: a run of records. */
import { crc32 } from 'node:zlib';
import { CONTENT_MAX_BYTES, MANIFEST_MAX_HEADS, SIGNATURE_BYTES } from './format.ts';
import {
  ENTRY_AROUND_BYTES,
  entryBytes,
  readEarlierEntry,
  readEntry,
  sessionAt,
  writeEntry,
} from './journal-entry-record.ts';
import { LEAF_BYTES, leavesBytes, leavesOf, linesOf, manifestOf } from './manifest.ts';
import type { JournalEntry } from './ports.ts';
import type { Voucher } from './vouched.ts';

/*
 * A record, little-endian:
 *   u32 magic · u32 size of all that follows · u32 CRC-32 of what follows the CRC · the rest, by the magic:
 *   CJM1, a manifest: 64 signature · 32 for each head, its SHA-256
 *   CJL2, an entry (journal-entry-record.ts); one without a signature of its own is under the last manifest before it
 *   CJL1, an entry of an earlier writer
 * Only the end of a run of records can be torn, and what is torn was never acknowledged.
 */
const MANIFEST = 0x314d_4a43;
const ENTRY = 0x324c_4a43;
const EARLIER_ENTRY = 0x314c_4a43;
const HEADER = 12;
const RECORD_MIN_BYTES = HEADER + SIGNATURE_BYTES + LEAF_BYTES;
/** An entry is part of a segment: whatever says that it is longer is none. */
const ENTRY_MAX_BYTES = HEADER + ENTRY_AROUND_BYTES + CONTENT_MAX_BYTES;
const MANIFEST_RECORD_MAX_BYTES = HEADER + SIGNATURE_BYTES + MANIFEST_MAX_HEADS * LEAF_BYTES;

/** Entries as a run of records, in one piece: each manifest once, ahead of its entries, and again for each run. */
export function encodeEntries(entries: readonly JournalEntry[]): Buffer {
  const run = new RunWriter(runBytes(entries));
  for (const [entry, manifest] of withManifests(entries)) {
    if (manifest !== undefined) run.manifest(manifest, entry.voucher.signature);
    run.entry(entry);
  }
  return run.bytes;
}

function runBytes(entries: readonly JournalEntry[]): number {
  let bytes = 0;
  for (const [entry, manifest] of withManifests(entries)) {
    if (manifest !== undefined) bytes += HEADER + SIGNATURE_BYTES + leavesBytes(manifest);
    bytes += HEADER + entryBytes(entry);
  }
  return bytes;
}

/** Each entry, and the manifest that has to stand before it. */
function* withManifests(
  entries: readonly JournalEntry[],
): Generator<readonly [JournalEntry, Uint8Array | undefined]> {
  let last: Uint8Array | undefined;
  for (const entry of entries) {
    const { manifest } = entry.voucher;
    yield [entry, manifest === last ? undefined : manifest];
    last = manifest ?? last;
  }
}

/** Writes one record behind the other into as many bytes as they take. */
class RunWriter {
  readonly bytes: Buffer;
  #at = 0;

  constructor(bytes: number) {
    this.bytes = Buffer.allocUnsafe(bytes);
  }

  manifest(manifest: Uint8Array, signature: Uint8Array): void {
    const leaves = leavesOf(manifest);
    const body = this.#begin(SIGNATURE_BYTES + leaves.byteLength);
    body.set(signature);
    body.set(leaves, SIGNATURE_BYTES);
    this.#end(MANIFEST, body);
  }

  entry(entry: JournalEntry): void {
    const body = this.#begin(entryBytes(entry));
    writeEntry(entry, body);
    this.#end(ENTRY, body);
  }

  #begin(bytes: number): Buffer {
    const at = this.#at + HEADER;
    return this.bytes.subarray(at, at + bytes);
  }

  #end(magic: number, body: Buffer): void {
    const at = this.#at;
    this.#at += HEADER + body.byteLength;
    this.bytes.writeUInt32LE(magic, at);
    this.bytes.writeUInt32LE(HEADER + body.byteLength - 8, at + 4);
    this.bytes.writeUInt32LE(crc32(body), at + 8);
  }
}

/** Entries of whole records from the beginning of a file; stops at the first that is torn or damaged. */
export function* decodeEntries(file: Buffer): Generator<JournalEntry> {
  yield* new RecordReader().read(file);
}

/** A run of records that comes in pieces: no more of it is held than the record that is not complete, and the last manifest. */
export class RecordReader {
  #pieces: Uint8Array[] = [];
  #length = 0;
  /** With fewer bytes there is no record. */
  #needed = RECORD_MIN_BYTES;
  #isOver = false;
  #manifest: Voucher | undefined;

  /** Bytes that wait for more. */
  get heldBytes(): number {
    return this.#length;
  }

  /**
   * The entries that `piece` completes; none any more behind a record that is damaged. Blocks and signatures are views of the pieces,
   * manifests are not.
   */
  *read(piece: Uint8Array): Generator<JournalEntry> {
    if (this.#isOver) return;
    this.#pieces.push(piece);
    this.#length += piece.byteLength;
    if (this.#length < this.#needed) return;
    const run = this.#together();
    let at = 0;
    for (let size = RECORD_MIN_BYTES; at + size <= run.byteLength; ) {
      const announced = sizeAt(run, at);
      if (announced === undefined) return this.#end();
      size = announced;
      if (at + size > run.byteLength) break;
      const record = run.subarray(at, at + size);
      if (!isWhole(record)) return this.#end();
      at += size;
      size = RECORD_MIN_BYTES;
      const entry = this.#take(record);
      if (entry !== undefined) yield entry;
      else if (this.#isOver) return;
    }
    this.#keep(run.subarray(at));
  }

  /** Undefined for a manifest; and for what is nothing at all, where the run then ends. */
  #take(record: Buffer): JournalEntry | undefined {
    const body = record.subarray(HEADER);
    const magic = record.readUInt32LE(0);
    if (magic === MANIFEST) this.#manifest = manifestIn(body);
    else {
      const entry = magic === ENTRY ? readEntry(body, this.#manifest) : readEarlierEntry(body);
      if (entry === undefined) this.#end();
      return entry;
    }
    return undefined;
  }

  #together(): Buffer {
    const [only, ...more] = this.#pieces as [Uint8Array, ...Uint8Array[]];
    if (more.length > 0) return Buffer.concat(this.#pieces);
    return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  }

  #keep(rest: Buffer): void {
    this.#pieces = rest.byteLength === 0 ? [] : [rest];
    this.#length = rest.byteLength;
    this.#needed = rest.byteLength < RECORD_MIN_BYTES ? RECORD_MIN_BYTES : sizeAt(rest, 0)!;
  }

  #end(): void {
    this.#isOver = true;
    this.#pieces = [];
    this.#length = 0;
  }
}

/** Out of the record's memory: entries that come later are under it. */
function manifestIn(body: Buffer): Voucher {
  const signature = Buffer.from(body.subarray(0, SIGNATURE_BYTES));
  return { signature, manifest: manifestOf(linesOf(body.subarray(SIGNATURE_BYTES))) };
}

/** How long the record is that begins here; undefined where none does. */
function sizeAt(run: Buffer, at: number): number | undefined {
  const size = run.readUInt32LE(at + 4) + 8;
  return size >= RECORD_MIN_BYTES && size <= maxBytesOf(run.readUInt32LE(at)) ? size : undefined;
}

/** 0 where nothing begins so. */
function maxBytesOf(magic: number): number {
  if (magic === MANIFEST) return MANIFEST_RECORD_MAX_BYTES;
  return magic === ENTRY || magic === EARLIER_ENTRY ? ENTRY_MAX_BYTES : 0;
}

/** Whether all of a record is there, as it was written. */
export function isWhole(record: Buffer): boolean {
  return crc32(record.subarray(HEADER)) === record.readUInt32LE(8);
}

/** What `peekRecord` looks at. */
export const RECORD_START_BYTES = HEADER + 16;

/**
 * How long the record that begins here says it is, and whose entry it holds, if it is no manifest; nobody vouches for it. Undefined
 * where none begins.
 */
export function peekRecord(
  start: Buffer,
): { readonly size: number; readonly session: string | undefined } | undefined {
  const size = sizeAt(start, 0);
  if (size === undefined) return undefined;
  const isManifest = start.readUInt32LE(0) === MANIFEST;
  return { size, session: isManifest ? undefined : sessionAt(start, HEADER) };
}
