import type { Characters } from './escape.ts';

/** Of characters beyond the basic plane: the sequence 90 30 81 30. */
const ASTRAL = 189_000;
const BASIC_END = 0x10000;
/** Letters that have other bytes by GB 18030-2022, as servers after PostgreSQL 18 have it; and what had those before, in two bytes. */
const CHANGED = /[\u1e3f\ufe10-\ufe19\u9fb4-\u9fbb]/u;
const LEFT_OUT = /[\ue78d-\ue796\ue7c7\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864]/u;

/**
 * The characters of GB18030: those of two bytes by the table; in four stands every other code point in its order, which takes
 * no table.
 */
export function withFourBytes(twoBytes: Characters): Characters {
  const basic = notInTable(twoBytes);
  const character: Characters['character'] = (bytes, at, length) =>
    length === 4 ? ofFourBytes(bytes.subarray(at, at + 4), basic) : twoBytes.character(bytes, at, length);
  return { lengthAt: twoBytes.lengthAt, character };
}

function ofFourBytes(bytes: Uint8Array, basic: Uint16Array): string | undefined {
  const [a, b, c, d] = [bytes[0]! - 0x81, bytes[1]! - 0x30, bytes[2]! - 0x81, bytes[3]! - 0x30];
  if (a < 0 || a > 125 || b > 9 || c < 0 || c > 125 || d < 0 || d > 9) return undefined;
  const place = ((a * 10 + b) * 126 + c) * 10 + d;
  const code = place < ASTRAL ? basic[place] : place - ASTRAL + BASIC_END;
  if (code === undefined || code > 0x10ffff) return undefined;
  const text = String.fromCodePoint(code);
  return CHANGED.test(text) ? undefined : text;
}

/** Code points of the basic plane without a sequence of two bytes. */
function notInTable(twoBytes: Characters): Uint16Array {
  const taken = new Uint8Array(BASIC_END);
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      const text = twoBytes.character(Uint8Array.of(lead, trail), 0, 2);
      if (text !== undefined) taken[text.codePointAt(0)!] = 1;
    }
  }
  const isFree = (code: number): boolean =>
    taken[code] === 0 && (code < 0xd800 || code > 0xdfff) && !LEFT_OUT.test(String.fromCharCode(code));
  return Uint16Array.from({ length: BASIC_END - 0x80 }, (_, at) => at + 0x80).filter(isFree);
}
