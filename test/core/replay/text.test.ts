import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTable } from '#core/replay/postgres/table.ts';
import type { Shown } from '#core/replay/step.ts';
import { displayWidth, escapeLines, escapeTerminal, fitWidth } from '#core/replay/text.ts';

/** What a terminal could act on, by code point: written here a second time, in another way. */
function harmless(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    const bidi = code === 0x61c || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e);
    const isolate = code >= 0x2060 && code <= 0x206f;
    const invisible =
      code === 0xfeff || (code >= 0xe0000 && code <= 0xe0fff) || (code >= 0xd800 && code <= 0xdfff);
    if (control || bidi || isolate || invisible) return false;
  }
  return true;
}

const nasty = fc.constantFrom(
  ...['\x1b[2J', '\x1b]0;title\x07', '\x9b31m', '\u202e', '\u2066', '\u200b', '\r', '\n', '\t', '\0', '\x7f'],
  ...[
    '\u2028',
    '\ufeff',
    '\u{e0041}',
    '\ud800',
    '\u00ad',
    '\u061c',
    '\ufff9',
    'é',
    '世',
    '😀',
    'e\u0301',
    'a',
    '\\',
  ],
);
const anyNasty = fc
  .array(fc.oneof(nasty, fc.string({ unit: 'binary' })), { maxLength: 12 })
  .map((parts) => parts.join(''));

// Security case 18: nothing of a recording reaches the terminal as a control.
describe('escapeTerminal', () => {
  test.each([
    ['\x1b[31mred', '\\x1b[31mred'],
    ['\x1b]52;c;cm0=\x07', '\\x1b]52;c;cm0=\\x07'],
    ['\x9b2J', '\\x9b2J'],
    ['a\r\nb\tc\0\x7f', 'a\\r\\nb\\tc\\x00\\x7f'],
    ['user\u202egnp.exe', 'user\\u202egnp.exe'],
    ['\u2066x\u2069\u200f', '\\u2066x\\u2069\\u200f'],
    ['a\u200bb\ufeff', 'a\\u200bb\\ufeff'],
    ['\u{e0041}', '\\u{e0041}'],
    ['\u2028', '\\u2028'],
    ['\ud800', '\\ud800'],
    ['a\ufff9b\u0600', 'a\\ufff9b\\u0600'],
    ['\u115f\u3164\u2800', '\\u115f\\u3164\\u2800'],
    ['pêche 世界 😀 e\u0301 \\x', 'pêche 世界 😀 e\u0301 \\x'],
  ])('%j becomes %j', (text, expected) => {
    expect(escapeTerminal(text)).toBe(expected);
  });

  test('takes bytes as UTF-8, whatever they are', () => {
    expect(escapeTerminal(Buffer.from('\x1b[0mé'))).toBe('\\x1b[0mé');
    expect(escapeTerminal(Uint8Array.of(0x61, 0x9b, 0xff))).toBe('a\ufffd\ufffd');
    fc.assert(fc.property(fc.uint8Array(), (bytes) => harmless(escapeTerminal(bytes))));
  });

  test('nothing harmful is left of any text', () => {
    fc.assert(
      fc.property(anyNasty, (text) => harmless(escapeTerminal(text))),
      { numRuns: 1000 },
    );
    for (let code = 0; code < 0x3000; code++) {
      expect(harmless(escapeTerminal(String.fromCodePoint(code)))).toBe(true);
    }
  });

  test('escapeLines lets line feeds and tabs be, and nothing else', () => {
    expect(escapeLines('select\r\n\t1\n\x1b\r')).toBe('select\n\t1\n\\x1b\\r');
    fc.assert(fc.property(anyNasty, (text) => harmless(escapeLines(text).replace(/[\n\t]/g, ''))));
  });
});

describe('fitWidth', () => {
  test('is never wider, and whole where there is room', () => {
    fc.assert(
      fc.property(anyNasty, fc.integer({ min: 1, max: 30 }), (text, width) => {
        const safe = escapeTerminal(text);
        const fitted = fitWidth(safe, width);
        expect(displayWidth(fitted)).toBeLessThanOrEqual(width);
        expect(fitted === safe || displayWidth(safe) > width).toBe(true);
      }),
    );
  });

  test('counts wide and combining characters as a terminal does', () => {
    expect(displayWidth('aé')).toBe(2);
    expect(displayWidth('世界')).toBe(4);
    expect(displayWidth('e\u0301')).toBe(1);
    expect(displayWidth('😀')).toBe(2);
    expect(fitWidth('世界人', 4)).toBe('世…');
    expect(fitWidth('abcdef', 4)).toBe('abc…');
  });
});

const shown = (text: string): Shown => ({ text, bytes: Buffer.byteLength(text), cut: false });

describe('formatTable', () => {
  const columns = [
    { name: 'id', type: 23 },
    { name: 'name', type: 25 },
    { name: 'price', type: 1700 },
  ];
  const rows = [
    [shown('1'), shown('apple'), shown('1.20')],
    [shown('22'), shown('pêche'), null],
  ];

  test('looks as psql does', () => {
    expect(formatTable({ columns, rows, rowCount: 2 }, { width: 80 })).toBe(
      [
        ' id | name  | price',
        '----+-------+-------',
        '  1 | apple |  1.20',
        ' 22 | pêche |',
        '(2 rows)',
      ].join('\n'),
    );
  });

  test('says how many rows there were, and what NULL is', () => {
    const lines = formatTable({ columns, rows, rowCount: 5000 }, { width: 80, nullText: '∅' }).split('\n');
    expect(lines.at(-1)).toBe('(5000 rows, the first 2 are shown)');
    expect(lines[3]).toBe(' 22 | pêche |     ∅');
    expect(formatTable({ columns: [], rows: [[]], rowCount: 1 }, { width: 80 })).toBe('(1 row)');
    expect(formatTable({}, { width: 80 })).toBe('(0 rows)');
  });

  test('cuts what is too wide, and marks values that the recording has more of', () => {
    const long = { text: 'x'.repeat(50), bytes: 5000, cut: true };
    expect(formatTable({ columns, rows: [[shown('1'), long, null]] }, { width: 30 })).toBe(
      [
        ' id |      name       | price',
        '----+-----------------+-------',
        '  1 | xxxxxxxxxxxxxx… |',
        '(1 row)',
      ].join('\n'),
    );
    expect(formatTable({ columns, rows: [[shown('1'), long, null]] }, { width: 200 })).toContain(
      '… (5000 bytes)',
    );
  });

  test('no line is wider than the terminal, and none does harm, whatever the rows are', () => {
    const cell = fc.option(anyNasty.map(shown), { nil: null });
    const table = fc.record({
      names: fc.array(anyNasty, { maxLength: 12 }),
      rows: fc.array(fc.array(cell, { maxLength: 14 }), { maxLength: 5 }),
      width: fc.integer({ min: 1, max: 120 }),
    });
    fc.assert(
      fc.property(table, ({ names, rows, width }) => {
        const named = names.map((name, type) => ({ name, type }));
        for (const line of formatTable({ columns: named, rows }, { width }).split('\n')) {
          expect(displayWidth(line)).toBeLessThanOrEqual(width);
          expect(harmless(line)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
