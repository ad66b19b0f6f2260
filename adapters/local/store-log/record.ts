/** What a store's log holds, as bytes. */
import { crc32 } from 'node:zlib';

/** What became durable in the log before it is in its place. */
export interface LogRecord {
  readonly kind: RecordKind;
  /** The object's key; of a session in the list its id; of a leaf the objects that it is entered with (`leafName`). */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** `withdrawn`: somebody else had the object's name first, and its record counts no more. `listed`, `ended`: of the list of sessions. */
export type RecordKind = (typeof KINDS)[number];
const KINDS = ['object', 'withdrawn', 'listed', 'ended', 'leaf'] as const;

/*
 * A record, little-endian:
 *   u32 magic · u32 size of all that follows · u32 CRC-32 of what follows the CRC · u8 kind · u16 size of the name · name · bytes
 * Only the end of a run of records can be torn, and what is torn was never acknowledged. Zeros are an end.
 */
const MAGIC = 0x314c_5343;
const HEADER = 12;
const FIXED = HEADER + 3;

/** No key has a line feed. */
export function leafName(keys: readonly string[]): string {
  return keys.join('\n');
}

/** The objects without which the leaf does not count. */
export function keysOfLeaf({ name }: LogRecord): readonly string[] {
  return name === '' ? [] : name.split('\n');
}

export function encodeRecord({ kind, name, bytes }: LogRecord): Buffer {
  const named = Buffer.byteLength(name);
  const record = Buffer.allocUnsafe(FIXED + named + bytes.byteLength);
  record.writeUInt32LE(MAGIC, 0);
  record.writeUInt32LE(record.byteLength - 8, 4);
  record.writeUInt8(KINDS.indexOf(kind), HEADER);
  record.writeUInt16LE(named, HEADER + 1);
  record.write(name, FIXED);
  record.set(bytes, FIXED + named);
  record.writeUInt32LE(crc32(record.subarray(HEADER)), 8);
  return record;
}

/** Whole records from the beginning of a file; stops at the first that is torn or damaged. Their bytes are the file's. */
export function* decodeRecords(file: Buffer): Generator<LogRecord> {
  for (let at = 0; at + FIXED <= file.byteLength; ) {
    const size = file.readUInt32LE(at + 4) + 8;
    if (file.readUInt32LE(at) !== MAGIC || size < FIXED || at + size > file.byteLength) return;
    const record = recordIn(file.subarray(at, at + size));
    if (record === undefined) return;
    yield record;
    at += size;
  }
}

/** Undefined when it is damaged. */
function recordIn(bytes: Buffer): LogRecord | undefined {
  if (crc32(bytes.subarray(HEADER)) !== bytes.readUInt32LE(8)) return undefined;
  const kind = KINDS[bytes.readUInt8(HEADER)];
  const end = FIXED + bytes.readUInt16LE(HEADER + 1);
  if (kind === undefined || end > bytes.byteLength) return undefined;
  return { kind, name: bytes.toString('utf8', FIXED, end), bytes: bytes.subarray(end) };
}
