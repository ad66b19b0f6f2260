/**
 * SQL into tokens, as far as a reader needs them who looks for commands and names: by the server's own rules for quotes,
 * comments and identifiers. https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */

export interface Token {
  /** A string's text is not given. Anything else that stands for itself is a symbol. */
  readonly kind: 'word' | 'name' | 'string' | 'symbol';
  /** A word in lower case, a quoted name without its quotes, a symbol's one character. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Sticky; one character of a text is one byte of it (`scannable`). The first that fits at a place is what stands there. */
const SPACE = /(?:[ \t\n\r\f\v]|--[^\n\r]*)+/y;
const WORD = /[A-Za-z_\x80-\u01ff][\w$\x80-\u01ff]*/y;
const NUMBER = /\d[\d.]*|\$\d+/y;
const ESCAPED = /(?:[^'\\]|''|\\(?:[^]|$))*(?:'|$)/y;
const PLAIN = /(?:[^']|'')*(?:'|$)/y;
const QUOTED = /(?:[^"]|"")*(?:"|$)/y;
const DOLLAR = /\$(?:[A-Za-z_\x80-\u01ff][\w\x80-\u01ff]*)?\$/y;
const UESCAPE = /uescape/iy;
const ONE_STRING = /'([^'])'/y;

/** The tokens of `sql`; a quote or comment that does not end goes to the end of the text. */
export function* tokensOf(sql: string, standardStrings: boolean): Generator<Token> {
  const scanner = new Scanner(sql, standardStrings);
  for (let token = scanner.next(); token !== undefined; token = scanner.next()) yield token;
}

/** Does it matter for `sql` whether backslashes escape in plain strings (standard_conforming_strings)? */
export function backslashesMatter(sql: string): boolean {
  return sql.includes('\\') && sql.includes("'");
}

export function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text === word;
}

export function isSymbol(token: Token | undefined, symbol: string): boolean {
  return token?.kind === 'symbol' && token.text === symbol;
}

class Scanner {
  readonly #sql: string;
  readonly #plain: RegExp;
  #at = 0;

  constructor(sql: string, standardStrings: boolean) {
    this.#sql = sql;
    this.#plain = standardStrings ? PLAIN : ESCAPED;
  }

  next(): Token | undefined {
    this.#skipSpace();
    const start = this.#at;
    if (start >= this.#sql.length) return undefined;
    const prefixed = this.#prefixed(start) ?? this.#word(start) ?? this.#dollarQuoted(start);
    return prefixed ?? this.#other(start);
  }

  #skipSpace(): void {
    for (;;) {
      if (this.#match(SPACE) !== undefined) continue;
      if (!this.#sql.startsWith('/*', this.#at)) return;
      this.#at = commentEnd(this.#sql, this.#at);
    }
  }

  /** Strings and names that a letter begins: E'', B'', X'', N'', U&'', U&"". */
  #prefixed(start: number): Token | undefined {
    const letter = this.#sql[start]!.toLowerCase();
    const next = this.#sql[start + 1];
    if (next === "'" && 'ebxn'.includes(letter)) {
      const way = letter === 'e' ? ESCAPED : letter === 'n' ? this.#plain : PLAIN;
      return this.#string(start, start + 2, way);
    }
    if (letter !== 'u' || next !== '&') return undefined;
    const quote = this.#sql[start + 2];
    if (quote === "'") return this.#string(start, start + 3, this.#plain);
    return quote === '"' ? this.#unicodeName(start) : undefined;
  }

  #string(start: number, from: number, way: RegExp): Token {
    this.#at = from;
    do this.#match(way);
    while (this.#sql[this.#at - 1] === "'" && this.#goesOn());
    return { kind: 'string', text: '', start, end: this.#at };
  }

  /** A string goes on, in its own way of escaping, when a quote follows after a line's end. */
  #goesOn(): boolean {
    const end = this.#at;
    const between = this.#match(SPACE) ?? '';
    const goesOn = /[\n\r]/.test(between) && this.#sql[this.#at] === "'";
    this.#at = goesOn ? this.#at + 1 : end;
    return goesOn;
  }

  #name(start: number, from: number): Token {
    this.#at = from;
    const inside = this.#match(QUOTED) ?? '';
    const text = inside.replace(/"$/, '').replaceAll('""', '"');
    return { kind: 'name', text, start, end: this.#at };
  }

  #unicodeName(start: number): Token {
    const { text } = this.#name(start, start + 3);
    return { kind: 'name', text: unescaped(text, this.#escapeMark() ?? '\\'), start, end: this.#at };
  }

  /** The character of a `UESCAPE '!'` that stands here. */
  #escapeMark(): string | undefined {
    const end = this.#at;
    this.#skipSpace();
    if (this.#match(UESCAPE) === undefined) {
      this.#at = end;
      return undefined;
    }
    this.#skipSpace();
    return this.#match(ONE_STRING)?.[1];
  }

  #word(start: number): Token | undefined {
    const text = this.#match(WORD);
    return text === undefined ? undefined : { kind: 'word', text: lower(text), start, end: this.#at };
  }

  #dollarQuoted(start: number): Token | undefined {
    const tag = this.#match(DOLLAR);
    if (tag === undefined) return undefined;
    const end = this.#sql.indexOf(tag, this.#at);
    this.#at = end === -1 ? this.#sql.length : end + tag.length;
    return { kind: 'string', text: '', start, end: this.#at };
  }

  #other(start: number): Token {
    const character = this.#sql[start]!;
    if (character === "'") return this.#string(start, start + 1, this.#plain);
    if (character === '"') return this.#name(start, start + 1);
    if (this.#match(NUMBER) === undefined) this.#at = start + 1;
    return { kind: 'symbol', text: character, start, end: this.#at };
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [text] = pattern.exec(this.#sql) ?? [];
    this.#at += text?.length ?? 0;
    return text === '' ? undefined : text;
  }
}

/** Comments nest. */
function commentEnd(sql: string, start: number): number {
  const border = /\/\*|\*\//g;
  border.lastIndex = start;
  let depth = 0;
  for (let found = border.exec(sql); found !== null; found = border.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return border.lastIndex;
  }
  return sql.length;
}

/** As the server folds names: ASCII alone. */
function lower(word: string): string {
  return word.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** `\0061` and `\+000061` of a U&"" name, as UTF-8 bytes; two halves of a pair make one character. */
function unescaped(text: string, escape: string): string {
  const mark = escape.replace(/[^\w]/g, '\\$&');
  const escapes = new RegExp(`${mark}${mark}|(?:${mark}(?:[0-9a-f]{4}|\\+[0-9a-f]{6}))+`, 'gi');
  return text.replace(escapes, (found) => {
    if (found === escape + escape) return escape;
    const codes = found.split(escape).slice(1);
    return Buffer.from(codes.map(codeText).join('')).toString('latin1');
  });
}

function codeText(hex: string): string {
  const code = Number.parseInt(hex.replace('+', ''), 16);
  if (code > 0x10ffff) return '\ufffd';
  return code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code);
}
