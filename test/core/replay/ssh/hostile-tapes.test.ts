/** Whatever is recorded, reading it ends, throws nothing and gives steps of the shape. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asciicast } from '#core/replay/asciicast.ts';
import { formatSshStep } from '#core/replay/ssh/format.ts';
import { sshStepShape } from '#core/replay/ssh/shape.ts';
import { sshTerminal } from '#core/replay/ssh/terminal-events.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { ask, asyncOf, login, ptyRequest, session, stepsOf, Tape } from './support.ts';

function honest(): readonly ReplayFrame[] {
  const peers = session();
  peers.run(ptyRequest(20, 5));
  peers.run(ask('shell').done());
  peers.print('\x1b]133;A\x07$ \x1b]133;B\x07');
  peers.type('ls\r');
  peers.print('ls\r\n\x1b]133;C\x07file\r\n');
  peers.tape.note({ note: 'ssh-file', channel: 7, path: 'x' });
  peers.close(0);
  return [...login(new Tape()).frames, ...peers.tape.frames];
}

const HONEST = honest();
const damage = fc.record({
  frame: fc.nat(HONEST.length - 1),
  at: fc.nat(200),
  byte: fc.nat(255),
  how: fc.constantFrom('byte', 'cut', 'drop', 'twice', 'stream'),
  stream: fc.constantFrom('client', 'target', 'gateway', 'note'),
} as const);

type Damage = typeof damage extends fc.Arbitrary<infer D> ? D : never;

function damaged(
  frames: readonly ReplayFrame[],
  { frame: index, at, byte, how, stream }: Damage,
): ReplayFrame[] {
  const found = frames[index % frames.length];
  if (found === undefined) return [];
  const payload = Uint8Array.from(found.payload);
  if (how === 'byte') payload[at % payload.length] = byte;
  const changed = {
    byte: [{ ...found, payload }],
    cut: [{ ...found, payload: payload.subarray(0, at) }],
    drop: [],
    twice: [found, found],
    stream: [{ ...found, stream }],
  }[how];
  return frames.flatMap((frame) => (frame === found ? changed : [frame]));
}

async function readAll(frames: readonly ReplayFrame[]): Promise<string | undefined> {
  const steps = await stepsOf(frames);
  for (const step of steps) {
    expect(formatSshStep(step)).not.toMatch(/[^\n\P{C}]/u);
    expect(sshStepShape.safeParse(step).error).toBeUndefined();
  }
  const options = { version: 3, startedAt: 0, title: '', input: true } as const;
  const terminal = sshTerminal(asyncOf(frames), 1);
  for await (const line of asciicast(terminal, options, { replaced: false })) JSON.parse(line);
  return steps.at(-1)?.kind;
}

it('a tape that was changed anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (all) => {
      expect(await readAll(all.reduce<readonly ReplayFrame[]>(damaged, HONEST))).toBe('end');
    }),
    { numRuns: 300 },
  );
});

it('a tape of anything', async () => {
  const frame = fc.record({
    stream: fc.constantFrom('client', 'target', 'gateway', 'note'),
    withheld: fc.boolean(),
    timeUs: fc.nat(1e6),
    payload: fc.uint8Array({ maxLength: 64 }),
  } as const);
  await fc.assert(
    fc.asyncProperty(fc.array(frame), async (frames) => {
      expect(await readAll(frames)).toBe('end');
    }),
    { numRuns: 300 },
  );
});
