import { type Characters, type Decoded, decodeCharacters } from './escape.ts';

/** UTF-8, and whatever else may stand in it: also what SQL_ASCII, which says nothing of its bytes, is read as. */
export function decodeUtf8(bytes: Uint8Array, isCut: boolean): Decoded {
  try {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { text: strict.decode(bytes, { stream: isCut }), undecoded: false };
  } catch {
    return decodeCharacters(bytes, isCut, CHARACTERS);
  }
}

const CHARACTERS: Characters = { lengthAt, character };

/** As far as the bytes are the beginning of a character: one that is not is a byte by itself. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  for (let next = at + 1; next < Math.min(at + length, bytes.length); next++) {
    if ((bytes[next]! & 0xc0) !== 0x80) return 1;
  }
  return first < 0xc2 || first > 0xf4 ? 1 : length;
}

/** RFC 3629: no longer form than needed, no surrogates, nothing beyond U+10FFFF. */
function character(bytes: Uint8Array, at: number, length: number): string | undefined {
  if (length === 1) return undefined;
  let code = bytes[at]! & (0x7f >> length);
  for (let next = at + 1; next < at + length; next++) code = (code << 6) | (bytes[next]! & 0x3f);
  const least = [0, 0, 0x80, 0x800, 0x10000][length]!;
  const isOne = code >= least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return isOne ? String.fromCodePoint(code) : undefined;
}
