/** What programs put out, which a browser shows: whatever it is, it becomes rows of a screen, and nothing but text. */
import { isDeepStrictEqual } from 'node:util';
import { COLUMNS_MAX, Emulator, ROWS_MAX } from '../../console/terminal/emulator.ts';
import { fromKeyframe, keyframeOf } from '../../console/terminal/keyframe.ts';
import { type Row, RowReader } from '../../console/terminal/rows.ts';
import type { FuzzTarget } from './target.ts';

/** What turns, hides or joins text; pictures keep the selector of how they look. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
/** A character, its marks, each as an escape. */
const CELL_MAX = 200;
const SIZE_BYTES = 4;
/** Larger ones are looked at by tests: they take long. */
const [COLUMNS, ROWS] = [140, 50];

export const targets: readonly FuzzTarget[] = [{ name: 'terminal-screen', seeds, run }];

function seeds(): readonly Uint8Array[] {
  const outputs = [
    'plain \u001b[1;31mred\u001b[0m\r\n日本語 e\u0301 👩\u200d🚀 ⚠\ufe0f',
    '\u001b[?1049h\u001b[2;4r\u001b[H\u001b[2J\u001b[3;4Hvim\u001b[?25l\u001b7\u001b[9;9H\u001b8',
    '\u001b]0;title\u0007\u001b]8;;javascript:alert(1)\u001b\\link\u001b]8;;\u001b\\\u001b]52;c;cHduZWQ=\u0007',
    '\u001bPq#0;2;0;0;0~~\u001b\\\u001b_apc\u001b\\\u001b^pm\u001b\\\u001b]1337;File=:AAAA\u0007',
    'x\u001b[1000000000b\u001b[2147483647L\u001b[99999999S\u001b[65535;65535H\u001b[8;9999;9999t',
    `z${'\u0301'.repeat(99)}\u202eturned\u2066\u200b\ufeff`,
  ];
  return outputs.map((output) => Buffer.concat([Buffer.of(0, 40, 0, 10), Buffer.from(output)]));
}

/** The size comes first. */
async function run(bytes: Uint8Array): Promise<void> {
  const head = Buffer.alloc(SIZE_BYTES);
  head.set(bytes.subarray(0, SIZE_BYTES));
  const size = { columns: head.readUInt16BE(0) % COLUMNS, rows: head.readUInt16BE(2) % ROWS };
  const output = bytes.subarray(SIZE_BYTES);
  const emulator = new Emulator(size, true);
  const half = output.length >> 1;
  await emulator.write(output.subarray(0, half));
  const frame = keyframeOf(emulator, true);
  await emulator.write(output.subarray(half));
  const rows = new RowReader().read(emulator.terminal);
  check(rows);
  if (frame !== undefined) {
    const restored = fromKeyframe(frame);
    await restored.write(output.subarray(half));
    if (!isDeepStrictEqual(new RowReader().read(restored.terminal), rows))
      throw new Error('a keyframe leads elsewhere');
    restored.dispose();
  }
  emulator.dispose();
}

function check(rows: readonly Row[]): void {
  if (rows.length > ROWS_MAX) throw new Error(`${rows.length} rows`);
  for (const { runs } of rows) {
    const width = runs.reduce((sum, run) => sum + run.width, 0);
    if (width > COLUMNS_MAX) throw new Error(`${width} columns`);
    for (const { text, width: columns } of runs) {
      if (UNSAFE.test(text)) throw new Error(`not text: ${JSON.stringify(text)}`);
      if (text.length > columns * CELL_MAX) throw new Error(`${text.length} characters in ${columns} cells`);
    }
  }
}
