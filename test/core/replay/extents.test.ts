import { expect, it } from 'vitest';
import { postgresReader } from '#core/replay/postgres/reader.ts';
import type { ReplayReader } from '#core/replay/reader.ts';
import { sshReader } from '#core/replay/ssh/reader.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { SCENARIOS } from '#test/vectors/postgres/read.ts';
import { answered } from './index/support.ts';
import { ask, asyncOf, ptyRequest, session } from './ssh/support.ts';
import { capturedFrames, framesOf, LOGIN, server } from './support.ts';

/** By number a step is named everywhere: what one extent shows as step 7 is step 7 of the other. */
async function gist(reader: ReplayReader, frames: readonly ReplayFrame[], extent: 'page' | 'whole') {
  const steps: string[] = [];
  for await (const { step } of reader.steps(asyncOf(frames), extent, () => undefined))
    steps.push([step.kind, step.at, step.took, step.outcome].join(' '));
  return steps;
}

async function bothOf(reader: ReplayReader, frames: readonly ReplayFrame[]) {
  return { whole: await gist(reader, frames, 'whole'), page: await gist(reader, frames, 'page') };
}

it.each(SCENARIOS)('both extents give the steps of %s in one number and order', async (name) => {
  const { whole, page } = await bothOf(postgresReader, capturedFrames(name));
  expect(whole.length).toBeGreaterThan(1);
  expect(page).toEqual(whole);
});

it('also where a page keeps less of what is asked and answered', async () => {
  const long = 'x'.repeat(100_000);
  const rows = Array.from({ length: 300 }, () => server.row('y'.repeat(8_000)));
  const large = [
    ...answered(`select '${long}'`, server.columns(['t', 25]), ...rows, server.tag('SELECT 300')),
    ...answered(`insert into t values ('${long}')`, server.tag('INSERT 0 1')),
    ...answered(
      'copy t to stdout',
      server.copyOut,
      server.copyData(long),
      server.copyDone,
      server.tag('COPY 1'),
    ),
  ];
  const { whole, page } = await bothOf(postgresReader, framesOf([...LOGIN, ...large, ...large]));
  expect(whole.length).toBeGreaterThan(1);
  expect(page).toEqual(whole);
});

it('also of a terminal', async () => {
  const peers = session();
  peers.run(ptyRequest());
  peers.run(ask('shell').done());
  for (let n = 0; n < 60; n += 1) {
    peers.type(`ls ${n}\r`);
    peers.print(`ls ${n}\r\n${'a line of output\r\n'.repeat(300)}$ `);
  }
  peers.close(0);
  const { whole, page } = await bothOf(sshReader, peers.tape.frames);
  expect(whole.length).toBeGreaterThan(1);
  expect(page).toEqual(whole);
});
