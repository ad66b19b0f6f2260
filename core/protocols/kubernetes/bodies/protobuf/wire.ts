/** The wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding), as far as Kubernetes uses it. */
import { unreadable } from '../value.ts';

export const Wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
const FIELD_MAX = 2 ** 29 - 1;

export interface WireField {
  readonly number: number;
  readonly wire: number;
  /** Of `varint`. */
  readonly integer: bigint;
  /** Of all others. */
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** The fields of a message, in their order. Throws for what is no message. */
export function* fieldsOf(message: Uint8Array): Generator<WireField> {
  const cursor = { message, at: 0 };
  while (cursor.at < message.length) {
    const tag = varint(cursor);
    // Go keeps 32 bits of a field's number: a longer one would be another field there.
    const number = Number(tag >> 3n);
    if (number < 1 || number > FIELD_MAX) throw unreadable('has a field of no valid number');
    yield { number, ...content(cursor, Number(tag & 7n)) };
  }
}

interface Cursor {
  readonly message: Uint8Array;
  at: number;
}

function content(cursor: Cursor, wire: number): Omit<WireField, 'number'> {
  switch (wire) {
    case Wire.varint:
      return { wire, integer: varint(cursor), bytes: NOTHING };
    case Wire.fixed64:
      return { wire, integer: 0n, bytes: take(cursor, 8) };
    case Wire.fixed32:
      return { wire, integer: 0n, bytes: take(cursor, 4) };
    case Wire.bytes:
      return { wire, integer: 0n, bytes: take(cursor, size(varint(cursor))) };
    default:
      throw unreadable('has a group, or no field at all');
  }
}

/** The integers of a packed list. */
export function packed(bytes: Uint8Array): bigint[] {
  const cursor = { message: bytes, at: 0 };
  const list: bigint[] = [];
  while (cursor.at < bytes.length) list.push(varint(cursor));
  return list;
}

function varint(cursor: Cursor): bigint {
  let low = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = take(cursor, 1)[0]!;
    low += (byte & 127) * 2 ** shift;
    if (byte < 128) return BigInt(low);
  }
  return longVarint(cursor, BigInt(low));
}

function longVarint(cursor: Cursor, low: bigint): bigint {
  let value = low;
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = take(cursor, 1)[0]!;
    value += BigInt(byte & 127) << shift;
    if (byte < 128 && value < 1n << 64n) return value;
    if (byte < 128) break;
  }
  throw unreadable('has a number that is too large');
}

function size(value: bigint): number {
  if (value > 0x7fff_ffffn) throw unreadable('ends too early');
  return Number(value);
}

function take(cursor: Cursor, length: number): Uint8Array {
  const end = cursor.at + length;
  if (end > cursor.message.length) throw unreadable('ends too early');
  const bytes = cursor.message.subarray(cursor.at, end);
  cursor.at = end;
  return bytes;
}
