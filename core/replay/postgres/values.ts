/** Bytes of values into text. Binary formats: the `*send` functions of the PostgreSQL source, and its manual on types. */
import type { TextEncoding } from '#core/protocols/postgres/encoding/encoding.ts';
import type { Shown } from '../step.ts';
import type { Stamp } from './encoding-in-force.ts';

/** A value of which perhaps only the beginning is there. */
export interface CutValue {
  readonly bytes: Uint8Array;
  /** Bytes of the whole value. */
  readonly length: number;
  /** The encoding of a text, once the server has come to it. */
  stamp?: Stamp;
}

/** Makes a text of bytes; `limit` as in `showText`. */
type ShowText = (value: CutValue, limit: number) => Shown;

const BINARY = 1;
/** Its binary format is a version, 1, and text. */
const JSONB = 3802;
const TEXT_TYPES = new Set([18, 19, 25, 114, 142, 705, 1042, 1043]);
/** 2000-01-01 in Unix time. */
const EPOCH_MS = 946_684_800_000n;
const EPOCH_DAYS = 10_957;
const INFINITY = (1n << 63n) - 1n;

/** The first `limit` bytes as text; a character that the cut divides is left out. */
export function showText({ bytes, length }: CutValue, limit: number, encoding: TextEncoding): Shown {
  const kept = bytes.subarray(0, limit);
  const cut = kept.length < length;
  const { text, undecoded } = encoding.decode(kept, cut);
  return { text, bytes: length, cut, ...(undecoded && { undecoded }) };
}

/** The first `limit` bytes as `\x…`. */
export function showHex(bytes: Uint8Array, limit: number, length = bytes.length): Shown {
  const kept = Buffer.from(bytes.subarray(0, limit));
  return { text: `\\x${kept.toString('hex')}`, bytes: length, cut: kept.length < length };
}

/**
 * A value in its column's format: binary values of common types as the server would write them (floats with
 * JavaScript's exponents), others as `\x…`.
 */
export function showValue(
  value: CutValue,
  type: number,
  format: number,
  limit: number,
  showText: ShowText,
): Shown {
  const { bytes, length } = value;
  if (format !== BINARY || TEXT_TYPES.has(type)) return showText(value, limit);
  if (type === JSONB && bytes[0] === 1) {
    const shown = showText({ ...value, bytes: bytes.subarray(1), length: length - 1 }, limit);
    return Object.assign(shown, { bytes: length });
  }
  const text = bytes.length === length ? binaryText(Buffer.from(bytes), type) : undefined;
  return text === undefined ? showHex(bytes, limit, length) : { text, bytes: length, cut: false };
}

type Reader = (bytes: Buffer) => string | undefined;

/** Type OID → size and reader; `pg_type` of every server has the same. */
const READERS: ReadonlyMap<number, readonly [size: number, read: Reader]> = new Map([
  [16, [1, (bytes) => (bytes[0] === 0 ? 'f' : 't')]],
  [20, [8, (bytes) => String(bytes.readBigInt64BE())]],
  [21, [2, (bytes) => String(bytes.readInt16BE())]],
  [23, [4, (bytes) => String(bytes.readInt32BE())]],
  [26, [4, (bytes) => String(bytes.readUInt32BE())]],
  [700, [4, (bytes) => shortestFloat(bytes.readFloatBE())]],
  [701, [8, (bytes) => String(bytes.readDoubleBE())]],
  [1082, [4, (bytes) => dateText(bytes.readInt32BE())]],
  [1114, [8, (bytes) => timestampText(bytes.readBigInt64BE(), '')]],
  [1184, [8, (bytes) => timestampText(bytes.readBigInt64BE(), '+00')]],
  [2950, [16, uuidText]],
]);

/** Undefined for a type that is not here, and for bytes that are none of its. */
export function binaryText(bytes: Buffer, type: number): string | undefined {
  const [size, read] = READERS.get(type) ?? [];
  return read !== undefined && bytes.length === size ? read(bytes) : undefined;
}

/** The fewest digits that give the same single-precision number. */
function shortestFloat(value: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

function dateText(days: number): string | undefined {
  if (days === 0x7fffffff) return 'infinity';
  if (days === -0x80000000) return '-infinity';
  return isoText((days + EPOCH_DAYS) * 86_400_000)?.replace(/T.*/, '');
}

function timestampText(us: bigint, zone: string): string | undefined {
  if (us === INFINITY) return 'infinity';
  if (us === -INFINITY - 1n) return '-infinity';
  const fraction = ((us % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = isoText(Number((us - fraction) / 1000n + EPOCH_MS))?.slice(0, -5);
  if (seconds === undefined) return undefined;
  const decimals = fraction === 0n ? '' : `.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
  return seconds.replace('T', ' ') + decimals + zone;
}

/** Undefined outside of what Date can hold. */
function isoText(ms: number): string | undefined {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : undefined;
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
