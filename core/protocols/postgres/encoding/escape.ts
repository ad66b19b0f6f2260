/** What bytes say: `text` in which every byte that says nothing stands as `\xNN`; `undecoded` where there is one. */
export interface Decoded {
  readonly text: string;
  readonly undecoded: boolean;
}

const ESCAPED: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `\\x${byte.toString(16).padStart(2, '0')}`,
);

function escapeBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += ESCAPED[byte]!;
  return text;
}

/** Where ASCII, which is the same in every encoding that PostgreSQL takes, ends. */
export function asciiEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at]! < 0x80) at++;
  return at;
}

export function asciiText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export interface Characters {
  /** Bytes that stand together at a place outside ASCII, at least 1; more than are left where the end divides them. */
  readonly lengthAt: (bytes: Uint8Array, at: number) => number;
  /** Undefined where they are no character. */
  readonly character: (bytes: Uint8Array, at: number, length: number) => string | undefined;
}

/** Character by character. What the end of a text that was cut divides is left out. */
export function decodeCharacters(bytes: Uint8Array, isCut: boolean, characters: Characters): Decoded {
  const parts: string[] = [];
  let undecoded = false;
  for (let at = 0; at < bytes.length; ) {
    const end = asciiEnd(bytes, at);
    if (end > at) parts.push(asciiText(bytes.subarray(at, end)));
    at = end;
    if (at === bytes.length) break;
    const length = characters.lengthAt(bytes, at);
    if (at + length > bytes.length && isCut) break;
    const character = at + length > bytes.length ? undefined : characters.character(bytes, at, length);
    undecoded ||= character === undefined;
    parts.push(character ?? escapeBytes(bytes.subarray(at, at + length)));
    at += length;
  }
  return { text: parts.join(''), undecoded };
}
