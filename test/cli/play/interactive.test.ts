import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Cli } from '#cli/cli.ts';
import { type PlayedSteps, playInteractive, type Stage } from '#cli/play/interactive.ts';
import { postgresReader } from '#core/replay/postgres/reader.ts';
import type { Step } from '#core/replay/postgres/step.ts';

const shown = (text: string) => ({ text, bytes: text.length, cut: false });
const STEPS: readonly (Step & { isError?: boolean; isWrite?: boolean })[] = [
  { kind: 'query', at: 0, took: 5, outcome: 'completed', statement: shown('SELECT one'), tag: 'SELECT 1' },
  {
    kind: 'query',
    at: 4_000_000,
    took: 5,
    outcome: 'completed',
    statement: shown('SELECT many'),
    columns: [{ name: 'n', type: 23 }],
    rows: Array.from({ length: 45 }, (_, at) => [shown(`row${at + 1}.`)]),
    rowCount: 900,
    tag: 'SELECT 900',
  },
  {
    kind: 'query',
    at: 9_000_000,
    took: 5,
    outcome: 'failed',
    statement: shown('SELECT broken'),
    isError: true,
  },
];

function steps(): PlayedSteps {
  const all = STEPS.map((step, at) => ({ ...step, number: at + 1 }));
  return {
    reader: postgresReader,
    total: all.length,
    until: 9_000_005,
    read: async (number) => postgresReader.ofJson(JSON.parse(JSON.stringify(STEPS[number - 1]))),
    find: async (from, direction, stop) => {
      const fits = all.filter((one) => stop === 'step' || (stop === 'error' && one.isError === true));
      return direction === 'next'
        ? fits.find(({ number }) => number > from)
        : fits.findLast(({ number }) => number < from);
    },
    atTime: async (at) => all.find((one) => one.at >= at) ?? all.at(-1),
  };
}

/** Runs the player: `tick` lets the pause before the next step be over, anything else is pressed. */
async function played(...script: string[]): Promise<{ out: string; status: string; waits: number[] }> {
  let [out, status] = ['', ''];
  const waits: number[] = [];
  let press: ((bytes: IteratorResult<Uint8Array>) => void) | undefined;
  let tick: (() => void) | undefined;
  const stage: Stage = {
    keys: { next: () => new Promise((done) => (press = done)) },
    sleep: (ms, signal) =>
      new Promise((done) => {
        waits.push(ms);
        tick = done;
        signal.addEventListener('abort', () => done());
      }),
  };
  const sink = (take: (text: string) => void) =>
    Object.assign(new Writable({ write: (chunk, _, done) => (take(String(chunk)), done()) }), {
      isTTY: true,
    });
  const cli = { stdout: sink((text) => (out += text)), stderr: sink((text) => (status += text)) };
  const playing = playInteractive(cli as unknown as Cli, steps(), { speed: 1, idleLimit: 2_000_000 }, stage);
  for (const what of [...script, 'q']) {
    await turn();
    await turn();
    if (what === 'tick') tick!();
    else press!({ value: Buffer.from(what), done: false });
  }
  await playing;
  return { out, status, waits };
}

it('goes on by itself, with pauses as they were and no longer than the limit', async () => {
  const { out, waits } = await played('tick', 'tick', 'tick');
  expect(waits).toEqual([0, 2_000, 2_000]);
  expect(out.match(/SELECT \w+\n/g)).toEqual(['SELECT one\n', 'SELECT many\n', 'SELECT broken\n']);
});

it('stops where somebody jumps, and says where it is', async () => {
  const { out, status } = await played('e', 'e', 'p');
  expect(out).not.toContain('SELECT one');
  expect(out.indexOf('SELECT broken')).toBeLessThan(out.indexOf('SELECT many'));
  expect(status).toContain('there is no error after this one');
  expect(status).toContain('step 2 of 3, 0:04.0 of 0:09.0, paused at 1×');
});

it('shows a large answer page by page, and says where all of it is', async () => {
  const first = await played('g', '2', '\r');
  expect(first.out).toContain('row20.');
  expect(first.out).not.toContain('row21.');
  const { out, status } = await played('g2\r', 'r', 'r', 'r');
  expect(out).toContain('row21.');
  expect(out).toContain('row45.');
  expect(out.match(/row1\./g)).toHaveLength(1);
  expect(status).toContain('custody export --csv --step 2 has all');
});

it('pauses, and goes on at another speed', async () => {
  const { waits, status } = await played('tick', ' ', '+', ' ', 'tick');
  expect(waits).toEqual([0, 2_000, 1_000, 1_000]);
  expect(status).toContain('paused at 1×');
  expect(status).toContain('playing at 2×');
});
