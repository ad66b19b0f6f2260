/** The readers of the browser's build give the steps that node's give. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { ReplayReader } from '#core/replay/reader.ts';
import { READERS } from '#core/replay/readers.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { ask, login, ptyRequest, session } from '#test/core/replay/ssh/support.ts';
import { browserBuild } from '#test/support/browser-build.ts';
import { captured, SCENARIOS } from '#test/vectors/postgres/read.ts';

let browser: { READERS: ReadonlyMap<string, ReplayReader> };

beforeAll(async () => {
  browser = await browserBuild<typeof browser>('verifier.ts');
});

async function* streamed(frames: readonly ReplayFrame[]): AsyncGenerator<ReplayFrame> {
  for (const frame of frames) yield { ...frame, payload: frame.payload.slice() };
}

async function stepsOf(reader: ReplayReader, frames: readonly ReplayFrame[], extent: 'whole' | 'page') {
  const steps: unknown[] = [];
  for await (const read of reader.steps(streamed(frames), extent, () => ({ reason: 'client-closed' })))
    steps.push([read.toText(100), read.toJson()]);
  return steps;
}

async function same(protocol: string, frames: readonly ReplayFrame[]): Promise<number> {
  const own = await stepsOf(READERS.get(protocol)!, frames, 'whole');
  expect(await stepsOf(browser.READERS.get(protocol)!, frames, 'whole')).toEqual(own);
  expect(await stepsOf(browser.READERS.get(protocol)!, frames, 'page')).toEqual(
    await stepsOf(READERS.get(protocol)!, frames, 'page'),
  );
  return own.length;
}

test.each(SCENARIOS)('of PostgreSQL: %s', async (scenario) => {
  const frames = captured(scenario).map(
    (frame) => ({ ...frame, stream: frame.stream === 0 ? 'client' : 'target' }) as const,
  );
  expect(await same('postgres', frames)).toBeGreaterThan(0);
});

test('of SSH: a terminal, by a screen that nobody sees', async () => {
  const peers = session();
  const { frames } = login(peers.tape);
  peers.run(ptyRequest(100, 30));
  peers.run(ask('shell').done());
  peers.print('$ ');
  peers.type('ls -l\r');
  peers.print('ls -l\r\n\u001b[31mtotal 0\u001b[0m\r\n$ ');
  peers.close(3);
  expect(await same('ssh', frames)).toBeGreaterThan(2);
});

test('of anything at all', async () => {
  const frame = fc.record({
    stream: fc.constantFrom('client', 'target', 'gateway', 'note'),
    withheld: fc.constant(false),
    payload: fc.uint8Array({ maxLength: 200 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('postgres', 'ssh'),
      fc.array(frame, { maxLength: 12 }),
      async (protocol, frames) => {
        const steps = await same(
          protocol,
          frames.map((one, at) => ({ ...one, timeUs: at })),
        );
        expect(steps).toBeGreaterThan(0);
      },
    ),
    { numRuns: 60 },
  );
});
