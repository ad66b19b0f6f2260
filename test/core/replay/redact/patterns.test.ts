import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CUT_MARK, compilePattern, PatternMistake, Patterns } from '#core/replay/redact/patterns.ts';

const SECRET = 'sk_live_4242secret';
const patterns = new Patterns(['sk_live_[0-9a-z]+', '\\d{4}-\\d{4}-\\d{4}-\\d{4}']);

/** Ways in which a text stands in recordings. */
const SPELLINGS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  'a bytea': (text) => `\\x${Buffer.from(text).toString('hex')}`,
  "a string's escapes": (text) => text.replaceAll(/[a-z]/g, (one) => `\\x${one.charCodeAt(0).toString(16)}`),
  'octal escapes': (text) => text.replaceAll('_', '\\137'),
  "JSON's escapes": (text) => text.replaceAll('s', '\\u0073'),
  'a bytea in JSON': (text) => `{"a":"\\\\x${Buffer.from(text).toString('hex')}"}`,
  'a terminal with colours between': (text) => Array.from(text).join('\x1b[1;31m'),
  'a terminal with a title between': (text) => text.replace('live', '\x1b]0;title\x07live'),
  'typed, and one letter corrected': (text) => text.replace('live', 'lix\bve').replace('x\bve', 'v\x7fve'),
};

describe('patterns', () => {
  test('leave a mark where they fit, and the rest as it was', () => {
    expect(patterns.leaveOut(`key=${SECRET}; card 1111-2222-3333-4444.`)).toBe(
      'key=[redacted: pattern 1]; card [redacted: pattern 2].',
    );
  });

  test.each(Object.entries(SPELLINGS))('fit what is written as %s', (_name, spelt) => {
    const left = patterns.leaveOut(`before ${spelt(SECRET)} after`);
    expect(left).toContain('[redacted: pattern 1]');
    expect(left).not.toContain(spelt(SECRET));
  });

  test('a mark is no match: patterns that fit what marks say leave one mark each', () => {
    expect(new Patterns(['\\d', 'redacted', 'e']).leaveOut('1e\\n')).toBe(
      '[redacted: pattern 1][redacted: pattern 3]\\n',
    );
  });

  test('what is cut off is left without its end, which may be the beginning of a match', () => {
    const left = patterns.leaveOut(`${'x'.repeat(1000)}sk_li`, true);
    expect(left).toBe('x'.repeat(1000 + 5 - 512) + CUT_MARK);
    expect(patterns.leaveOut('sk_li', true)).toBe(CUT_MARK);
  });

  test('too many matches leave one mark', () => {
    expect(new Patterns(['a']).leaveOut('ab'.repeat(200))).toBe('[redacted: pattern 1]');
  });

  test.each(['(', '[a', '(?<=a)b', '\\1'])('%s is a mistake', (written) => {
    expect(() => compilePattern(written)).toThrow(PatternMistake);
  });

  test.each(['a*', '', '^', '(a|)'])('%s would fit everything, and is a mistake', (written) => {
    expect(() => compilePattern(written)).toThrow(/fits the empty text/);
  });

  test('no text shows a secret, wherever it stands in whatever spelling', () => {
    const spelling = fc.constantFrom(...Object.values(SPELLINGS));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), spelling, fc.string(), (before, spelt, after) => {
        const planted = spelt(SECRET);
        // What is around it may make it another text: `\` before a bytea, a control sequence that swallows it.
        fc.pre(!/[\\\p{Cc}"']$/u.test(before) && !/^[\p{Cc}]/u.test(after));
        const left = patterns.leaveOut(`${before} ${planted} ${after}`);
        expect(left).not.toContain(planted);
        expect(left).not.toContain(SECRET);
      }),
      { numRuns: 100 },
    );
  });

  test('a hostile pattern over a hostile text costs as the text is long (security case 21)', () => {
    const hostile = new Patterns(['(a+)+$', '(x+x+)+y', '(a|a)*b{3}c', 'a.*z|b']);
    for (const text of [`${'a'.repeat(16 << 10)}!`, 'x'.repeat(16 << 10), 'ab'.repeat(8 << 10)])
      expect(hostile.leaveOut(text).length).toBeGreaterThan(0);
  });
});
