import { describe, expect, it } from 'vitest';
import { lineOf, wordsOf } from '#proxy/protocols/ssh/words.ts';

describe('what a person at a terminal reads', () => {
  const error = { message: `no, ${'since '.repeat(30)}so`, hint: `do ${'this and '.repeat(30)}that` };

  it('is whole, also where it is longer than what a stranger may have quoted', () => {
    for (const text of [wordsOf(error), lineOf(error)]) {
      expect(text).toContain(error.message);
      expect(text).toContain(error.hint);
    }
  });

  it('security case 18: has an end, and nothing that a terminal would obey', () => {
    const said = wordsOf({ message: `\u001b[2J${'x'.repeat(5_000)}`, hint: undefined });
    expect(said.length).toBeLessThan(1_100);
    expect(said.replaceAll('\r\n', '')).toMatch(/^[ -~]*$/);
  });
});
