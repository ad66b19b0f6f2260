import { RE2JS } from 're2js';
import { decodings } from './decoded.ts';

/** Of one text: each further match could look at all of it again. */
const MATCHES_MAX = 100;
/** Stands for what was found while other spellings are looked at. No pattern is meant to fit it. */
const FOUND = '\u{f0000}';
/** The longest end of a cut text that may be the beginning of a match. */
const END = 512;

export const CUT_MARK = '[redacted: the end of what is cut off]';

export function patternMark(at: number): string {
  return `[redacted: pattern ${at + 1}]`;
}

/** A pattern that is none. */
export class PatternMistake extends Error {
  override readonly name = 'PatternMistake';
}

/** Throws `PatternMistake` for what is no pattern, and for one that fits the empty text: it would say nothing, and fit everything. */
export function compilePattern(written: string): RE2JS {
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(written);
  } catch (error) {
    throw new PatternMistake(error instanceof Error ? error.message : String(error));
  }
  if (pattern.matches(''))
    throw new PatternMistake('fits the empty text: what is to be left out has characters');
  return pattern;
}

/** What is left out of texts. Linear in the text, whatever pattern and text are (RE2). */
export class Patterns {
  readonly #patterns: readonly RE2JS[];

  constructor(written: readonly string[]) {
    this.#patterns = written.map(compilePattern);
  }

  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /**
   * The text with a mark in place of each match; a mark alone where a match is there in another spelling. `isCut`: its end is not
   * there, and so may be the beginning of a match.
   */
  leaveOut(text: string, isCut = false): string {
    if (text === '' || this.isEmpty) return text;
    let left = text;
    for (const [at, pattern] of this.#patterns.entries()) {
      const found = replaced(left, pattern, `${FOUND}${String.fromCodePoint(0xf0001 + at)}`);
      if (found === undefined) return patternMark(at);
      left = found;
    }
    for (const other of decodings(left)) {
      const at = this.#patterns.findIndex((pattern) => pattern.matcher(other).find());
      if (at >= 0) return patternMark(at);
    }
    return marked(isCut ? withoutEnd(left) : left);
  }
}

/** Undefined where there are too many matches. */
function replaced(text: string, pattern: RE2JS, by: string): string | undefined {
  const matcher = pattern.matcher(text);
  let [left, last, count] = ['', 0, 0];
  while (matcher.find()) {
    if (matcher.end() === matcher.start()) continue;
    if ((count += 1) > MATCHES_MAX) return undefined;
    left += text.slice(last, matcher.start()) + by;
    last = matcher.end();
  }
  return left + text.slice(last);
}

function withoutEnd(text: string): string {
  return text.slice(0, Math.max(0, text.length - END)) + CUT_MARK;
}

function marked(text: string): string {
  return text.replaceAll(/\u{f0000}(.)/gu, (_whole, which: string) =>
    patternMark(which.codePointAt(0)! - 0xf0001),
  );
}
