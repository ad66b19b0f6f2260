/** Binary formats as the `array_send` and `numeric_send` of the PostgreSQL source write them. */

const MEMBERS_MAX = 10_000;

/** The members of a binary array of one dimension, and their type; undefined for every other. NULL is null. */
export function binaryMembers(
  bytes: Buffer,
): { readonly type: number; readonly members: readonly (Buffer | null)[] } | undefined {
  if (bytes.length < 12) return undefined;
  const [dimensions, type] = [bytes.readInt32BE(0), bytes.readUInt32BE(8)];
  if (dimensions === 0) return bytes.length === 12 ? { type, members: [] } : undefined;
  if (dimensions !== 1 || bytes.length < 20) return undefined;
  const count = bytes.readInt32BE(12);
  if (count < 0 || count > MEMBERS_MAX) return undefined;
  const members: (Buffer | null)[] = [];
  let at = 20;
  for (; members.length < count; ) {
    if (at + 4 > bytes.length) return undefined;
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < -1 || at + length > bytes.length) return undefined;
    members.push(length === -1 ? null : bytes.subarray(at, at + length));
    at += Math.max(0, length);
  }
  return at === bytes.length ? { type, members } : undefined;
}

const NEGATIVE = 0x4000;
/** Longer ones are no values of a contract. */
const DIGITS_MAX = 250;

/** A binary numeric as the server would write it; undefined for NaN, the infinities, and what is none. */
export function numericText(bytes: Buffer): string | undefined {
  if (bytes.length < 8) return undefined;
  const [count, weight] = [bytes.readInt16BE(0), bytes.readInt16BE(2)];
  const [sign, scale] = [bytes.readUInt16BE(4), bytes.readUInt16BE(6)];
  if (count < 0 || count > DIGITS_MAX || bytes.length !== 8 + count * 2) return undefined;
  if ((sign !== 0 && sign !== NEGATIVE) || Math.abs(weight) > DIGITS_MAX || scale > DIGITS_MAX * 4)
    return undefined;
  const digit = (at: number): string =>
    String(at >= 0 && at < count ? bytes.readUInt16BE(8 + at * 2) : 0).padStart(4, '0');
  const digits = (from: number, to: number): string =>
    Array.from({ length: Math.max(0, to - from) }, (_, at) => digit(from + at)).join('');
  const whole = digits(0, weight + 1).replace(/^0+(?=\d)/, '') || '0';
  const fraction = digits(weight + 1, weight + 1 + Math.ceil(scale / 4)).slice(0, scale);
  return `${sign === NEGATIVE ? '-' : ''}${whole}${scale === 0 ? '' : `.${fraction}`}`;
}
