import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import { REPLAY_LIMITS, type ReplayLimits, type Step } from '#core/replay/postgres/step.ts';
import { postgresSteps } from '#core/replay/postgres/steps.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { conversation, framesOf, gist, LOGIN, type Said, server } from './support.ts';

const { parse, bind, execute, sync, query } = serialize;
const MB = 1 << 20;
/** Of what the first reader lost its place by; CUSTODY_FAR_AHEAD=10 takes a minute. */
const TIMES = Number(process.env['CUSTODY_FAR_AHEAD'] ?? 2);

/** `count` times the same, in frames as large as those of a socket. */
function* many(stream: 'client' | 'target', bytes: Uint8Array, count: number): Generator<ReplayFrame> {
  const chunk = Buffer.concat(Array.from({ length: 4000 }, () => bytes));
  for (let left = count; left > 0; left -= 4000) {
    const payload = chunk.subarray(0, Math.min(left, 4000) * bytes.length);
    yield { stream, withheld: false, timeUs: 1, payload };
  }
}

function* all(...parts: readonly Iterable<ReplayFrame>[]): Generator<ReplayFrame> {
  for (const part of parts) yield* part;
}

interface Seen {
  readonly kinds: ReadonlyMap<string, number>;
  readonly last: string;
  readonly mostHeap: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is in use, without what other tests of this process left to the collector. */
function heapInUse(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

async function play(frames: Iterable<ReplayFrame>, limits: ReplayLimits = REPLAY_LIMITS): Promise<Seen> {
  const kinds = new Map<string, number>();
  const before = heapInUse();
  let [last, mostHeap, steps] = ['', 0, 0];
  for await (const step of postgresSteps(frames, limits)) {
    const kind = `${step.kind} ${step.outcome ?? ''}`.trim();
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (step.kind !== 'end') last = gist(step);
    if (++steps % 25_000 === 0) mostHeap = Math.max(mostHeap, heapInUse() - before);
  }
  return { kinds, last, mostHeap };
}

const after: Said[] = [
  ['client', query('after')],
  ['target', server.tag('SELECT 1'), server.ready],
];
const AFTER = 'query | completed | after | SELECT 1';

// Security case 21: an oversized recording does not exhaust the reader, nor makes it lose its place.
describe('a client that is far ahead', () => {
  test('megabytes of Syncs', async () => {
    const count = Math.floor((TIMES * MB) / 5);
    const asked = framesOf([...LOGIN, ['client', query('sleep')]]);
    const answered = framesOf([['target', server.tag('SELECT 1'), server.ready]]);
    const frames = all(
      asked,
      many('client', sync(), count),
      answered,
      many('target', server.ready, count),
      framesOf(after),
    );
    const { kinds, last } = await play(frames);
    expect(Object.fromEntries(kinds)).toEqual({ 'login completed': 1, 'query completed': 2, end: 1 });
    expect(last).toBe(AFTER);
  });

  test('hundreds of thousands of Bind and Execute under one Sync', async () => {
    const count = TIMES * 125_000;
    const asked = framesOf([...LOGIN, ['client', parse({ text: 'insert' })]]);
    const pair = Buffer.concat([bind(), execute()]);
    const answers = Buffer.concat([server.bindComplete, server.tag('INSERT 0 1')]);
    const frames = all(
      asked,
      many('client', pair, count),
      framesOf([
        ['client', sync()],
        ['target', server.parseComplete],
      ]),
      many('target', answers, count),
      framesOf([['target', server.ready], ...after]),
    );
    const { kinds, last, mostHeap } = await play(frames);
    expect(kinds.get('execute completed')).toBe(count);
    expect(kinds.get('damaged')).toBeUndefined();
    expect(last).toBe(AFTER);
    expect(mostHeap).toBeLessThan(200 * MB);
  }, 120_000);

  test('values that are too many cost themselves alone, and that is said', async () => {
    const turns = Array.from({ length: 200 }, (_, at) => [
      bind({ values: [`${at}`.repeat(1000)] }),
      execute(),
    ]).flat();
    const answers = Array.from({ length: 200 }, () => [server.bindComplete, server.tag('INSERT 0 1')]).flat();
    const steps = await conversation(
      [
        ['client', parse({ text: 'insert' }), ...turns, sync()],
        ['target', server.parseComplete, ...answers, server.ready],
        ...after,
      ],
      { ...REPLAY_LIMITS, memory: 100_000 },
    );
    expect(steps.map(gist)).toEqual([
      ...Array.from({ length: 200 }, () => 'execute | completed | insert | INSERT 0 1'),
      AFTER,
    ]);
    const isWhole = ({ values }: Step): boolean => values !== undefined;
    expect(steps.slice(0, 5).every(isWhole)).toBe(true);
    const cut = steps.slice(0, -1).filter((step) => !isWhole(step));
    expect(cut.length).toBeGreaterThan(100);
    expect(cut.every(({ doubt }) => doubt === 'not all of it was kept: too much waited for answers')).toBe(
      true,
    );
  });

  test('where not even what kinds there are can be kept, it finds its place when all is answered', async () => {
    const names = Array.from({ length: 2000 }, (_, at) => `n${at}`);
    const asked = names.flatMap((name) => [parse({ name, text: name }), sync()]);
    const answers = names.flatMap(() => [server.parseComplete, server.ready]);
    const steps = await conversation([['client', ...asked], ['target', ...answers], ...after], {
      ...REPLAY_LIMITS,
      pending: 1000,
    });
    expect(steps.filter(({ kind }) => kind === 'prepare').length).toBeGreaterThan(400);
    const texts = steps.flatMap(({ kind, text }) => (kind === 'damaged' ? [text] : []));
    expect(texts[0]).toContain('more messages wait for an answer than a replay keeps');
    expect(texts.at(-1)).toContain('what the client sends is shown again');
    expect(gist(steps.at(-1)!)).toBe(AFTER);
  });
});
