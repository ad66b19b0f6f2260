/** Security cases 18 and 21: output that is made to break out of the screen, or to keep whoever looks at it busy. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COLUMNS_MAX, Emulator, ROWS_MAX } from '../../../console/terminal/emulator.ts';
import { type Row, RowReader, textOf } from '../../../console/terminal/rows.ts';
import { targets } from '#test/fuzz/terminal-screen.ts';
import { output } from './programs.ts';

async function shown(text: string | Uint8Array, size = { columns: 40, rows: 6 }): Promise<readonly Row[]> {
  const emulator = new Emulator(size, true);
  await emulator.write(Buffer.from(text));
  const rows = new RowReader().read(emulator.terminal);
  emulator.dispose();
  return rows;
}

async function text(output: string | Uint8Array): Promise<string> {
  return textOf(await shown(output));
}

test('whatever is put out becomes rows of text of the screen’s size', async () => {
  const size = fc.tuple(fc.nat(65_535), fc.nat(65_535)).map(([columns, rows]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(columns % 99, 0);
    head.writeUInt16BE(rows % 40, 2);
    return head;
  });
  await fc.assert(
    fc.asyncProperty(size, output, async (head, bytes) => {
      await expect(targets[0]!.run(Buffer.concat([head, bytes]))).resolves.toBeUndefined();
    }),
    { numRuns: 40 },
  );
});

test('a command that says how often is done as often as the screen has room for', async () => {
  for (const final of ['S', 'T', 'L', 'M', 'I', 'Z', 'b', '@', 'P', 'X', 'A', 'B', 'C', 'D', 'J', 'K'])
    for (const count of [1_000_000_000, 2 ** 31 - 1, '9'.repeat(400)])
      await shown(`start\r\nx\u001b[${count}${final}`.repeat(20));
  expect(await text('ab\u001b[1000000000S')).toBe('\n');
  expect(await text(`${'a\r\n'.repeat(4)}\u001b[H\u001b[1000000000Mz`)).toBe('z\n');
  expect((await text('x\u001b[1000000000b')).length).toBeGreaterThan(200);
});

test('a screen is no larger than a browser can show, and no smaller than a cell or two', async () => {
  for (const [columns, rows, wanted] of [
    [65_535, 65_535, [COLUMNS_MAX, ROWS_MAX]],
    [0, 0, [2, 1]],
    [Number.NaN, -5, [2, 1]],
  ] as const) {
    const emulator = new Emulator({ columns: 80, rows: 24 }, true);
    emulator.resize({ columns, rows });
    expect([emulator.terminal.cols, emulator.terminal.rows]).toEqual(wanted);
    emulator.dispose();
  }
});

test('marks upon marks take cells of their own', async () => {
  const rows = await shown(`z${'\u0301'.repeat(100_000)}`);
  for (const { runs } of rows) for (const run of runs) expect(run.text.length).toBeLessThan(40);
});

test('what cannot be seen, or turns what stands beside, stands as an escape', async () => {
  expect(await text('user\u202egnp.exe\u2066')).toContain('user\\u202egnp.exe\\u2066');
  expect(await text('a\u200bb\u00adc\u2060d')).toBe('a\\u200bb\\xadc\\u2060d\n');
  expect(await text('ok 👩\u200d🚀 ⚠\ufe0f')).toBe('ok 👩🚀 ⚠\ufe0f\n');
  expect(await text('\u0301')).toBe('\u25cc\u0301\n');
});

test('bytes that are no UTF-8 are shown as such, and the rest goes on', async () => {
  expect(await text(Buffer.from([0x61, 0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x62]))).toMatch(/^a.*b\n$/s);
});

test.each([
  ['a title', '\u001b]0;owned\u0007\u001b]2;owned\u001b\\'],
  ['a link', '\u001b]8;;javascript:owned\u001b\\\u001b]8;;\u001b\\'],
  ['the clipboard', '\u001b]52;c;b3duZWQ=\u0007'],
  ['a file', '\u001b]1337;File=inline=1:b3duZWQ=\u0007'],
  ['a notification', '\u001b]777;notify;owned\u0007\u001b]9;owned\u0007'],
  ['colours', '\u001b]4;1;rgb:ff/00/00\u0007\u001b]10;?\u0007\u001b]11;?\u0007'],
  ['a picture', '\u001bPq#0;2;0;0;0#0~~owned\u001b\\'],
  ['APC, PM and SOS', '\u001b_owned\u001b\\\u001b^owned\u001b\\\u001bXowned\u001b\\'],
  [
    'questions',
    '\u001b[c\u001b[>c\u001b[6n\u001b[18t\u001b[21t\u001bP$qm\u001b\\\u001bP+q544e\u001b\\\u0005',
  ],
])('%s is nothing that is shown, done or answered', async (_, attack) => {
  const emulator = new Emulator({ columns: 40, rows: 6 }, true);
  const done: string[] = [];
  emulator.terminal.onTitleChange((title) => done.push(title));
  await emulator.write(Buffer.from(`before ${attack}after`));
  expect(textOf(new RowReader().read(emulator.terminal))).toBe('before after\n');
  expect(done).toEqual([]);
  emulator.dispose();
});
