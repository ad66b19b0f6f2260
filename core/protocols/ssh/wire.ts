/** Reading and writing the data types of SSH (RFC 4251 section 5). */
import { CustodyError } from '#core/errors.ts';

const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const tolerant = new TextDecoder('utf-8', { ignoreBOM: true });
/** RFC 4250 section 4.6.1: names are at most 64 characters of printable US-ASCII, without commas. */
const NAME_MAX = 64;
const NAME = /^[\x21-\x2b\x2d-\x7e]+$/;
const SHORTER = 'a message is shorter than it says';

export function violation(message: string, detail?: string): CustodyError {
  return new CustodyError('protocol-violation', message, detail === undefined ? {} : { detail });
}

/** The unsigned number at `at`, which the caller knows to be there. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Text for people: what is not UTF-8 becomes U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  return tolerant.decode(bytes);
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/**
 * Walks one message; every read is bounded by it and throws `protocol-violation` past its end. What it gives are views of the
 * message, never copies: who keeps them longer than the message copies them.
 */
export class SshReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Where the next read begins. */
  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Uint8Array {
    const from = this.#at;
    if (length < 0 || length > this.#bytes.length - from) throw violation(SHORTER);
    this.#at = from + length;
    return this.#bytes.subarray(from, this.#at);
  }

  rest(): Uint8Array {
    return this.take(this.left);
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw violation(SHORTER);
    return this.#bytes[this.#at++]!;
  }

  /** All that is not zero is true. */
  boolean(): boolean {
    return this.byte() !== 0;
  }

  uint32(): number {
    const from = this.#at;
    if (from + 4 > this.#bytes.length) throw violation(SHORTER);
    this.#at = from + 4;
    return readUint32(this.#bytes, from);
  }

  uint64(): bigint {
    const high = this.uint32();
    return (BigInt(high) << 32n) | BigInt(this.uint32());
  }

  /** A string's bytes, at most `atMost` of them. */
  string(atMost = Number.MAX_SAFE_INTEGER): Uint8Array {
    const length = this.uint32();
    if (length > atMost) tooLong(length, atMost);
    return this.take(length);
  }

  /** A string that must be UTF-8 without NUL, since somebody decides by it. */
  text(atMost?: number): string {
    const bytes = this.string(atMost);
    if (bytes.includes(0)) throw violation('a text in a message holds a NUL');
    try {
      return strict.decode(bytes);
    } catch {
      throw violation('a text in a message is not UTF-8');
    }
  }

  /** A string that is only shown or logged. */
  words(atMost?: number): string {
    return decodeText(this.string(atMost));
  }

  /** A name of an algorithm, method, service, request or channel type (RFC 4251 section 6). */
  name(): string {
    const name = latin1(this.string(NAME_MAX));
    if (!NAME.test(name)) throw violation('a name in a message is none');
    return name;
  }

  /** At most `atMost` names; those that are none are refused. */
  nameList(atMost = 256): readonly string[] {
    const list = latin1(this.string(atMost * (NAME_MAX + 1)));
    if (list === '') return [];
    const names = list.split(',');
    if (names.length > atMost || !names.every((name) => name.length <= NAME_MAX && NAME.test(name)))
      throw violation('a list of names in a message is none');
    return names;
  }

  /** A number that is not negative, in as few bytes as possible, without the zero that may stand before it. */
  mpint(atMost = 2048): Uint8Array {
    const bytes = this.string(atMost + 1);
    if (bytes.length === 0) return bytes;
    if (bytes[0]! >= 0x80) throw violation('a number in a message is negative');
    if (bytes[0] !== 0) return bytes.length > atMost ? tooLong(bytes.length, atMost) : bytes;
    if (bytes.length === 1 || bytes[1]! < 0x80) throw violation('a number in a message is padded');
    return bytes.subarray(1);
  }

  end(): void {
    if (this.left > 0) throw violation('a message is longer than its content');
  }
}

function tooLong(length: number, atMost: number): never {
  throw violation(`a field of a message is ${length} bytes long, more than ${atMost}`);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Builds one message; `SshWriter.message(CHANNEL_EOF).uint32(channel).done()`. */
export class SshWriter {
  #bytes: Uint8Array;
  #at = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Begins with the message's number. */
  static message(number: number, capacity?: number): SshWriter {
    return new SshWriter(capacity).byte(number);
  }

  get length(): number {
    return this.#at;
  }

  byte(value: number): this {
    this.#room(1);
    this.#bytes[this.#at++] = value;
    return this;
  }

  boolean(value: boolean): this {
    return this.byte(value ? 1 : 0);
  }

  uint32(value: number): this {
    this.#room(4);
    writeUint32(this.#bytes, this.#at, value);
    this.#at += 4;
    return this;
  }

  uint64(value: bigint): this {
    return this.uint32(Number((value >> 32n) & 0xffff_ffffn)).uint32(Number(value & 0xffff_ffffn));
  }

  /** Bytes as they are, without their length. */
  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** A string: bytes, or text as UTF-8. */
  string(value: Uint8Array | string): this {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value;
    return this.uint32(bytes.length).raw(bytes);
  }

  nameList(names: readonly string[]): this {
    return this.string(names.join(','));
  }

  /** A number that is not negative, most significant byte first, with or without zeros before it. */
  mpint(bytes: Uint8Array): this {
    let from = 0;
    while (from < bytes.length && bytes[from] === 0) from += 1;
    const signed = from < bytes.length && bytes[from]! >= 0x80;
    this.uint32(bytes.length - from + (signed ? 1 : 0));
    if (signed) this.byte(0);
    return this.raw(bytes.subarray(from));
  }

  /** What was written: a view, so that nothing may be written afterwards. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  #room(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    const wider = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    wider.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = wider;
  }
}
