/** How many columns a character takes, and how many may stand in one cell. */
import type { IUnicodeVersionProvider } from '@xterm/headless';
import { displayWidth } from '#core/replay/text.ts';

/** Marks that join one character; more of them (“zalgo”) take cells of their own. */
const MARKS_MAX = 16;
const NONE = /[\p{M}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const CACHED = 0x20000;

/** What the emulator carries from one character to the next: whether it joined, its columns, how many joined so far. */
function properties(joined: number, width: number, joins: boolean): number {
  return (joined << 3) | (width << 1) | (joins ? 1 : 0);
}

export class Widths implements IUnicodeVersionProvider {
  readonly version = 'custody';
  /** 0: not looked up; else one more than the width. */
  readonly #known = new Uint8Array(CACHED);

  wcwidth(code: number): 0 | 1 | 2 {
    if (code >= CACHED) return widthOf(code);
    const known = this.#known[code]!;
    if (known !== 0) return (known - 1) as 0 | 1 | 2;
    const width = widthOf(code);
    this.#known[code] = width + 1;
    return width;
  }

  charProperties(code: number, preceding: number): number {
    const width = this.wcwidth(code);
    const before = (preceding >> 1) & 3;
    if (width > 0 || preceding === 0 || before === 0) return properties(0, Math.max(width, 1), false);
    const joined = (preceding >> 3) + 1;
    return joined > MARKS_MAX ? properties(0, 1, false) : properties(joined, before, true);
  }
}

function widthOf(code: number): 0 | 1 | 2 {
  if (code < 32 || (code >= 127 && code < 160)) return 0;
  if (code < 127) return 1;
  const character = String.fromCodePoint(code);
  if (NONE.test(character)) return 0;
  return displayWidth(character) === 2 ? 2 : 1;
}
