/** Reading and writing the primitive types of the PostgreSQL protocol ("Message Data Types" in its manual). */
import { CustodyError } from '#core/errors.ts';

const encoder = new TextEncoder();
const tolerant = new TextDecoder('utf-8', { ignoreBOM: true });

export function violation(message: string, detail?: string): CustodyError {
  return new CustodyError('protocol-violation', message, detail === undefined ? {} : { detail });
}

/** Text for people: what is not UTF-8 becomes U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  return tolerant.decode(bytes);
}

/** Big-endian, signed: what a length field is. */
export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

export function int32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Bytes as a text of one character each, to look for ASCII in what has no known encoding. */
export function charactersOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** What `charactersOf` was given. */
export function bytesOf(characters: string): Uint8Array {
  return Uint8Array.from(Buffer.from(characters, 'latin1'));
}

/** A String: UTF-8, or bytes as they are, and a NUL. NULs inside are dropped, so that no text can begin a field of its own. */
export function cstring(text: string | Uint8Array): Uint8Array {
  if (typeof text === 'string') return encoder.encode(`${text.replaceAll('\0', '')}\0`);
  return concat([text.filter((byte) => byte !== 0), Uint8Array.of(0)]);
}

/** In memory of its own: `slice` of a Buffer is a view. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A typed message: type byte, length (which counts itself), body. */
export function message(type: number, ...body: readonly Uint8Array[]): Uint8Array {
  const length = body.reduce((sum, part) => sum + part.length, 4);
  return concat([Uint8Array.of(type), int32(length), ...body]);
}

/** Names up to this length are read by hand, where they are ASCII: to call a decoder costs more. */
const SHORT_BYTES = 16;

/** Walks one message body; every read is bounded by it and throws `protocol-violation` past its end. */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  /** `from`, `end`: where the body is in `bytes`; all of it, unless told. */
  constructor(bytes: Uint8Array, from = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  take(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, this.#at);
  }

  /** Where what is skipped begins. */
  #skip(length: number): number {
    const at = this.#at;
    if (length < 0 || length > this.#end - at) throw violation('a message is shorter than it says');
    this.#at = at + length;
    return at;
  }

  rest(): Uint8Array {
    return this.take(this.left);
  }

  byte(): number {
    return this.#bytes[this.#skip(1)]!;
  }

  int16(): number {
    const at = this.#skip(2);
    return ((this.#bytes[at]! << 24) >> 16) | this.#bytes[at + 1]!;
  }

  /** A count: the protocol declares Int16, and libpq and the server take it as unsigned where more than 32,767 may come. */
  count(): number {
    return this.int16() & 0xffff;
  }

  int32(): number {
    return readInt32(this.#bytes, this.#skip(4));
  }

  /** An OID or another unsigned Int32. */
  uint32(): number {
    return this.int32() >>> 0;
  }

  /** The bytes of a String, without its NUL. */
  stringBytes(): Uint8Array {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1 || end >= this.#end) throw violation('a string in a message has no end');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return bytes;
  }

  string(): string {
    return this.#short() ?? decodeText(this.stringBytes());
  }

  /** One that is short and ASCII, as nearly all names are; undefined, and nothing is read, for another. */
  #short(): string | undefined {
    const until = Math.min(this.#end, this.#at + SHORT_BYTES);
    let text = '';
    for (let at = this.#at; at < until; at += 1) {
      const byte = this.#bytes[at]!;
      if (byte >= 0x80) return undefined;
      if (byte === 0) {
        this.#at = at + 1;
        return text;
      }
      text += String.fromCharCode(byte);
    }
    return undefined;
  }

  /** A value with its length before it; -1 is NULL. */
  value(): Uint8Array | null {
    const length = this.int32();
    return length === -1 ? null : this.take(length);
  }

  end(): void {
    if (this.left > 0) throw violation('a message is longer than its content');
  }
}
