/** Values whose JSON form is not that of their message. Their fields are few, and stand in the generated.proto of apimachinery. */
import { readJson } from '../json.ts';
import { type BodyValue, unreadable, utf8 } from '../value.ts';
import { fieldsOf, Wire, type WireField } from './wire.ts';

/** A message's fields by number, none of them twice, and none but those that are expected. */
export function onlyFields(message: Uint8Array, most: number): ReadonlyMap<number, WireField> {
  const fields = new Map<number, WireField>();
  for (const field of fieldsOf(message)) {
    if (fields.has(field.number) || field.number > most)
      throw unreadable('has a field twice, or one that is not known');
    fields.set(field.number, field);
  }
  return fields;
}

export function integerIn(fields: ReadonlyMap<number, WireField>, number: number): bigint {
  const field = fields.get(number);
  if (field !== undefined && field.wire !== Wire.varint)
    throw unreadable('has a field in the form of another type');
  return BigInt.asIntN(64, field?.integer ?? 0n);
}

export function bytesIn(fields: ReadonlyMap<number, WireField>, number: number): Uint8Array | undefined {
  const field = fields.get(number);
  if (field !== undefined && field.wire !== Wire.bytes)
    throw unreadable('has a field in the form of another type');
  return field?.bytes;
}

export function textIn(fields: ReadonlyMap<number, WireField>, number: number): string {
  const bytes = bytesIn(fields, number);
  return bytes === undefined ? '' : utf8(bytes);
}

const YEAR_10000 = 253_402_300_800n;

/** Of a zero time nothing is written, and JSON has null. */
export function timeOf(message: Uint8Array, digits: 0 | 6): BodyValue {
  if (message.length === 0) return null;
  const fields = onlyFields(message, 2);
  const seconds = integerIn(fields, 1);
  const nanos = integerIn(fields, 2);
  if (seconds < -62_167_219_200n || seconds >= YEAR_10000 || nanos < 0n || nanos > 999_999_999n)
    throw unreadable('has a time that RFC 3339 has not');
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  if (digits === 0) return `${text}Z`;
  return `${text}.${String(nanos / 1000n).padStart(6, '0')}Z`;
}

export function quantityOf(message: Uint8Array): BodyValue {
  return textIn(onlyFields(message, 1), 1);
}

/** Type 0 is an integer; Go keeps 32 bits of it. */
export function intOrStringOf(message: Uint8Array): BodyValue {
  const fields = onlyFields(message, 3);
  const type = integerIn(fields, 1);
  if (type === 1n) return textIn(fields, 3);
  const integer = integerIn(fields, 2);
  if (type !== 0n || integer !== BigInt.asIntN(32, integer)) throw unreadable('has neither number nor text');
  return Number(integer);
}

/** JSON within protobuf: defaults of schemas, and what managers have set. */
export function jsonOf(message: Uint8Array): BodyValue {
  const raw = bytesIn(onlyFields(message, 1), 1);
  return raw === undefined || raw.length === 0 ? null : readJson(raw);
}

const UNITS = [
  ['h', 3_600_000_000_000n],
  ['m', 60_000_000_000n],
] as const;

/** As time.Duration of Go is written: 1h0m0.5s. */
export function durationOf(message: Uint8Array): BodyValue {
  const nanos = integerIn(onlyFields(message, 1), 1);
  const sign = nanos < 0n ? '-' : '';
  let left = nanos < 0n ? -nanos : nanos;
  if (left < 1_000_000_000n) return sign + belowSecond(left);
  let text = '';
  for (const [unit, length] of UNITS) {
    if (text !== '' || left >= length) text += `${left / length}${unit}`;
    left %= length;
  }
  return `${sign}${text}${decimal(left, 9)}s`;
}

function belowSecond(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  if (nanos < 1000n) return `${nanos}ns`;
  return nanos < 1_000_000n ? `${decimal(nanos, 3)}µs` : `${decimal(nanos, 6)}ms`;
}

function decimal(value: bigint, digits: number): string {
  const text = String(value).padStart(digits + 1, '0');
  const fraction = text.slice(-digits).replace(/0+$/, '');
  return text.slice(0, -digits) + (fraction === '' ? '' : `.${fraction}`);
}
