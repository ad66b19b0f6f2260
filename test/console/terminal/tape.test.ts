import { expect, test } from 'vitest';
import type { TerminalEvent } from '#core/replay/terminal.ts';
import { findInOutput } from '../../../console/terminal/find.ts';
import { textOf } from '../../../console/terminal/rows.ts';
import { Tape } from '../../../console/terminal/tape.ts';
import { TapeScreen } from '../../../console/terminal/tape-screen.ts';

const START: TerminalEvent = { kind: 'start', at: 0, columns: 40, rows: 5, isTerminal: true };

function output(at: number, text: string): TerminalEvent {
  return { kind: 'output', at, bytes: Buffer.from(text) };
}

function tapeOf(...events: readonly TerminalEvent[]): Tape {
  const tape = new Tape();
  for (const event of [START, ...events]) tape.add(event);
  return tape;
}

/** A line each millisecond, and every so often a screen of another size. */
function longTape(lines: number): Tape {
  const tape = tapeOf();
  for (let at = 1; at <= lines; at += 1) {
    if (at % 5_000 === 0) tape.add({ kind: 'resize', at: at * 1000, columns: 30 + (at % 7), rows: 6 });
    tape.add(output(at * 1000, `\u001b[3${at % 8}mline ${at}${'.'.repeat(150)}\u001b[0m\r\n`));
  }
  return tape;
}

async function shownAt(screen: TapeScreen, us: number): Promise<string> {
  await screen.seek(us);
  return textOf(screen.rows());
}

test('a screen is the same whether one came to a moment from before, from behind or from nowhere', async () => {
  const tape = longTape(12_000);
  const screen = new TapeScreen(tape);
  const moments = [11_990_000, 3_000, 6_000_500, 11_900_000, 9_999_999, 0, 12_000_000];
  for (const at of moments) {
    const fresh = new TapeScreen(tape);
    expect(await shownAt(screen, at), String(at)).toBe(await shownAt(fresh, at));
    fresh.dispose();
  }
  expect(await shownAt(screen, 8_345_000)).toContain('line 8345');
  expect(tape.keptBytes).toBeLessThan(1 << 20);
});

test('who does not want it any more is not kept waiting, and what was drawn by then is no other', async () => {
  const screen = new TapeScreen(longTape(9_000));
  let looks = 0;
  await screen.seek(9_000_000, () => (looks += 1) < 4);
  expect(screen.at).toBeLessThan(9_000_000);
  expect(await shownAt(screen, 9_000_000)).toContain('line 9000');
});

test('pauses are known, and what was typed in one is none of it', () => {
  const tape = tapeOf(
    output(1_000_000, 'a'),
    { kind: 'input', at: 2_000_000, bytes: Buffer.from('secret') },
    output(9_000_000, 'b'),
    output(9_100_000, 'c'),
  );
  expect(tape.gaps).toEqual([
    { from: 0, to: 1_000_000 },
    { from: 1_000_000, to: 9_000_000 },
  ]);
  expect(tape.gapAt(5_000_000)).toEqual({ from: 1_000_000, to: 9_000_000 });
  expect(tape.gapAt(9_000_000)).toBeUndefined();
  expect(tape.gapAt(999_999)).toEqual({ from: 0, to: 1_000_000 });
});

async function found(wanted: string, ...events: readonly TerminalEvent[]) {
  const tape = tapeOf(...events);
  return (
    await findInOutput(
      tape,
      wanted,
      () => true,
      () => undefined,
    )
  ).map((hit) => [hit.at, hit.before + hit.text + hit.after]);
}

test('a text is found across pieces, colours and a cut command, at the moment at which it was whole', async () => {
  expect(
    await found(
      'NEEDLE here',
      output(1, 'x\r\nthe \u001b[1mnee\u001b[3'),
      output(2, '1mdle\u001b[0m he'),
      output(3, 're!\r\nneedle\u001b[5Chere'),
    ),
  ).toEqual([
    [3, 'the needle here!'],
    [3, 'needle here'],
  ]);
});

test('what a program told the system, in a title or a link, is no output', async () => {
  const events = [
    output(
      1,
      '\u001b]0;needle\u0007\u001b]8;;http://needle\u001b\\shown\u001b]8;;\u001b\\ \u001bPneedle\u001b\\',
    ),
  ];
  expect(await found('needle', ...events)).toEqual([]);
  expect(await found('shown', ...events)).toEqual([[1, 'shown ']]);
});

test('of a great many hits each is told once', async () => {
  const events = Array.from({ length: 900 }, (_, at) => output(at, `${'.'.repeat(50)}hit ${at}\r\n`));
  const hits = await found('hit ', ...events);
  expect(hits.map(([at]) => at)).toEqual(events.map((_, at) => at));
});
