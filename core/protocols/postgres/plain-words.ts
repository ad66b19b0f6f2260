/** A word as it is written, a quoted name, a text, a number, or a mark. */
export interface PlainToken {
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'mark';
  /** Words in lower case, as the server folds them; names without their quotes. */
  readonly text: string;
}

const SPACE = /[ \t\n\r\f]+/y;
const TOKENS: readonly (readonly [PlainToken['kind'], RegExp])[] = [
  // Of a longer one the server takes the first 63 bytes (NAMEDATALEN): two that differ behind them are one to it.
  ['word', /[A-Za-z_][A-Za-z0-9_$]{0,62}/y],
  ['name', /"[ !#-~]{1,62}"/y],
  ['text', /'[ -&(-[\]-~]*'/y],
  ['number', /[0-9]{1,18}(?:\.[0-9]{1,18})?/y],
  ['mark', /[=,-]/y],
];

/**
 * The tokens of a command that is made of plain ones alone; undefined for every other. No comment, no escape, no letter beyond
 * ASCII: what is recognised by its tokens must have no second reading.
 * https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */
export function plainTokens(text: string): readonly PlainToken[] | undefined {
  const found: PlainToken[] = [];
  for (let at = after(SPACE, text, 0); at < text.length; at = after(SPACE, text, at)) {
    const token = tokenAt(text, at);
    // Two tokens that touch may be one to the server, or none: 1e5, 'a''b', e'x'.
    if (token === undefined || touches(token, found.at(-1), text[at - 1])) return undefined;
    found.push(token);
    at += token.length;
  }
  return found;
}

function tokenAt(text: string, at: number): (PlainToken & { readonly length: number }) | undefined {
  for (const [kind, pattern] of TOKENS) {
    const end = after(pattern, text, at);
    if (end === at) continue;
    const written = text.slice(at, end);
    return { kind, text: meaning(kind, written), length: written.length };
  }
  return undefined;
}

function meaning(kind: PlainToken['kind'], written: string): string {
  if (kind === 'word') return written.toLowerCase();
  return kind === 'name' || kind === 'text' ? written.slice(1, -1) : written;
}

function touches(token: PlainToken, before: PlainToken | undefined, character: string | undefined): boolean {
  if (before === undefined || ' \t\n\r\f'.includes(character!)) return false;
  return token.kind === 'mark' ? before.kind === 'mark' : before.kind !== 'mark';
}

function after(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
