import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newSessionId } from '#core/recording/session-id.ts';
import { NO_FACTS, type StepFacts } from '#core/replay/facts.ts';
import type { SearchedSession, SearchedStep } from '#core/search/entry.ts';
import type { FoundSession, Hit, Place, Scope, StepSearch } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { type Added, naiveHits, naiveSessions } from '#test/support/naive-search.ts';

const START = Date.UTC(2026, 10, 23, 9);
const ALL: readonly Scope[] = [{}];

export function sessionAt(number: number, more: Partial<SearchedSession> = {}): SearchedSession {
  const startedAt = START + number * 400_000;
  return {
    id: newSessionId(startedAt, Buffer.alloc(10, number)),
    protocol: 'postgres',
    target: 'orders-db',
    principal: { issuer: 'https://i', subject: 'dana', email: 'dana@example.com' },
    startedAt,
    reason: 'client-closed',
    ...more,
  };
}

export function stepOf(step: number, facts: Partial<StepFacts>): SearchedStep {
  return { step, at: step * 1_000_000, facts: { ...NO_FACTS, ...facts } };
}

async function* streamed<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

/** All pages. */
export async function allHits(
  search: StepSearch,
  query: SearchQuery,
  scopes = ALL,
  limit = 3,
): Promise<readonly Hit[]> {
  const hits: Hit[] = [];
  for (let after: Place | undefined; ; ) {
    const page = await search.search(query, { scopes, limit, ...(after && { after }) });
    expect(page.hits.length).toBeLessThanOrEqual(limit);
    hits.push(...page.hits);
    if (page.next === undefined) return hits;
    after = page.next;
  }
}

async function allSessions(
  search: StepSearch,
  query: SearchQuery,
  scopes = ALL,
): Promise<readonly FoundSession[]> {
  const found: FoundSession[] = [];
  for (let after: Place | undefined; ; ) {
    const page = await search.sessions(query, { scopes, limit: 2, ...(after && { after }) });
    found.push(...page.sessions);
    if (page.next === undefined) return found;
    after = page.next;
  }
}

export function describeStepSearch(
  name: string,
  open: () => Promise<{ readonly search: StepSearch; readonly close: () => Promise<void> }>,
): void {
  describe(`${name} finds steps`, () => {
    let search: StepSearch;
    let close: () => Promise<void>;

    beforeEach(async () => {
      const opened = await open();
      search = opened.search;
      close = () => opened.close();
    });
    afterEach(() => close());

    const add = ({ session, steps }: Added, rules = '') => search.add(session, streamed(steps), rules);
    const found = async (query: SearchQuery, scopes = ALL) =>
      (await allHits(search, query, scopes)).map(({ session, step }) => `${session.target} ${step}`);

    test('newest session first, and its steps in order, page after page', async () => {
      const steps = [1, 2, 3, 4].map((step) => stepOf(step, { text: `select ${step}` }));
      for (const number of [3, 1, 2])
        await add({ session: sessionAt(number, { target: `t${number}` }), steps });
      expect(await found({ phrases: ['select'] })).toEqual(
        [3, 2, 1].flatMap((number) => [1, 2, 3, 4].map((step) => `t${number} ${step}`)),
      );
    });

    test('by each term, and by all of them at once', async () => {
      const run = { id: newSessionId(START, Buffer.alloc(10, 9)), workflow: 'refund', task: 'pay' };
      const device = { key: 'SHA256:abc', name: 'laptop' };
      const session = sessionAt(1, { run, device, reason: 'terminated' });
      const shape = 'a'.repeat(64);
      const step = stepOf(7, {
        ...{ text: 'UPDATE Orders SET note = "grün"', shape, isWrite: true, isError: true },
        runs: { text: 'select inner', shape: 'b'.repeat(64) },
        relations: [
          { name: 'orders', how: 'written' },
          { name: 'audit.log', how: 'read' },
        ],
        functions: ['pay.refund'],
        files: [{ path: '/etc/app/key.pem', how: 'read' }],
        values: ["it's", ''],
        results: ['42.00'],
        messages: ['duplicate key value'],
        codes: ['23505', 'exit 1'],
      });
      await add({ session, steps: [step, stepOf(8, { text: 'commit' })] });
      const terms: SearchQuery[] = [
        { session: session.id },
        { person: 'DANA@example.com' },
        { person: 'dana' },
        { target: 'orders-db' },
        { protocol: 'postgres' },
        { outcome: 'terminated' },
        { run: run.id },
        { workflow: 'refund' },
        { task: 'pay' },
        { device: device.key },
        { device: 'laptop' },
        { since: session.startedAt + 7_000 },
        { until: session.startedAt + 7_001 },
        { phrases: ['set note', 'GRÜN'] },
        { phrases: ['key value', 'inner', '42'] },
        { shape },
        { shape: 'b'.repeat(64) },
        { relation: { name: 'orders' } },
        { relation: { name: 'Public.ORDERS', how: 'written' } },
        { relation: { name: 'log', how: 'read' } },
        { relation: { name: 'audit.log' } },
        { relation: { name: 'refund', how: 'called' } },
        { value: "it's" },
        { value: '' },
        { value: '42.00' },
        { command: 'update orders' },
        { file: '/etc/app/key.pem' },
        { file: 'key.pem' },
        { file: '/etc/' },
        { code: '23505' },
        { code: 'EXIT 1' },
        { errorsOnly: true },
        { writesOnly: true },
      ];
      for (const term of terms) expect([term, (await found(term))[0]]).toEqual([term, 'orders-db 7']);
      expect(await found(Object.assign({}, ...terms) as SearchQuery)).toEqual(['orders-db 7']);
    });

    test('nothing by what is not there', async () => {
      const steps = [
        stepOf(1, { text: 'select a_b from orders', relations: [{ name: 'a.orders', how: 'read' }] }),
      ];
      await add({ session: sessionAt(1), steps });
      const none: SearchQuery[] = [
        { phrases: ['a'] },
        { phrases: ['from select'] },
        { phrases: ['sel'] },
        { value: 'select' },
        { relation: { name: 'b.orders' } },
        { relation: { name: 'orders', how: 'written' } },
        { relation: { name: 'order' } },
        { person: 'eve' },
        { task: 'pay' },
        { since: START + 500_000 + 1_000_000 },
        { until: START },
        { errorsOnly: true },
        { command: 'drop' },
        { code: '1' },
        { file: 'orders' },
      ];
      for (const term of none) expect([term, await found(term)]).toEqual([term, []]);
    });

    test('words, and nothing else, whatever they are written like', async () => {
      const odd = [
        'marks : z',
        '" OR marks : z --',
        'a* NEAR(b c)',
        '{words} : a',
        '^a',
        'a\0b',
        "'; DROP TABLE sessions; --",
        'ﬁne ǅ ẞ İ',
        '\ud800x',
        '日本 語',
        'x'.repeat(5000),
      ];
      const steps = odd.map((text, at) => stepOf(at + 1, { text }));
      await add({ session: sessionAt(1), steps: [...steps, stepOf(odd.length + 1, { text: 'nothing' })] });
      for (const [at, text] of odd.entries()) {
        expect(await found({ phrases: [text] })).toContain(`orders-db ${at + 1}`);
        expect(await found({ phrases: [text] })).not.toContain(`orders-db ${odd.length + 1}`);
      }
      // What has no words is no term, as in a search box.
      expect(await found({ phrases: ['"*()'] })).toHaveLength(odd.length + 1);
      expect(await found({ phrases: ['y'.repeat(1 << 20)] })).toEqual([]);
    });

    test('a scope is whose steps may be found', async () => {
      const steps = [stepOf(1, { text: 'select' })];
      const eve = { issuer: 'https://i', subject: 'eve' };
      await add({ session: sessionAt(1, { target: 'a' }), steps });
      await add({ session: sessionAt(2, { target: 'b', principal: eve }), steps });
      await add({ session: sessionAt(3, { target: 'c' }), steps });
      const query = { phrases: ['select'] };
      expect(await found(query, [])).toEqual([]);
      expect(await found(query, [{ target: 'a' }, { subject: eve }])).toEqual(['b 1', 'a 1']);
      expect(await found(query, [{ target: 'a', subject: eve }])).toEqual([]);
      expect(await found(query, [{ subject: { ...eve, issuer: 'https://other' } }])).toEqual([]);
      expect(await found(query, [{ person: 'dana@example.com', target: 'c' }])).toEqual(['c 1']);
    });

    test('a session that is added again stands in the place of what there was', async () => {
      const session = sessionAt(1);
      await add({ session, steps: [1, 2, 3].map((step) => stepOf(step, { text: 'secret' })) }, 'old');
      expect(
        await search.missing(
          new Map([
            [session.id, 'old'],
            ['other', 'old'],
          ]),
        ),
      ).toEqual(['other']);
      expect(await search.missing(new Map([[session.id, 'new']]))).toEqual([session.id]);
      await add({ session, steps: [stepOf(1, { text: 'redacted' })] }, 'new');
      expect(await search.missing(new Map([[session.id, 'new']]))).toEqual([]);
      expect(await found({ phrases: ['secret'] })).toEqual([]);
      expect(await found({ phrases: ['redacted'] })).toEqual(['orders-db 1']);
    });

    test('what is added by halves is not found', async () => {
      async function* broken(): AsyncGenerator<SearchedStep> {
        for (let step = 1; step < 200; step += 1) yield stepOf(step, { text: 'half' });
        throw new Error('the store is away');
      }
      const session = sessionAt(1);
      await expect(search.add(session, broken(), '')).rejects.toThrow('the store is away');
      await add({ session: sessionAt(2, { target: 'b' }), steps: [stepOf(1, { text: 'half' })] });
      expect(await found({ phrases: ['half'] })).toEqual(['b 1']);
      expect(await search.missing(new Map([[session.id, '']]))).toEqual([session.id]);
      await add({ session, steps: [stepOf(1, { text: 'half' })] });
      expect(await found({ phrases: ['half'] })).toEqual(['b 1', 'orders-db 1']);
    });

    test('an excerpt says where it was found', async () => {
      const text = `${'x '.repeat(500)} the needle ${'y '.repeat(500)}`;
      await add({ session: sessionAt(1), steps: [stepOf(1, { text: 'select', results: [text] })] });
      const [hit] = await allHits(search, { phrases: ['needle'] });
      expect(hit!.matched).toMatchObject([{ field: 'result' }]);
      expect(hit!.matched[0]!.excerpt).toMatch(/^….*the needle.*…$/);
      expect(hit!.matched[0]!.excerpt.length).toBeLessThan(210);
    });

    test('is what a look at everything gives, for random steps and queries', async () => {
      const added = fc.sample(sessions, { numRuns: 1, seed: 7 })[0]!;
      for (const one of added) await add(one);
      let total = 0;
      for (const [query, scopes] of fc.sample(fc.tuple(queries, scopeList), { numRuns: 60, seed: 8 })) {
        const hits = naiveHits(added, query, scopes);
        total += hits.length;
        expect([query, await allHits(search, query, scopes, 50)]).toEqual([query, hits]);
        expect([query, await allSessions(search, query, scopes)]).toEqual([
          query,
          naiveSessions(added, query, scopes),
        ]);
      }
      expect(total).toBeGreaterThan(500);
    });
  });
}

const word = fc.constantFrom('a', 'b', 'ab', 'A', 'é', '1', 'a_b');
const text = fc
  .array(fc.oneof(word, fc.constantFrom(' ', '.', "'")), { maxLength: 8 })
  .map((all) => all.join(' '));
const texts = fc.array(text, { maxLength: 3 });
const relationName = fc.constantFrom('a', 'A', 's.a', 's.b', 'b', 't.b');
const target = fc.constantFrom('x', 'y', 'z');
const subject = fc.constantFrom('dana', 'eve');

const facts: fc.Arbitrary<StepFacts> = fc.record({
  isError: fc.boolean(),
  isWrite: fc.boolean(),
  text,
  shape: fc.constantFrom('1'.repeat(64), '2'.repeat(64)),
  relations: fc.array(
    fc.record({ name: relationName, how: fc.constantFrom('read' as const, 'written' as const) }),
    {
      maxLength: 3,
    },
  ),
  functions: fc.array(relationName, { maxLength: 2 }),
  files: fc.array(
    fc.record({ path: fc.constantFrom('/a/b', 'b', '/a/', '/c'), how: fc.constant('read' as const) }),
    { maxLength: 2 },
  ),
  values: texts,
  results: texts,
  messages: texts,
  codes: fc.array(fc.constantFrom('E1', 'e1', 'F2'), { maxLength: 2 }),
  rows: fc.constant({ out: 0, written: 0 }),
  bytes: fc.constant({ sent: 0, received: 0 }),
});

const sessions: fc.Arbitrary<readonly Added[]> = fc
  .array(fc.tuple(target, subject, fc.array(facts, { maxLength: 70 })), { minLength: 12, maxLength: 20 })
  .map((all) =>
    all.map(([name, who, list], at) => ({
      // Some begin in one second: what is added later is not what began later.
      session: sessionAt(at % 3 === 1 ? at - 1.001 : at, {
        target: name,
        principal: { issuer: 'https://i', subject: who },
      }),
      steps: list.map((one, step) => stepOf(2 * step + 1, one)),
    })),
  );

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 4 });

const queries: fc.Arbitrary<SearchQuery> = fc
  .record({
    target: maybe(target),
    person: maybe(subject),
    since: maybe(fc.integer({ min: START, max: START + 8_000_000 })),
    until: maybe(fc.integer({ min: START, max: START + 8_000_000 })),
    phrases: maybe(fc.array(text, { maxLength: 2 })),
    command: maybe(word),
    shape: maybe(fc.constant('1'.repeat(64))),
    relation: maybe(
      fc
        .tuple(relationName, maybe(fc.constantFrom('read' as const, 'written' as const, 'called' as const)))
        .map(([name, how]) => ({ name, ...(how && { how }) })),
    ),
    value: maybe(text),
    file: maybe(fc.constantFrom('/a/', 'b', '/c')),
    code: maybe(fc.constantFrom('e1', 'F2')),
    errorsOnly: maybe(fc.boolean()),
    writesOnly: maybe(fc.boolean()),
  })
  // Few of them at a time, else nothing is found.
  .chain((all) =>
    fc.subarray(Object.entries(all), { maxLength: 4 }).map((some) => Object.fromEntries(some) as SearchQuery),
  );

const scopeList: fc.Arbitrary<readonly Scope[]> = fc.oneof(
  fc.constant(ALL),
  fc.array(
    fc.oneof(
      target.map((name) => ({ target: name })),
      subject.map((who) => ({ subject: { issuer: 'https://i', subject: who } })),
      fc.tuple(target, subject).map(([name, person]) => ({ target: name, person })),
    ),
    { maxLength: 2 },
  ),
);
