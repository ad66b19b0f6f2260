import type { SeenLiteral } from '#core/tasks/seen.ts';
import { traceOf } from './trace.ts';

/** A text with marks in place of its literals: two of one skeleton have the same tokens otherwise, byte for byte. */
export interface Skeleton {
  readonly key: string;
  readonly literals: readonly Literal[];
  readonly trace?: string;
}

export interface Literal {
  readonly value: SeenLiteral;
  /** The UTF-16 unit at which it begins. */
  readonly at: number;
}

/** The marks: literals of one mark are one token to the parser, and one kind of constant. */
const MARK = {
  integer: '\u0001',
  bigint: '\u0002',
  decimal: '\u0003',
  text: '\u0004',
  comment: '\u0005',
} as const;

const QUOTE = 0x27;
const INT4_MAX = 2_147_483_647;
const INT4_DIGITS = 10;
/** Surely a bigint. */
const BIGINT_DIGITS = 18;

/** What a character begins, outside of quotes. */
const WORD = 1;
const DIGIT = 2;
const OTHER = 3;
const SPECIAL = 4;
const UNKNOWN = 0;

const CLASSES = classes();

function classes(): Uint8Array {
  const found = new Uint8Array(128);
  for (let code = 0x20; code < 0x7f; code += 1) found[code] = OTHER;
  for (const space of '\t\n\r\f') found[space.charCodeAt(0)] = OTHER;
  for (const letter of 'abcdefghijklmnopqrstuvwxyz_') {
    found[letter.charCodeAt(0)] = WORD;
    found[letter.toUpperCase().charCodeAt(0)] = WORD;
  }
  for (const digit of '0123456789') found[digit.charCodeAt(0)] = DIGIT;
  for (const special of '\'"$-/.&\\') found[special.charCodeAt(0)] = SPECIAL;
  return found;
}

/**
 * The skeleton of a text of plain tokens; undefined for every other: what is found by it must be what the parser would find. Only
 * where standard_conforming_strings is on. It knows words, quoted names, plain quotes, decimal numbers, `$n`, and comments without others
 * in them; whatever it takes for a literal is compared with the parser's tree when a skeleton is new.
 */
export function skeletonOf(text: string): Skeleton | undefined {
  return new Scanner(text).scan();
}

class Scanner {
  readonly #text: string;
  readonly #literals: Literal[] = [];
  #key = '';
  #from = 0;
  #trace: string | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): Skeleton | undefined {
    const text = this.#text;
    for (let at = 0; at < text.length; ) {
      const code = text.charCodeAt(at);
      const kind = code < 128 ? CLASSES[code]! : WORD;
      const next = kind === OTHER ? at + 1 : this.#token(kind, code, at);
      if (next === 0) return undefined;
      at = next;
    }
    const key = this.#key + text.slice(this.#from);
    return { key, literals: this.#literals, ...(this.#trace !== undefined && { trace: this.#trace }) };
  }

  /** The place behind a token; 0 where it is none of the plain ones. */
  #token(kind: number, code: number, at: number): number {
    if (kind === WORD) return this.#word(at);
    if (kind === DIGIT) return this.#number(at);
    return kind === UNKNOWN ? 0 : this.#special(code, at);
  }

  /** A quote that touches it would be of another kind: E'', B'', N'', U&''. */
  #word(at: number): number {
    const end = this.#wordEnd(at);
    return this.#text.charCodeAt(end) === QUOTE ? 0 : end;
  }

  #wordEnd(at: number): number {
    let end = at;
    while (isWordPart(this.#text.charCodeAt(end))) end += 1;
    return end;
  }

  #number(at: number): number {
    const text = this.#text;
    let end = digitsEnd(text, at);
    const digits = end - at;
    const isDecimal = text.charCodeAt(end) === 0x2e;
    if (isDecimal) {
      const fraction = digitsEnd(text, end + 1);
      if (fraction === end + 1) return 0;
      end = fraction;
    } else if (digits > BIGINT_DIGITS) return 0;
    const behind = text.charCodeAt(end);
    if (isWordPart(behind) || behind === 0x2e || behind === QUOTE) return 0;
    const written = text.slice(at, end);
    if (isDecimal) return this.#literal({ kind: 'number', text: written }, at, end, MARK.decimal);
    const value = withoutZeros(written);
    const mark = isInt4(value) ? MARK.integer : MARK.bigint;
    return this.#literal({ kind: 'integer', text: value }, at, end, mark);
  }

  #special(code: number, at: number): number {
    const text = this.#text;
    const next = text.charCodeAt(at + 1);
    switch (code) {
      case QUOTE:
        return this.#quoted(at);
      case 0x22:
        return this.#name(at);
      // $n, and no dollar quote.
      case 0x24: {
        const end = digitsEnd(text, at + 1);
        return end === at + 1 || isWordPart(text.charCodeAt(end)) ? 0 : end;
      }
      case 0x2d:
        return next === 0x2d ? 0 : at + 1;
      case 0x2f:
        return next === 0x2a ? this.#comment(at) : at + 1;
      // `.5` is a number; behind a name it is another name.
      case 0x2e:
        return next >= 0x30 && next <= 0x39 ? 0 : at + 1;
      case 0x26:
        return next === QUOTE || next === 0x22 ? 0 : at + 1;
      default:
        return 0;
    }
  }

  #quoted(at: number): number {
    const text = this.#text;
    let end = text.indexOf("'", at + 1);
    let doubled = false;
    for (; end >= 0 && text.charCodeAt(end + 1) === QUOTE; end = text.indexOf("'", end + 2)) doubled = true;
    if (end < 0) return 0;
    const inside = text.slice(at + 1, end);
    // Two that stand by each other, on two lines, are one.
    if (inside.includes('\\') || this.#isBehindText(at)) return 0;
    const value = doubled ? inside.replaceAll("''", "'") : inside;
    return this.#literal({ kind: 'text', text: value }, at, end + 1, MARK.text);
  }

  /** Only white space and comments are between this and a text before it. */
  #isBehindText(at: number): boolean {
    if (!this.#key.endsWith(MARK.text) && !this.#key.endsWith(MARK.comment)) return false;
    return this.#text.slice(this.#from, at).trim() === '';
  }

  #name(at: number): number {
    const text = this.#text;
    let end = text.indexOf('"', at + 1);
    while (end >= 0 && text.charCodeAt(end + 1) === 0x22) end = text.indexOf('"', end + 2);
    if (end < 0) return 0;
    for (let inside = at + 1; inside < end; inside += 1) if (text.charCodeAt(inside) < 0x20) return 0;
    return end + 1;
  }

  #comment(at: number): number {
    const text = this.#text;
    const end = text.indexOf('*/', at + 2);
    if (end < 0) return 0;
    const comment = text.slice(at, end + 2);
    if (comment.includes('/*', 2)) return 0;
    this.#trace ??= traceOf(comment);
    this.#cut(at, end + 2, MARK.comment);
    return end + 2;
  }

  #literal(value: SeenLiteral, at: number, end: number, mark: string): number {
    this.#literals.push({ value, at });
    this.#cut(at, end, mark);
    return end;
  }

  #cut(at: number, end: number, mark: string): void {
    this.#key += this.#text.slice(this.#from, at) + mark;
    this.#from = end;
  }
}

function digitsEnd(text: string, at: number): number {
  let end = at;
  for (let code = text.charCodeAt(end); code >= 0x30 && code <= 0x39; code = text.charCodeAt(end)) end += 1;
  return end;
}

/** `NaN`, behind the end, is none. */
function isWordPart(code: number): boolean {
  if (code >= 128) return true;
  const kind = CLASSES[code];
  return kind === WORD || kind === DIGIT || code === 0x24;
}

/** Those before a number mean nothing to any server: 007 is 7. */
function withoutZeros(written: string): string {
  let at = 0;
  while (at < written.length - 1 && written.charCodeAt(at) === 0x30) at += 1;
  return at === 0 ? written : written.slice(at);
}

function isInt4(value: string): boolean {
  return value.length < INT4_DIGITS || (value.length === INT4_DIGITS && Number(value) <= INT4_MAX);
}
