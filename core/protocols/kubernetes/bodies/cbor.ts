/**
 * CBOR (RFC 8949) as the API server writes it (KEP-4222), and no more of it than that: definite lengths, names that are texts, no
 * name twice, one item. Texts of Kubernetes are byte strings; bytes are byte strings under tag 22.
 */
import { BODY_MAX_DEPTH, type BodyValue, Budget, base64, ObjectBuilder, unreadable, utf8 } from './value.ts';

const Major = { uint: 0, negative: 1, bytes: 2, text: 3, list: 4, map: 5, tag: 6, other: 7 } as const;
const Tag = { time: 0n, base64Url: 21n, base64: 22n, base16: 23n, selfDescribed: 55_799n } as const;
const INT64_MAX = 0x7fff_ffff_ffff_ffffn;

export function readCbor(bytes: Uint8Array): BodyValue {
  const reader = new CborReader(bytes);
  const value = reader.document();
  if (!reader.isAtEnd) throw unreadable('has bytes behind its end');
  return value;
}

class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #budget = new Budget();
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  document(): BodyValue {
    return this.#item(0);
  }

  #item(depth: number): BodyValue {
    if (depth > BODY_MAX_DEPTH) throw unreadable('is nested too deep');
    this.#budget.take();
    const first = this.#take(1)[0]!;
    const major = first >> 5;
    if (major === Major.other) return this.#other(first & 31);
    const argument = this.#argument(first & 31);
    switch (major) {
      case Major.uint:
        return integer(argument);
      case Major.negative:
        return integer(-1n - argument);
      case Major.bytes:
      case Major.text:
        return utf8(this.#take(size(argument)));
      case Major.list:
        return this.#list(size(argument), depth);
      case Major.map:
        return this.#map(size(argument), depth);
      default:
        // At the beginning, and again around the object of an event.
        return argument === Tag.selfDescribed ? this.#item(depth + 1) : this.#tagged(argument);
    }
  }

  #list(length: number, depth: number): BodyValue {
    const list: BodyValue[] = [];
    for (let count = 0; count < length; count += 1) list.push(this.#item(depth + 1));
    return list;
  }

  #map(length: number, depth: number): BodyValue {
    const built = new ObjectBuilder();
    for (let count = 0; count < length; count += 1) built.add(this.#name(), this.#item(depth + 1));
    return built.object;
  }

  #name(): string {
    const first = this.#take(1)[0]!;
    const major = first >> 5;
    if (major !== Major.bytes && major !== Major.text) throw unreadable('has a name that is no text');
    return utf8(this.#take(size(this.#argument(first & 31))));
  }

  /** RFC 8949 section 3.4.5.2: bytes that JSON has as text. The others that the server knows it never writes. */
  #tagged(tag: bigint): BodyValue {
    const first = this.#take(1)[0]!;
    const major = first >> 5;
    const content = (): Uint8Array => this.#take(size(this.#argument(first & 31)));
    if (tag === Tag.time && (major === Major.text || major === Major.bytes)) return utf8(content());
    if (major !== Major.bytes) throw unreadable('has a tag that Kubernetes does not use');
    if (tag === Tag.base64) return base64(content());
    if (tag === Tag.base64Url)
      return base64(content()).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
    if (tag === Tag.base16) return hex(content());
    throw unreadable('has a tag that Kubernetes does not use');
  }

  #other(info: number): BodyValue {
    switch (info) {
      case 20:
      case 21:
        return info === 21;
      case 22:
        return null;
      case 25:
        return finite(half(this.#number(2)));
      case 26:
        return finite(this.#view.getFloat32(this.#skip(4)));
      case 27:
        return finite(this.#view.getFloat64(this.#skip(8)));
      default:
        throw unreadable('has a simple value that JSON has not');
    }
  }

  #argument(info: number): bigint {
    if (info < 24) return BigInt(info);
    if (info > 27) throw unreadable('has an indefinite length');
    if (info === 27) return this.#view.getBigUint64(this.#skip(8));
    return BigInt(this.#number(1 << (info - 24)));
  }

  #number(length: number): number {
    let number = 0;
    for (const byte of this.#take(length)) number = number * 256 + byte;
    return number;
  }

  #skip(length: number): number {
    this.#take(length);
    return this.#at - length;
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw unreadable('ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** No longer than any body: what is behind it is looked at as it comes. */
function size(argument: bigint): number {
  if (argument > 0x7fff_ffffn) throw unreadable('ends too early');
  return Number(argument);
}

function integer(value: bigint): number {
  if (value > INT64_MAX || value < -INT64_MAX - 1n) throw unreadable('has a number that is too large');
  return Number(value);
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw unreadable('has a number that JSON has not');
  return value;
}

/** RFC 8949 appendix D. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
