/** Encodings in which the second byte of a character may be one of ASCII; only clients have them. */
const SECOND_MAY_BE_ASCII = new Set(['BIG5', 'GB18030', 'GBK', 'JOHAB', 'SHIFT_JIS_2004', 'SJIS', 'UHC']);
/** Of katakana in half width, which are one byte in Shift JIS. */
const [HALF_FROM, HALF_TO] = [0xa1, 0xdf];
const LIFTED = 0x100;

/**
 * One character for each byte, for looking at SQL: an ASCII byte that is part of another character is lifted out of
 * ASCII, so that no quote or letter is seen where the server sees none.
 */
export function scannable(bytes: Uint8Array, encoding: string): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const name = encoding.toUpperCase();
  if (!SECOND_MAY_BE_ASCII.has(name) || !/[\x80-\xff]/.test(text)) return text;
  const isLead = name.startsWith('S') ? isLeadInShiftJis : (byte: number) => byte > 0x80;
  return lifted(text, isLead, name === 'GB18030');
}

/** The bytes behind characters of `scannable`, one character each. */
export function unlifted(text: string): string {
  return text.replace(/[\u0100-\u01ff]/g, (character) =>
    String.fromCharCode(character.charCodeAt(0) - LIFTED),
  );
}

function lifted(text: string, isLead: (byte: number) => boolean, hasFour: boolean): string {
  let result = '';
  for (let at = 0; at < text.length; at++) {
    result += text[at];
    if (!isLead(text.charCodeAt(at)) || at + 1 === text.length) continue;
    const second = text.charCodeAt(++at);
    result += second < 0x80 ? String.fromCharCode(second + LIFTED) : text[at];
    const four = hasFour && second >= 0x30 && second <= 0x39 && at + 2 < text.length;
    if (!four) continue;
    result += text[at + 1]! + String.fromCharCode(text.charCodeAt(at + 2) + LIFTED);
    at += 2;
  }
  return result;
}

function isLeadInShiftJis(byte: number): boolean {
  return byte > 0x80 && (byte < HALF_FROM || byte > HALF_TO);
}
