/** Text that came from a client or a target, made safe for a terminal. */

/** Follows a text in which bytes that are no text stand as `\xNN`. */
export const UNDECODED = ' [not all text]';

/**
 * What a terminal acts on, or a reader cannot see: C0 and C1 controls, DEL, line and paragraph separators,
 * bidirectional controls (Unicode Standard Annex 9), zero-width and other invisible format characters, tags, the
 * byte order mark, lone surrogates.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/gu;

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * `text` with every control and invisible character as a visible escape: `\n`, `\x1b`, `\u202e`, `\u{e0001}`. A
 * backslash stays as it is, as this is for reading, not for reading back. Bytes are taken as UTF-8.
 */
export function escapeTerminal(text: string | Uint8Array): string {
  return asString(text).replace(UNSAFE, escaped);
}

/** As `escapeTerminal`, but line feeds and tabs stay, for texts of several lines such as statements. */
export function escapeLines(text: string | Uint8Array): string {
  return asString(text)
    .replaceAll('\r\n', '\n')
    .replace(UNSAFE, (character) =>
      character === '\n' || character === '\t' ? character : escaped(character),
    );
}

function asString(text: string | Uint8Array): string {
  return typeof text === 'string' ? text : new TextDecoder('utf-8', { ignoreBOM: true }).decode(text);
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x100) return NAMED[character] ?? `\\x${code.toString(16).padStart(2, '0')}`;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/**
 * JSON in which every control and invisible character is an escape of JSON's own (security case 18): it parses to the
 * same value, and no terminal or reader of a log acts on it.
 */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) =>
    Array.from({ length: character.length }, (_, at) => unitEscape(character.charCodeAt(at))).join(''),
  );
}

function unitEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** Two columns on a terminal: East Asian wide and fullwidth (Unicode Standard Annex 11), emoji. */
const WIDE =
  /[\u1100-\u115e\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{M}/u;

/** Columns that an escaped text takes on a terminal. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  if (character <= '~') return 1;
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** `text` in at most `width` columns, with `…` for what is left out. */
export function fitWidth(text: string, width: number): string {
  let used = 0;
  let kept = '';
  for (const character of text) {
    const next = used + characterWidth(character);
    if (next > width) return trimmedTo(kept, width - 1);
    kept += character;
    used = next;
  }
  return kept;
}

function trimmedTo(text: string, width: number): string {
  const characters = Array.from(text);
  let used = displayWidth(text);
  while (used > width && characters.length > 0) used -= characterWidth(characters.pop()!);
  return `${characters.join('')}…`;
}
