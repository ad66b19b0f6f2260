/** Buffer for browsers: the package `buffer`, with text as node reads and writes it. */
import { Buffer as Base } from 'buffer/';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

// oxlint-disable-next-line typescript/unbound-method -- called by `call`
const decode = Base.prototype.toString;
const make = Base.from.bind(Base);

/** The package replaces each byte that is no UTF-8, node each maximal part of a character; and it has no `base64url`. */
Base.prototype.toString = function toString(
  this: Uint8Array,
  encoding?: string,
  start = 0,
  end = this.length,
) {
  if (encoding === undefined || isUtf8(encoding)) return decoder.decode(this.subarray(start, end));
  if (encoding !== 'base64url') return decode.call(this, encoding, start, end);
  return decode.call(this, 'base64', start, end).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
};

Base.from = ((value: unknown, encoding?: unknown, length?: unknown) => {
  if (typeof value !== 'string') return make(value as never, encoding as never, length as never);
  if (encoding === undefined || isUtf8(encoding)) {
    const bytes = encoder.encode(value);
    return make(bytes.buffer, 0, bytes.byteLength);
  }
  return make(value, (encoding === 'base64url' ? 'base64' : encoding) as never);
}) as typeof make;

Base.byteLength = (value: unknown): number =>
  typeof value === 'string' ? encoder.encode(value).byteLength : (value as Uint8Array).byteLength;

/** With any bytes, and not with the package's own kind alone. */
Base.prototype.equals = function equals(this: Uint8Array, other: Uint8Array): boolean {
  return Base.compare(this, other) === 0;
};

function isUtf8(encoding: unknown): boolean {
  return encoding === 'utf8' || encoding === 'utf-8';
}

export { Base as Buffer };
