/** Where characters of UTF-8 begin and end (RFC 3629). */

/** Bytes of the character that begins there, by its first byte (RFC 3629); 0 where none begins. */
export function characterAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** Where the last character begins, if the bytes end within it. */
export function wholeUntil(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const at = bytes.length - back;
    if ((bytes[at]! & 0xc0) === 0x80) continue;
    return characterAt(bytes, at) > back ? at : bytes.length;
  }
  return bytes.length;
}
