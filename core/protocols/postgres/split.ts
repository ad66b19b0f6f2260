import { bareStatement } from '#core/access/statements.ts';
import { CustodyError } from '#core/errors.ts';

/** One token at a place, by the first of these that fits there; sticky. */
const TOKENS = {
  lineComment: /--[^\n\r]*/y,
  escapeString: /[eE]'(?:[^'\\]|''|\\[\s\S])*'/y,
  string: /'(?:[^']|'')*'/y,
  identifier: /"(?:[^"]|"")*"/y,
  dollar: /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y,
  word: /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y,
} as const;

/**
 * The commands of a script, cut at the semicolons where psql cuts it, as psql sends each (but for `bareStatement`):
 * semicolons in quotes, comments, parentheses and in the BEGIN ATOMIC body of a routine cut nothing. As psql 15 does it: what
 * comments a version sends may differ, and then the commands are not those that were approved. Throws `unsupported` for
 * psql's own commands (a backslash), and `format-invalid` for a quote or comment that does not end.
 * https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */
export function splitStatements(sql: string): string[] {
  const splitter = new Splitter(sql);
  return splitter
    .statements()
    .map(withoutLeadingLines)
    .filter((text) => bareStatement(text) !== '');
}

/**
 * The words of each command of a text that stand outside of quotes and parentheses, upper case. Cut at every semicolon, also in
 * the body of a routine: whoever looks for a command finds too many rather than too few. Throws as `splitStatements`.
 */
export function commandsOf(sql: string): string[][] {
  return new Splitter(sql).commands();
}

class Splitter {
  readonly #sql: string;
  #at = 0;
  #parentheses = 0;
  #blocks = 0;
  /** The first words of the statement, upper case: BEGIN opens a block only in CREATE FUNCTION or PROCEDURE. */
  #words: string[] = [];

  constructor(sql: string) {
    this.#sql = sql;
  }

  statements(): string[] {
    const found: string[] = [];
    let start = 0;
    while (this.#at < this.#sql.length) {
      if (!this.#step()) continue;
      found.push(this.#sql.slice(start, this.#at));
      start = this.#at;
      this.#words = [];
    }
    return [...found, this.#sql.slice(start)];
  }

  commands(): string[][] {
    const found: string[][] = [[]];
    while (this.#at < this.#sql.length) {
      const start = this.#at;
      this.#step();
      const token = this.#sql.slice(start, this.#at);
      if (token === ';') found.push([]);
      else if (this.#parentheses === 0 && isWord(token)) found.at(-1)!.push(token.toUpperCase());
    }
    return found;
  }

  /** Goes on by one token; true at a semicolon that ends a statement. */
  #step(): boolean {
    const character = this.#sql[this.#at]!;
    if (this.#sql.startsWith('/*', this.#at)) this.#at = commentEnd(this.#sql, this.#at);
    else if (character === '\\') throw meta(this.#sql, this.#at);
    else if (!this.#quoted() && !this.#word()) {
      this.#at += 1;
      return this.#punctuation(character);
    }
    return false;
  }

  #quoted(): boolean {
    for (const kind of ['lineComment', 'escapeString', 'string', 'identifier'] as const) {
      if (this.#match(TOKENS[kind]) !== undefined) return true;
    }
    if (/['"]/.test(this.#sql[this.#at]!)) throw endless(this.#sql, this.#at, 'quote');
    return this.#dollarQuoted();
  }

  #dollarQuoted(): boolean {
    const start = this.#at;
    const tag = this.#match(TOKENS.dollar);
    if (tag === undefined) return false;
    const end = this.#sql.indexOf(tag, this.#at);
    if (end < 0) throw endless(this.#sql, start, 'dollar quote');
    this.#at = end + tag.length;
    return true;
  }

  #word(): boolean {
    const word = this.#match(TOKENS.word)?.toUpperCase();
    if (word === undefined) return false;
    if (this.#words.length < 4) this.#words.push(word);
    const routine =
      this.#words[0] === 'CREATE' && this.#words.some((one) => one === 'FUNCTION' || one === 'PROCEDURE');
    if (routine && this.#parentheses === 0) {
      if (word === 'BEGIN') this.#blocks += 1;
      else if (word === 'CASE' && this.#blocks > 0) this.#blocks += 1;
      else if (word === 'END' && this.#blocks > 0) this.#blocks -= 1;
    }
    return true;
  }

  #punctuation(character: string): boolean {
    if (character === '(') this.#parentheses += 1;
    if (character === ')') this.#parentheses = Math.max(0, this.#parentheses - 1);
    return character === ';' && this.#parentheses === 0 && this.#blocks === 0;
  }

  #match(token: RegExp): string | undefined {
    token.lastIndex = this.#at;
    const [text] = token.exec(this.#sql) ?? [];
    this.#at += text?.length ?? 0;
    return text;
  }
}

function isWord(token: string): boolean {
  TOKENS.word.lastIndex = 0;
  return TOKENS.word.test(token) && TOKENS.word.lastIndex === token.length;
}

/** Comments nest. */
function commentEnd(sql: string, start: number): number {
  let depth = 0;
  const border = /\/\*|\*\//g;
  border.lastIndex = start;
  for (let found = border.exec(sql); found !== null; found = border.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return border.lastIndex;
  }
  throw endless(sql, start, 'comment');
}

/** psql sends neither space nor `--` comments that stand before a command; a comment in the other form it does. */
function withoutLeadingLines(text: string): string {
  const space = /\s*/y;
  for (let at = 0; ; at = lineEnd(text, space.lastIndex)) {
    space.lastIndex = at;
    space.exec(text);
    if (!text.startsWith('--', space.lastIndex)) return text.slice(space.lastIndex);
  }
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end < 0 ? text.length : end + 1;
}

function meta(sql: string, at: number): CustodyError {
  return new CustodyError('unsupported', `line ${lineOf(sql, at)}: psql's own commands cannot be approved`, {
    hint: 'leave the lines with a backslash out',
  });
}

function endless(sql: string, at: number, what: string): CustodyError {
  return new CustodyError('format-invalid', `line ${lineOf(sql, at)}: this ${what} does not end`);
}

function lineOf(sql: string, at: number): number {
  return sql.slice(0, at).split('\n').length;
}
