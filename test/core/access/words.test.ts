import { describe, expect, it } from 'vitest';
import { askWords, words } from '#core/access/words.ts';

const takes = (text: string): boolean => words.safeParse(text).success;

describe('words that somebody gives (security case 18)', () => {
  it('are taken with line feeds, tabs, and any script; blanks around them do not count', () => {
    expect(words.parse('  an order\n\tis stuck 🙂 سفارش\u200cها ')).toBe(
      'an order\n\tis stuck 🙂 سفارش\u200cها',
    );
  });

  it.each(
    [0x00, 0x07, 0x08, 0x0b, 0x0d, 0x1b, 0x1f, 0x7f, 0x80, 0x9b, 0x9f, 0x61c, 0x200b, 0x200e, 0x2028].concat([
      0x2029, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff, 0xd800, 0xdc00,
    ]),
  )('are not taken with character %i', (code) => {
    expect(takes(`a${String.fromCharCode(code)}b`)).toBe(false);
  });

  it('are some, and not too many', () => {
    expect([takes(''), takes(' \n'), takes('x'.repeat(1_000)), takes('x'.repeat(1_001))]).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(askWords.safeParse({ ticket: 'x'.repeat(101) }).success).toBe(false);
    expect(askWords.parse({ reason: ' x ' })).toEqual({ reason: 'x' });
  });
});
