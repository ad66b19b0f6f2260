/**
 * Objects of Kubernetes in protobuf: "k8s\0" and a runtime.Unknown, which says the kind and has the object
 * (kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding-idl). As JSON would have them.
 */
import { readCbor } from '../cbor.ts';
import { readJson } from '../json.ts';
import { BODY_MAX_DEPTH, type BodyValue, Budget, base64, ObjectBuilder, unreadable, utf8 } from '../value.ts';
import {
  bytesIn,
  durationOf,
  intOrStringOf,
  jsonOf,
  onlyFields,
  quantityOf,
  textIn,
  timeOf,
} from './special.ts';
import { type Field, type FieldType, messageOf, type Scalar, type Special, Tables } from './tables.ts';
import { fieldsOf, packed, Wire, type WireField } from './wire.ts';

const PREFIX = [0x6b, 0x38, 0x73, 0] as const;
/** Paths of unknown fields that are named. */
const UNKNOWN_MAX = 20;

export interface ProtobufRead {
  readonly value: BodyValue;
  readonly unknown: readonly string[];
}

export function readProtobuf(bytes: Uint8Array): ProtobufRead {
  const reader = new ProtobufReader();
  return { value: reader.enveloped(bytes, '', 0), unknown: reader.unknown };
}

/** An event of a watch: a message without an envelope around an object within one. */
export function readProtobufEvent(bytes: Uint8Array): ProtobufRead {
  const reader = new ProtobufReader();
  return { value: reader.event(bytes), unknown: reader.unknown };
}

function isEnveloped(bytes: Uint8Array): boolean {
  return PREFIX.every((byte, at) => bytes[at] === byte);
}

type Built = { [name: string]: BodyValue };

class ProtobufReader {
  readonly unknown: string[] = [];
  readonly #tables = new Tables();
  readonly #budget = new Budget();

  event(bytes: Uint8Array): BodyValue {
    return this.#message(bytes, messageOf('v1', 'WatchEvent')!, '', 0);
  }

  enveloped(bytes: Uint8Array, path: string, depth: number): BodyValue {
    if (!isEnveloped(bytes)) throw unreadable('has not the beginning that Kubernetes gives protobuf');
    const envelope = onlyFields(bytes.subarray(PREFIX.length), 4);
    if (textIn(envelope, 3) !== '') throw unreadable('has an object in an encoding of its own');
    const meta = onlyFields(bytesIn(envelope, 1) ?? new Uint8Array(0), 2);
    const [apiVersion, kind] = [textIn(meta, 1), textIn(meta, 2)];
    // A server takes its kind from the path then, which is not known here.
    const message = messageOf(apiVersion, kind);
    if (message === undefined) throw unreadable('is of no kind that is known in protobuf');
    const object = this.#message(bytesIn(envelope, 2) ?? new Uint8Array(0), message, path, depth);
    return { kind, apiVersion, ...object };
  }

  #message(bytes: Uint8Array, message: number, path: string, depth: number): Built {
    if (depth > BODY_MAX_DEPTH) throw unreadable('is nested too deep');
    this.#budget.take();
    const built = new ObjectBuilder();
    this.#fill(built, bytes, message, path, depth);
    return built.object;
  }

  #fill(built: ObjectBuilder, bytes: Uint8Array, message: number, path: string, depth: number): void {
    const fields = this.#tables.fieldsOf(message);
    const seen = new Set<number>();
    for (const wire of fieldsOf(bytes)) {
      this.#budget.take();
      const field = fields.get(wire.number);
      if (field === undefined) this.#keepUnknown(built, wire, path);
      else if (field.type.kind === 'list' || field.type.kind === 'map')
        this.#addTo(built, field, field.type, wire, path, depth, message);
      // Go merges a message that comes twice, and of two texts takes the last: nobody writes either.
      else if (seen.has(wire.number)) throw unreadable('has a field twice');
      else this.#set(built, field, wire, path, depth, message);
      seen.add(wire.number);
    }
  }

  #set(
    built: ObjectBuilder,
    field: Field,
    wire: WireField,
    path: string,
    depth: number,
    within: number,
  ): void {
    if (field.name === undefined) {
      if (field.type.kind !== 'message') throw unreadable('has fields of no message');
      if (depth > BODY_MAX_DEPTH) throw unreadable('is nested too deep');
      this.#fill(built, bytesOf(wire), field.type.message, path, depth + 1);
      return;
    }
    const value = this.#value(field.type, wire, `${path}.${field.name}`, depth + 1, within);
    if (field.omitsZero && isZero(value)) return;
    built.add(field.name, value);
  }

  /** Lists and maps come one element at a time. */
  #addTo(
    built: ObjectBuilder,
    { name }: Field,
    type: FieldType & { readonly of: FieldType },
    wire: WireField,
    path: string,
    depth: number,
    within: number,
  ): void {
    const there = `${path}.${name}`;
    if (type.kind === 'map') {
      if (!Object.hasOwn(built.object, name!)) built.add(name!, {});
      this.#entry(built.object[name!] as Built, type.of, wire, there, depth + 1, within);
      return;
    }
    if (!Object.hasOwn(built.object, name!)) built.add(name!, []);
    this.#element(built.object[name!] as BodyValue[], type.of, wire, there, depth + 1, within);
  }

  #element(
    list: BodyValue[],
    type: FieldType,
    wire: WireField,
    path: string,
    depth: number,
    within: number,
  ): void {
    if (type.kind === 'scalar' && isInteger(type.scalar) && wire.wire === Wire.bytes)
      for (const integer of packed(wire.bytes)) {
        this.#budget.take();
        list.push(integerOf(integer, type.scalar));
      }
    else list.push(this.#value(type, wire, `${path}[${list.length}]`, depth, within));
  }

  #entry(map: Built, type: FieldType, wire: WireField, path: string, depth: number, within: number): void {
    const fields = onlyFields(bytesOf(wire), 2);
    const name = textIn(fields, 1);
    const value = fields.get(2) ?? { number: 2, wire: Wire.bytes, integer: 0n, bytes: new Uint8Array(0) };
    const builder = new ObjectBuilder();
    builder.add(name, this.#value(type, value, `${path}.${name}`, depth, within));
    if (Object.hasOwn(map, name)) throw unreadable('has a name twice in one object');
    Object.assign(map, builder.object);
  }

  #value(type: FieldType, wire: WireField, path: string, depth: number, within: number): BodyValue {
    switch (type.kind) {
      case 'scalar':
        return scalarOf(type.scalar, wire);
      case 'message':
        return this.#message(bytesOf(wire), type.message, path, depth);
      case 'special':
        return this.#special(type.special, bytesOf(wire), path, depth, within);
      case 'wrapped':
        return this.#wrapped(type.of, bytesOf(wire), path, depth, within);
      case 'list':
      case 'map':
        throw unreadable('has a list within a list');
    }
  }

  #wrapped(type: FieldType, bytes: Uint8Array, path: string, depth: number, within: number): BodyValue {
    const list: BodyValue[] = [];
    for (const wire of fieldsOf(bytes)) {
      this.#budget.take();
      if (wire.number !== 1) throw unreadable('has a field that is not known');
      this.#element(list, type, wire, path, depth, within);
    }
    return list;
  }

  #special(special: Special, bytes: Uint8Array, path: string, depth: number, within: number): BodyValue {
    switch (special) {
      case 'Time':
        return timeOf(bytes, 0);
      case 'MicroTime':
        return timeOf(bytes, 6);
      case 'Duration':
        return durationOf(bytes);
      case 'Quantity':
        return quantityOf(bytes);
      case 'IntOrString':
        return intOrStringOf(bytes);
      case 'Json':
        return jsonOf(bytes);
      case 'Raw':
        return this.#raw(bytes, path, depth);
      case 'SchemaOrArray':
      case 'SchemaOrBool':
      case 'SchemaOrStrings':
        return this.#schemaOr(special, bytes, path, depth, within);
    }
  }

  /** An object of any kind in any form: in lists of mixed kinds, and in events. */
  #raw(bytes: Uint8Array, path: string, depth: number): BodyValue {
    const raw = bytesIn(onlyFields(bytes, 1), 1) ?? new Uint8Array(0);
    if (raw.length === 0) return null;
    if (depth > BODY_MAX_DEPTH) throw unreadable('is nested too deep');
    if (isEnveloped(raw)) return this.enveloped(raw, path, depth + 1);
    return raw[0] === 0xd9 ? readCbor(raw) : readJson(raw);
  }

  /** These three stand in JSONSchemaProps alone, which is the message that they are `within`. */
  #schemaOr(special: Special, bytes: Uint8Array, path: string, depth: number, within: number): BodyValue {
    const schemas: BodyValue[] = [];
    const texts: string[] = [];
    let allows = false;
    const schemaField = special === 'SchemaOrBool' ? 2 : 1;
    for (const wire of fieldsOf(bytes)) {
      this.#budget.take();
      if (wire.number === schemaField) {
        if (schemas.length > 0) throw unreadable('has a field twice');
        schemas.push(this.#message(bytesOf(wire), within, path, depth));
      } else if (wire.number > 2) throw unreadable('has a field that is not known');
      else if (special === 'SchemaOrBool') allows = scalarOf('boolean', wire) === true;
      else if (special === 'SchemaOrStrings') texts.push(utf8(bytesOf(wire)));
      else throw unreadable('has a list of schemas, which no server takes');
    }
    if (schemas.length > 0) return schemas[0]!;
    return special === 'SchemaOrBool' ? allows : texts;
  }

  #keepUnknown(built: ObjectBuilder, wire: WireField, path: string): void {
    const name = `#${wire.number}`;
    if (this.unknown.length < UNKNOWN_MAX) this.unknown.push(`${path}.${name}`.slice(1));
    const value = wire.wire === Wire.varint ? String(wire.integer) : base64(wire.bytes);
    if (!Object.hasOwn(built.object, name)) built.add(name, []);
    (built.object[name] as BodyValue[]).push(value);
  }
}

function bytesOf(wire: WireField): Uint8Array {
  if (wire.wire !== Wire.bytes) throw unreadable('has a field in the form of another type');
  return wire.bytes;
}

function isInteger(scalar: Scalar): boolean {
  return scalar === 'int32' || scalar === 'int64' || scalar === 'boolean';
}

function scalarOf(scalar: Scalar, wire: WireField): BodyValue {
  switch (scalar) {
    case 'text':
      return utf8(bytesOf(wire));
    case 'bytes':
      return base64(bytesOf(wire));
    case 'double':
      return doubleOf(wire);
    case 'boolean':
    case 'int32':
    case 'int64':
      if (wire.wire !== Wire.varint) throw unreadable('has a field in the form of another type');
      return integerOf(wire.integer, scalar);
  }
}

/** Go cuts an int32 to its 32 bits: one that has more is another number there. */
function integerOf(raw: bigint, scalar: Scalar): BodyValue {
  if (scalar === 'boolean') {
    if (raw > 1n) throw unreadable('has a boolean that is neither');
    return raw === 1n;
  }
  const integer = BigInt.asIntN(64, raw);
  if (scalar === 'int32' && integer !== BigInt.asIntN(32, integer))
    throw unreadable('has a number that is too large');
  return Number(integer);
}

function doubleOf({ wire, bytes }: WireField): BodyValue {
  if (wire !== Wire.fixed64) throw unreadable('has a field in the form of another type');
  const value = new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  if (!Number.isFinite(value)) throw unreadable('has a number that JSON has not');
  return value;
}

function isZero(value: BodyValue): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === '' || value === 0 || value === false || value === null;
}
