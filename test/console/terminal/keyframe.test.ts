import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Emulator } from '../../../console/terminal/emulator.ts';
import { fromKeyframe, keyframeOf } from '../../../console/terminal/keyframe.ts';
import { RowReader } from '../../../console/terminal/rows.ts';
import { output } from './programs.ts';

const SIZE = { columns: 24, rows: 7 };

function rowsOf(emulator: Emulator) {
  return new RowReader().read(emulator.terminal);
}

async function drawn(...pieces: readonly Uint8Array[]): Promise<Emulator> {
  const emulator = new Emulator(SIZE, true);
  for (const piece of pieces) await emulator.write(piece);
  return emulator;
}

test('what comes after a keyframe is shown as after all that came before it', async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(output, output, output, async (before, after, later) => {
      const whole = await drawn(before);
      const frame = keyframeOf(whole, true);
      if (frame === undefined) return;
      taken += 1;
      await whole.write(after);
      // Twice from the same: the first one changes nothing of it.
      for (const rest of [later, Buffer.alloc(0)]) {
        const restored = fromKeyframe(frame);
        await restored.write(after);
        if (rest.length > 0) await restored.write(rest);
        const expected = await drawn(before, after, rest);
        expect(rowsOf(restored)).toEqual(rowsOf(expected));
        restored.dispose();
        expected.dispose();
      }
      whole.dispose();
    }),
    { numRuns: 40 },
  );
  expect(taken).toBeGreaterThan(8);
});

test('none is taken in the middle of a command or a character', async () => {
  for (const part of ['\u001b', '\u001b[3', '\u001b]0;title', '\u001bPq'])
    expect(keyframeOf(await drawn(Buffer.from(part)), true), part).toBeUndefined();
  expect(keyframeOf(await drawn(Buffer.from('€').subarray(0, 2)), true)).toBeUndefined();
  expect(keyframeOf(await drawn(Buffer.from('€')), true)).toBeDefined();
});

test('margins, tabs, saved places, character sets, modes and the other screen are all in it', async () => {
  const before =
    '\u001b[2;4r\u001b[3g\u001b[9G\u001bH\u001b[4;5H\u001b[7m\u001b7\u001b(0\u001b[?7l\u001b[4h\u001b[20h\u001b[?1049h\u001b[2;6H\u001b[32m';
  const after = 'qqq\tx\n\n\n\n\u001b8abc\u001b[?1049lqqq\u001b[4;1H\n\nend\tx';
  const frame = keyframeOf(await drawn(Buffer.from(before)), true)!;
  const restored = fromKeyframe(frame);
  await restored.write(Buffer.from(after));
  expect(rowsOf(restored)).toEqual(rowsOf(await drawn(Buffer.from(before), Buffer.from(after))));
});
