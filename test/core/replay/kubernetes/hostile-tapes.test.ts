/** Whatever is recorded, reading it ends, throws nothing, gives steps of the shape, and holds a bounded amount. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RECORD_HEADER_BYTES, Record, writeRecordHeader } from '#core/protocols/kubernetes/tape.ts';
import { asciicast } from '#core/replay/asciicast.ts';
import { kubernetesPieces } from '#core/replay/kubernetes/pieces.ts';
import { kubernetesStepShape } from '#core/replay/kubernetes/shape.ts';
import { kubernetesSteps } from '#core/replay/kubernetes/steps.ts';
import { kubernetesTerminal } from '#core/replay/kubernetes/terminal-events.ts';
import { LOAD_FACTS } from '#core/replay/load-facts.ts';
import { READERS } from '#core/replay/readers.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import {
  asyncOf,
  DEPLOYMENTS,
  deployment,
  GRANTED,
  message,
  PODS,
  pod,
  stepsOf,
  Tape,
  textOf,
  UPGRADE,
} from './support.ts';

function honest(): readonly ReplayFrame[] {
  const tape = new Tape();
  tape.call({ target: `${DEPLOYMENTS}/web` }, 200, deployment(1));
  tape.call({ method: 'PATCH', target: `${DEPLOYMENTS}/web`, body: '{}' }, 200, deployment(2));
  const watch = tape.ask({ target: `${PODS}?watch=1` });
  tape.forward(watch).head(watch, 200);
  const call = tape.ask({ target: `${PODS}/a/exec?command=sh&tty=true&stdin=true`, headers: UPGRADE });
  tape.forward(call).head(call, 101, GRANTED);
  tape.record('target', Record.stream, call, message(1, '$ '));
  tape.body('target', watch, `${JSON.stringify({ type: 'ADDED', object: pod('a') })}\n`);
  tape.record('client', Record.stream, call, message(0, 'ls\r', true));
  tape.record('client', Record.stream, call, message(4, '{"Width":9,"Height":9}', true));
  tape.record('target', Record.stream, call, message(1, 'ls\r\nfile\r\n$ '));
  tape.record('target', Record.stream, call, message(3, '{"status":"Success"}'));
  tape.note({ note: 'x', call });
  return tape.record('gateway', Record.cut, call, { by: 'gateway', code: 'terminated' }).frames;
}

const HONEST = honest();
const damage = fc.record({
  frame: fc.nat(HONEST.length - 1),
  at: fc.nat(300),
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
  const cut = how === 'cut' ? payload.subarray(0, at % payload.length) : payload;
  const made = { ...found, payload: cut, ...(how === 'stream' && { stream }) };
  const place = frames.indexOf(found);
  const between = how === 'drop' ? [] : how === 'twice' ? [found, found] : [made];
  return [...frames.slice(0, place), ...between, ...frames.slice(place + 1)];
}

const factsOf = await LOAD_FACTS.get('kubernetes')!();
const reader = READERS.get('kubernetes')!;

/** All that reads a recording. */
async function lastOf(frames: readonly ReplayFrame[]): Promise<string | undefined> {
  const steps = await stepsOf(frames);
  for (const step of steps) {
    kubernetesStepShape.parse(JSON.parse(JSON.stringify(step)));
    textOf(step);
    factsOf(reader.ofJson({ ...step }));
  }
  const pieces = kubernetesPieces();
  for (const frame of frames) pieces(frame);
  const options = { version: 3, startedAt: 0, title: '', input: true } as const;
  for await (const _ of asciicast(kubernetesTerminal(asyncOf(frames)), options, { replaced: false }));
  return steps.at(-1)?.kind;
}

it('a tape that is damaged anywhere is read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (all) => {
      const frames = all.reduce((made, one) => damaged(made, one), [...HONEST]);
      expect(await lastOf(frames)).toBe('end');
    }),
    { numRuns: 60 },
  );
});

it('bytes that are no records are damaged, once for each stream', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 20 }),
      async (all) => {
        const frames = all.map((payload, at) => ({
          ...{
            stream: (['client', 'target', 'gateway'] as const)[at % 3]!,
            withheld: false,
            timeUs: at,
            payload,
          },
        }));
        expect(await lastOf(frames)).toBe('end');
      },
    ),
    { numRuns: 100 },
  );
});

it('wherever frames are cut and joined, the steps are the same', async () => {
  const whole = await stepsOf(HONEST.map((frame) => ({ ...frame, timeUs: 0 })));
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 60 })), async (sizes) => {
      const frames = HONEST.flatMap((frame) => {
        if (frame.stream === 'note') return [{ ...frame, timeUs: 0 }];
        const parts: ReplayFrame[] = [];
        for (let at = 0; at < frame.payload.length; ) {
          const size = sizes.next().value!;
          parts.push({ ...frame, timeUs: 0, payload: frame.payload.subarray(at, at + size) });
          at += size;
        }
        return parts;
      });
      expect(await stepsOf(frames)).toEqual(whole);
    }),
    { numRuns: 20 },
  );
});

it('calls may stand between each other in any order', async () => {
  const one = new Tape();
  for (let n = 0; n < 6; n += 1) one.call({ target: `${PODS}/p${n}` }, 200, pod(`p${n}`));
  const callOf = (frame: ReplayFrame): number => frame.payload[4]!;
  const calls = [1, 2, 3, 4, 5, 6].map((call) => one.frames.filter((frame) => callOf(frame) === call));
  const turns = calls.flatMap((frames, at) => frames.map(() => at));
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(turns, { minLength: turns.length }), async (order) => {
      const left = calls.map((frames) => [...frames]);
      const steps = await stepsOf(order.map((at) => left[at]!.shift()!));
      const names = steps.filter(({ kind }) => kind === 'call').map(({ call }) => call?.name);
      expect(new Set(names)).toEqual(new Set(['p0', 'p1', 'p2', 'p3', 'p4', 'p5']));
      expect(steps.some(({ kind }) => kind === 'damaged')).toBe(false);
    }),
    { numRuns: 50 },
  );
});

describe('what is held is bounded', () => {
  function record(
    stream: ReplayFrame['stream'],
    type: number,
    call: number,
    payload: Uint8Array,
  ): ReplayFrame {
    const bytes = new Uint8Array(RECORD_HEADER_BYTES + payload.length);
    writeRecordHeader(bytes, type as never, call, payload.length);
    bytes.set(payload, RECORD_HEADER_BYTES);
    return { stream, withheld: false, timeUs: call, payload: bytes };
  }
  const json = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));
  const headOf = (target: string) => json({ method: 'GET', target, http: '2', connection: 1, headers: [] });

  async function counted(frames: AsyncIterable<ReplayFrame>): Promise<{ steps: number; grown: number }> {
    let steps = 0;
    const before = process.memoryUsage().rss;
    let most = before;
    for await (const _ of kubernetesSteps(frames)) {
      steps += 1;
      if (steps % 1000 === 0) most = Math.max(most, process.memoryUsage().rss);
    }
    return { steps, grown: Math.max(most, process.memoryUsage().rss) - before };
  }

  it('with 6,000 calls that never end', async () => {
    async function* frames(): AsyncGenerator<ReplayFrame> {
      for (let call = 1; call <= 6_000; call += 1)
        yield record('client', Record.head, call, headOf(`${PODS}/x`));
    }
    const { steps, grown } = await counted(frames());
    // Those that are too many are told to be damaged, and all end.
    expect(steps).toBe(6_000 + (6_000 - 4096) + 1);
    expect(grown).toBeLessThan(200 << 20);
  });

  it('with an answer of 256 MB', async () => {
    const part = Buffer.alloc(256 << 10, 0x20);
    async function* frames(): AsyncGenerator<ReplayFrame> {
      yield record('client', Record.head, 1, headOf(`${PODS}/x`));
      yield record(
        'target',
        Record.head,
        1,
        json({ status: 200, headers: [['content-type', 'application/json']] }),
      );
      for (let n = 0; n < 1024; n += 1) yield record('target', Record.body, 1, part);
      yield record('target', Record.end, 1, json({ bytes: part.length * 1024 }));
    }
    const { steps, grown } = await counted(frames());
    expect(steps).toBe(2);
    expect(grown).toBeLessThan(200 << 20);
  });
});
