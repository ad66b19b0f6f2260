import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeSteps, indexSession, type SessionSteps } from '#core/replay/index/index-session.ts';
import type { StepQuery } from '#core/replay/index/query.ts';
import type { StoredStep } from '#core/replay/index/stored-step.ts';
import { postgresReader } from '#core/replay/postgres/reader.ts';
import { allOf, evidenceOf, recorded, type Stored, statements, stepsIn, walk } from './support.ts';

const N = 2_500;
let there: Stored;
let steps: SessionSteps;
let all: StoredStep[];

beforeAll(async () => {
  there = await recorded(statements(N));
  const { store, signer, session } = there;
  await indexSession(session, { store, signer });
  steps = await stepsIn(there);
  all = await allOf(steps);
});

describe('an index of steps', () => {
  it('has the steps that the decoder gives, by their numbers', async () => {
    const frames = asyncOf(statements(N));
    const decoded: unknown[] = [];
    for await (const read of postgresReader.steps(frames, 'page', () => ({ reason: 'client-closed' })))
      decoded.push(JSON.parse(JSON.stringify(read.toJson())));
    expect(all.map(({ json }) => json)).toEqual(decoded);
    expect(all.map(({ number }) => number)).toEqual(decoded.map((_, n) => n + 1));
  });

  it('is of more than one chunk here, says what is in it, and a decoding without it says the same', async () => {
    const { pages, total } = steps.index.directory;
    expect(pages).toHaveLength(1);
    expect([...there.store.objects.keys()].filter((key) => key.includes('chunk-')).length).toBeGreaterThan(2);
    expect(total).toMatchObject({
      steps: N + 2,
      errors: all.filter(({ isError }) => isError).length,
      writes: all.filter(({ isWrite }) => isWrite).length,
      from: Math.min(...all.map(({ at }) => at)),
      to: Math.max(...all.map(({ at }) => at)),
      kinds: { end: 1, login: 1, query: N },
    });
    const direct = await decodeSteps(await evidenceOf(there.session, there.store, there.signer.der));
    expect(direct.about).toEqual(steps.about);
    expect(await allOf(direct)).toEqual(all);
  });

  it('gives the same list, however it is split into pages, and whatever is looked for in it', async () => {
    await fc.assert(
      fc.asyncProperty(queries(), async (query) => {
        expect((await walk(steps, query)).map(({ number }) => number)).toEqual(
          wanted(all, query).map(({ number }) => number),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('goes back from a page to the one before it', async () => {
    const page = await steps.page({ place: { from: 1_201 }, direction: 'next', limit: 100 });
    expect(page.steps.map(({ number }) => number)).toEqual(range(1_201, 1_300));
    const before = await steps.page({ place: { cursor: page.previous! }, direction: 'previous', limit: 100 });
    expect(before.steps.map(({ number }) => number)).toEqual(range(1_101, 1_200));
    expect(before.next).toBe(1_200);
  });

  it('finds the next and the previous error and write', async () => {
    const next = await steps.page({ place: { from: 1_000 }, direction: 'next', limit: 1, errors: true });
    expect(next.steps[0]).toEqual(all.find(({ number, isError }) => number >= 1_000 && isError));
    const query: StepQuery = { place: { from: 1_000 }, direction: 'previous', limit: 1, errors: true };
    const previous = await steps.page(query);
    expect(previous.steps[0]).toEqual(all.findLast(({ number, isError }) => number <= 1_000 && isError));
  });

  it('seeks by time, also where it is over', async () => {
    for (const at of [0, 1, 500_000, 3_000_000.5, 1e12]) {
      const next = await steps.page({ place: { at }, direction: 'next', limit: 1 });
      expect(next.steps[0]?.number).toBe(all.find((step) => step.at >= at)?.number);
      const previous = await steps.page({ place: { at }, direction: 'previous', limit: 1 });
      expect(previous.steps[0]?.number).toBe(all.findLast((step) => step.at <= at)?.number);
    }
  });

  it('is made again of the same evidence with the same bytes, but for the signature', async () => {
    const other = await recorded([], { n: 2 });
    for (const [key, bytes] of there.store.objects)
      if (!key.startsWith('indexes/')) other.store.objects.set(key, bytes);
    const { store } = other;
    await indexSession(there.session, { store, signer: there.signer });
    const made = [...store.objects.keys()].filter((key) => key.startsWith('indexes/'));
    expect(made.length).toBeGreaterThan(4);
    for (const key of made.filter((name) => !name.endsWith('.sig')))
      expect(Buffer.from(store.objects.get(key)!).equals(there.store.objects.get(key)!)).toBe(true);
  });

  it('tells of each step while it is made, and of none when it is there', async () => {
    const other = await recorded(statements(20), { n: 3 });
    const told: number[] = [];
    const each = ({ number }: { number: number }): void => void told.push(number);
    const first = await indexSession(other.session, other, { each });
    expect(first).toMatchObject({ state: 'made', about: { total: { steps: 22 } } });
    expect(told).toEqual(range(1, 22));
    expect(await indexSession(other.session, other, { each })).toMatchObject({ state: 'current' });
    expect(told).toHaveLength(22);
  });

  it('is of sealed sessions', async () => {
    const live = await recorded(statements(2), { n: 4, end: false });
    expect(await indexSession(live.session, live)).toEqual({ state: 'unsealed' });
    expect(await indexSession('019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f', live)).toEqual({ state: 'unsealed' });
  });

  it('of a protocol that nobody reads here is none', async () => {
    const target = { name: 'burrow', protocol: 'gopher', address: '127.0.0.1:70' };
    const odd = await recorded(statements(2), { n: 5, open: { target } });
    expect(await indexSession(odd.session, odd)).toMatchObject({ state: 'unreadable' });
  });
});

async function* asyncOf<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

function queries(): fc.Arbitrary<StepQuery> {
  const step = fc.integer({ min: 0, max: N + 10 });
  return fc.record(
    {
      place: fc.oneof(
        step.map((cursor) => ({ cursor })),
        step.map((n) => ({ from: n + 1 })),
        fc.integer({ min: 0, max: 5_500_000 }).map((at) => ({ at })),
      ),
      direction: fc.constantFrom('next' as const, 'previous' as const),
      limit: fc.integer({ min: 100, max: 1_000 }),
      errors: fc.boolean(),
      writes: fc.boolean(),
      kind: fc.constantFrom('query', 'login', 'end', 'nothing'),
      outcome: fc.constantFrom('completed', 'failed', 'nothing'),
    },
    { requiredKeys: ['place', 'direction', 'limit'] },
  );
}

/** Written another way than the index does it. */
function wanted(list: readonly StoredStep[], { place, direction, ...filter }: StepQuery): StoredStep[] {
  const isNext = direction === 'next';
  let cut: number;
  if ('cursor' in place) cut = place.cursor;
  else if ('from' in place) cut = isNext ? place.from - 1 : place.from;
  else if (isNext) cut = list.findIndex(({ at }) => at >= place.at);
  else cut = list.findLastIndex(({ at }) => at <= place.at) + 1;
  const rest = isNext ? (cut === -1 ? [] : list.slice(cut)) : list.slice(0, cut);
  return rest
    .filter(({ isError }) => filter.errors !== true || isError)
    .filter(({ isWrite }) => filter.writes !== true || isWrite)
    .filter(({ kind }) => filter.kind === undefined || filter.kind === kind)
    .filter(({ outcome }) => filter.outcome === undefined || filter.outcome === outcome);
}
