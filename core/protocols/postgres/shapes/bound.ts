/** Values that a client binds, by the types that it declared or the server told. */
import { binaryText } from '#core/replay/postgres/values.ts';
import type { LiteralKind, SeenLiteral, SeenValue } from '#core/tasks/seen.ts';
import { arrayMembers } from './array-text.ts';
import { binaryMembers, numericText } from './binary-array.ts';

export interface BoundValue {
  /** Of Parse; 0 where the server is to choose. */
  readonly declared: number;
  /** Of ParameterDescription, where it was told. */
  readonly described?: number | undefined;
  readonly format: number;
  readonly bytes: Uint8Array | null;
}

/** Makes a text of bytes; undefined for what is none. */
export type DecodeText = (bytes: Uint8Array) => string | undefined;

const TEXT = 0;
const BINARY = 1;
/** A client that declares it lets the server choose. */
const UNKNOWN = 705;
const NUMERIC = 1700;

/** Type OIDs, which every server has alike (pg_type.dat). */
const KINDS: ReadonlyMap<number, LiteralKind> = new Map([
  [16, 'boolean'],
  [20, 'integer'],
  [21, 'integer'],
  [23, 'integer'],
  [26, 'integer'],
  [700, 'number'],
  [701, 'number'],
  [NUMERIC, 'number'],
  [19, 'text'],
  [25, 'text'],
  [1042, 'text'],
  [1043, 'text'],
  [1082, 'date'],
  [1114, 'timestamp'],
  [1184, 'timestamp'],
  [2950, 'uuid'],
]);

const MEMBERS: ReadonlyMap<number, number> = new Map([
  [1000, 16],
  [1003, 19],
  [1005, 21],
  [1007, 23],
  [1009, 25],
  [1014, 1042],
  [1015, 1043],
  [1016, 20],
  [1021, 700],
  [1022, 701],
  [1028, 26],
  [1115, 1114],
  [1182, 1082],
  [1185, 1184],
  [1231, NUMERIC],
  [2951, 2950],
]);

/** Undefined for what cannot be decoded, or has a type of which nobody can say what it fits. */
export function boundLiteral(value: BoundValue, decode: DecodeText): SeenLiteral | undefined {
  const { declared, bytes } = value;
  const kind = declared === 0 || declared === UNKNOWN ? 'any' : KINDS.get(declared);
  if (kind === undefined) return undefined;
  if (bytes === null) return { kind, text: null };
  return literal(kind, textOf(typeOf(value), value.format, bytes, decode));
}

/** Of a place that has an array. */
export function boundArray(value: BoundValue, decode: DecodeText): SeenValue | undefined {
  const { declared, format, bytes } = value;
  const isOpen = declared === 0 || declared === UNKNOWN;
  const kind = isOpen ? 'any' : KINDS.get(MEMBERS.get(declared) ?? 0);
  if (kind === undefined) return undefined;
  if (bytes === null) return { kind: 'any', text: null };
  if (format === TEXT) {
    const text = decode(bytes);
    return text === undefined ? undefined : arrayOf(text, kind);
  }
  return binaryList(value, kind, bytes, decode);
}

/** An array in text as a list of literals of this kind. */
export function arrayOf(text: string, kind: LiteralKind): SeenValue | undefined {
  const members = arrayMembers(text);
  return members === undefined ? undefined : { list: members.map((member) => ({ kind, text: member })) };
}

function binaryList(
  value: BoundValue,
  kind: LiteralKind,
  bytes: Uint8Array,
  decode: DecodeText,
): SeenValue | undefined {
  const array = value.format === BINARY ? binaryMembers(buffer(bytes)) : undefined;
  const member = MEMBERS.get(typeOf(value));
  if (array === undefined || member === undefined || array.type !== member) return undefined;
  const list = array.members.map((one) =>
    one === null ? { kind, text: null } : literal(kind, textOf(member, BINARY, one, decode)),
  );
  return list.every((one) => one !== undefined) ? { list } : undefined;
}

function typeOf({ declared, described }: BoundValue): number {
  return declared === 0 || declared === UNKNOWN ? (described ?? declared) : declared;
}

function textOf(type: number, format: number, bytes: Uint8Array, decode: DecodeText): string | undefined {
  if (format === TEXT) return decode(bytes);
  if (format !== BINARY) return undefined;
  if (type === UNKNOWN || KINDS.get(type) === 'text') return decode(bytes);
  return type === NUMERIC ? numericText(buffer(bytes)) : binaryText(buffer(bytes), type);
}

function literal(kind: LiteralKind, text: string | undefined): SeenLiteral | undefined {
  return text === undefined ? undefined : { kind, text };
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
