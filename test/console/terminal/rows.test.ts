import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Emulator } from '../../../console/terminal/emulator.ts';
import { RowReader } from '../../../console/terminal/rows.ts';
import { output } from './programs.ts';

const SIZE = { columns: 20, rows: 5 };

test('rows that are read again and again are what one sees who reads them once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(output, { minLength: 2, maxLength: 6 }), async (outputs) => {
      const emulator = new Emulator(SIZE, true);
      const reader = new RowReader();
      for (const piece of outputs) {
        await emulator.write(piece);
        expect(reader.read(emulator.terminal)).toEqual(new RowReader().read(emulator.terminal));
      }
      emulator.dispose();
    }),
    { numRuns: 25 },
  );
});

test('a row that stays as it was is the same, and one with another mark, look or cursor is not', async () => {
  const emulator = new Emulator(SIZE, true);
  const reader = new RowReader();
  const after = async (text: string) => {
    await emulator.write(Buffer.from(text));
    return reader.read(emulator.terminal);
  };
  let before = await after('one\r\ne\u0301\r\nthree\r\n');
  for (const [changed, text] of [
    [[], ''],
    [[3], '\u001b[?25l'],
    [[1], '\u001b[2;2H\u0308'],
    [[0], '\u001b[1;1H\u001b[4mone\u001b[m'],
    // Lines of another kind or colour below a text are shown as lines.
    [[], '\u001b[1;1H\u001b[4:3;58;5;3mone\u001b[m'],
    [[2], '\u001b[3;1HThree'],
  ] as const) {
    const now = await after(text);
    const others = now.flatMap((row, at) => (row === before[at] ? [] : [at]));
    expect(others, JSON.stringify(text)).toEqual(changed);
    before = now;
  }
});
