/** Reading and writing the primitive types of SSH (RFC 4251 section 5). */
import { CustodyError } from '#core/errors.ts';

const encoder = new TextEncoder();
const tolerant = new TextDecoder('utf-8', { ignoreBOM: true });

export function violation(message: string, detail?: string): CustodyError {
  return new CustodyError('protocol-violation', message, detail === undefined ? {} : { detail });
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
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

/** A string: its length and its bytes; text goes as UTF-8. */
export function string(value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === 'string' ? encoder.encode(value) : value;
  return concat([uint32(bytes.length), bytes]);
}

/** An mpint that is not negative, from its big-endian bytes. */
export function mpint(bigEndian: Uint8Array): Uint8Array {
  let from = 0;
  while (from < bigEndian.length && bigEndian[from] === 0) from += 1;
  const digits = bigEndian.subarray(from);
  const sign = digits.length > 0 && digits[0]! >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0);
  return string(concat([sign, digits]));
}

export function nameList(names: readonly string[]): Uint8Array {
  return string(names.join(','));
}

/** A message: its number and its body. */
export function message(number: number, ...body: readonly Uint8Array[]): Uint8Array {
  return concat([Uint8Array.of(number), ...body]);
}

/** Walks one message or blob; every read is bounded by it and throws `protocol-violation` past its end. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** A view, as everything that this hands out. */
  take(length: number): Uint8Array {
    if (length > this.left) throw violation('a message is shorter than it says');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  boolean(): boolean {
    return this.byte() !== 0;
  }

  uint32(): number {
    return readUint32(this.take(4), 0);
  }

  string(): Uint8Array {
    return this.take(this.uint32());
  }

  /** Text for people: what is not UTF-8 becomes U+FFFD. */
  text(): string {
    return tolerant.decode(this.string());
  }

  /** An mpint that must not be negative, without the byte of its sign. */
  mpint(): Uint8Array {
    const bytes = this.string();
    if (bytes.length > 0 && bytes[0]! >= 0x80) throw violation('a number is negative');
    return bytes[0] === 0 ? bytes.subarray(1) : bytes;
  }

  /** Names are ASCII without commas and blanks, up to 64 characters (RFC 4251 section 6); longer ones match nothing of ours. */
  nameList(): string[] {
    const bytes = this.string();
    if (bytes.length === 0) return [];
    for (const byte of bytes)
      if (byte <= 0x20 || byte >= 0x7f) throw violation('a list of names holds something else');
    const names = Buffer.from(bytes).toString('latin1').split(',');
    if (names.includes('')) throw violation('a list of names holds an empty one');
    return names;
  }

  end(): void {
    if (this.left > 0) throw violation('a message is longer than what it holds');
  }
}
