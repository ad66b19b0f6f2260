import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { literal } from '#adapters/aws/athena/queries.ts';
import { athenaSearch } from '#adapters/aws/athena/search.ts';
import { type Statement, searchStatement } from '#adapters/aws/athena/statement.ts';
import { PartWriter } from '#core/ocsf/part-writer.ts';
import { searchedLine, searchedOf } from '#core/ocsf/searched-line.ts';
import type { EventSession } from '#core/ocsf/session-parts.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { NO_FACTS, type StepFacts } from '#core/replay/facts.ts';
import type { ReadStep } from '#core/replay/reader.ts';
import type { Hit, Place, Scope } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { sessionOf } from '#test/core/ocsf/support.ts';
import { type DuckAthena, duckAthena } from '#test/support/duck-athena.ts';
import { MemoryEvents } from '#test/support/memory-events.ts';
import { type Added, naiveHits, naiveSessions } from '#test/support/naive-search.ts';
import { hasOcsf } from '#test/support/ocsf.ts';

const DATABASE = 'custody_test';
const NOW = new Date('2026-11-25T12:00:00.000Z');
const START = Date.parse('2026-11-20T09:00:00.000Z');
const DAY_MS = 86_400_000;

function sessionAt(n: number, changes: Parameters<typeof sessionOf>[0] = {}): EventSession {
  const startedAt = new Date(START + n * DAY_MS).toISOString();
  const session = newSessionId(Date.parse(startedAt), Buffer.alloc(10, n));
  return sessionOf({ startedAt, session, ...changes });
}

const person = (subject: string, email?: string, actors?: { issuer: string; subject: string }[]) => ({
  principal: {
    issuer: 'https://id.example',
    ...{ subject, groups: [], groupsOmitted: 0 },
    ...(email === undefined ? {} : { email }),
    ...(actors === undefined ? {} : { actors }),
  },
});
const TASK = {
  run: '0190a5d0-0000-7000-8000-000000000000',
  workflow: 'refunds',
  digest: 'd'.repeat(64),
  name: 'find',
};
const SHAPE = 'ab'.repeat(32);

const FACTS: readonly Partial<StepFacts>[] = [
  { text: "select email from customers where name = 'Mia'", relations: [{ name: 'customers', how: 'read' }] },
  { text: 'UPDATE audit.Log SET x = 1', relations: [{ name: 'audit.Log', how: 'written' }], isWrite: true },
  { isError: true, codes: ['42601'], messages: ['syntax error at or near "selec"'], text: 'selec' },
  { text: 'ＭＩＡ ünï "quoted" \\ back', values: ["O'Brien", 'a "b"'], results: ['mia@example.com'] },
  { files: [{ path: '/srv/data/orders.csv', how: 'read', bytes: 3 }], text: 'cat /srv/data/orders.csv' },
  { text: 'execute p', runs: { text: 'delete from orders', shape: SHAPE }, isWrite: true, shape: SHAPE },
  { functions: ['refund_all'], text: 'call refund_all()', codes: ['exit 1'], isError: true },
  {},
];

const SESSIONS: readonly EventSession[] = [
  sessionAt(0, person('dana', 'Dana@Example.com')),
  sessionAt(1, { ...person('omar'), task: TASK }),
  sessionAt(2, {
    ...person('dana', undefined, [{ issuer: 'https://id.example/workloads', subject: 'agent-7' }]),
    target: { name: 'web-1', protocol: 'ssh', address: '10.0.0.1:22' },
    device: { key: 'SHA256:abc', proof: 'x', name: "dana's laptop" },
  }),
];

const QUERIES: Readonly<Record<string, SearchQuery>> = {
  all: {},
  'a word': { phrases: ['customers'] },
  'a phrase': { phrases: ['from customers where'] },
  'a phrase in another order': { phrases: ['customers from'] },
  'two phrases': { phrases: ['select', 'Mia'] },
  'a word in another letter case and form': { phrases: ['mia'] },
  'words that are no ASCII': { phrases: ['ÜNÏ'] },
  'no word': { phrases: ['--'] },
  'a result': { value: 'mia@example.com' },
  'a value with quotes': { value: "O'Brien" },
  'a value with other quotes': { value: 'a "b"' },
  'a part of a value': { value: 'Brien' },
  "somebody's injection": { value: "x') OR 1=1 --" },
  'a table': { relation: { name: 'customers' } },
  'a table in any schema': { relation: { name: 'LOG', how: 'written' } },
  'a table of a schema': { relation: { name: 'audit.log' } },
  'a table that was read': { relation: { name: 'log', how: 'read' } },
  'a function': { relation: { name: 'refund_all', how: 'called' } },
  'a file': { file: '/srv/data/orders.csv' },
  'the last part of a path': { file: 'orders.csv' },
  'a folder': { file: '/srv/data/' },
  'a part of a name': { file: 'orders' },
  'a code': { code: '42601' },
  'a code in another letter case': { code: 'EXIT 1' },
  'a shape': { shape: SHAPE },
  'a command': { command: 'delete from' },
  'what was said, as a command': { command: 'syntax' },
  errors: { errorsOnly: true },
  writes: { writesOnly: true, target: 'orders-db' },
  'a person by address': { person: 'dana@example.com' },
  'a person by subject': { person: 'dana', phrases: ['select'] },
  'who acted': { person: 'agent-7' },
  'a target': { target: 'web-1' },
  'a protocol': { protocol: 'ssh', errorsOnly: true },
  'a task': { task: 'find', workflow: 'refunds', run: TASK.run, errorsOnly: true },
  'a device by name': { device: "dana's laptop", phrases: ['selec'] },
  'a device by key': { device: 'SHA256:abc', phrases: ['selec'] },
  'an outcome': { outcome: 'client-closed', phrases: ['selec'] },
  'another outcome': { outcome: 'expired' },
  'a session': { session: SESSIONS[1]!.open.value.session },
  'since a day': { since: START + 1.5 * DAY_MS, phrases: ['selec'] },
  'until a day': { until: START + 1.5 * DAY_MS, phrases: ['selec'] },
  'some seconds': { since: START + 1_500, until: START + 3_500 },
};

const RUI = { issuer: 'https://id.example', subject: 'rui' };
const approversOf = (n: number) => (n === 1 ? [RUI] : []);

const SCOPES: Readonly<Record<string, readonly Scope[]>> = {
  everybody: [{}],
  'one target': [{ target: 'orders-db' }],
  'their own': [{ subject: { issuer: 'https://id.example', subject: 'dana' } }],
  'their own by address, and a target': [
    { person: 'DANA@example.com', target: 'orders-db' },
    { target: 'web-1' },
  ],
  'what they approved': [{ approver: RUI }],
  nobody: [],
};

describe.runIf(hasOcsf())(
  'search through Athena, by another engine over the objects that the indexer puts',
  () => {
    const all: Added[] = SESSIONS.map(({ open, close }, n) => ({
      session: searchedOf(open.value, close.value, approversOf(n)),
      steps: FACTS.map((facts, at) => ({
        step: at + 1,
        at: (at + n) * 1_000_000,
        facts: { ...NO_FACTS, ...facts },
      })),
    }));
    const asked: Statement[] = [];
    let engine: DuckAthena;
    beforeAll(async () => {
      const events = new MemoryEvents();
      for (const [n, session] of SESSIONS.entries()) {
        const writer = new PartWriter(events, session.open.value.session, undefined);
        for (const { step, at, facts } of all[n]!.steps) {
          const read = { step: { kind: 'query', at, took: 0 } } as unknown as ReadStep;
          writer.addSearched(
            searchedLine(
              session,
              { number: step, read, facts },
              rules(session.open.value.target.name),
              approversOf(n),
            ),
          );
        }
        await writer.flush();
      }
      events.objects.set(
        'events/class=authentication/day=2026-01-01/none.json.gz',
        Uint8Array.from(EMPTY_GZIP),
      );
      engine = duckAthena(events.objects, DATABASE);
    });
    afterAll(() => engine?.stop());

    const rules = (target: string): string => `rules of ${target}`;
    const search = (rulesNow = rules) =>
      athenaSearch({
        run: async (statement) => {
          asked.push(statement);
          const { columns, rows } = await engine.ask(statement);
          expect(columns).toEqual(['session', 'step', 'at', 'rules', 'about', 'facts']);
          return rows;
        },
        ...{ database: DATABASE, rulesNow, now: () => NOW },
      });

    async function hitsOf(query: SearchQuery, scopes: readonly Scope[], limit = 100): Promise<Hit[]> {
      const hits: Hit[] = [];
      for (let after: Place | undefined; ; ) {
        const page = await search().search(query, {
          scopes,
          limit,
          ...(after === undefined ? {} : { after }),
        });
        expect(page.hits.length).toBeLessThanOrEqual(limit);
        hits.push(...page.hits);
        if (page.next === undefined) return hits;
        after = page.next;
      }
    }

    it.each(Object.entries(QUERIES))('finds what a look at everything finds: %s', async (_what, query) => {
      const scopes = SCOPES['everybody']!;
      expect(await hitsOf(query, scopes)).toEqual(naiveHits(all, query, scopes));
      const { sessions } = await search().sessions(query, { scopes, limit: 10 });
      expect(sessions).toEqual(naiveSessions(all, query, scopes));
    });

    it.each(Object.entries(SCOPES))('shows nobody more than they may see: %s', async (_who, scopes) => {
      expect(await hitsOf({}, scopes)).toEqual(naiveHits(all, {}, scopes));
      expect(await hitsOf({ errorsOnly: true }, scopes)).toEqual(
        naiveHits(all, { errorsOnly: true }, scopes),
      );
    });

    it('goes on behind any step, page by page', async () => {
      const scopes = SCOPES['everybody']!;
      for (const limit of [1, 5, 8])
        expect(await hitsOf({}, scopes, limit)).toEqual(naiveHits(all, {}, scopes));
      const first = await search().sessions({}, { scopes, limit: 2 });
      const second = await search().sessions({}, { scopes, limit: 2, after: first.next! });
      expect([...first.sessions, ...second.sessions]).toEqual(naiveSessions(all, {}, scopes));
      expect(second.next).toBeUndefined();
    });

    it('shows nothing that was made by other rules than those of now', async () => {
      const page = await search((target) => (target === 'web-1' ? 'stricter' : rules(target))).search(
        { phrases: ['selec'] },
        { scopes: [{}], limit: 10 },
      );
      expect(page.hits.map(({ session }) => session.target)).toEqual(['orders-db', 'orders-db']);
    });

    it('security case 9: nothing that was asked for stands in the text of a statement', () => {
      expect(asked.length).toBeGreaterThan(50);
      for (const { sql, values } of asked) {
        expect(sql.split('?')).toHaveLength(values.length + 1);
        expect(sql).toMatch(/^[\w\s"().,<>=?*]+$/);
        expect(sql).not.toMatch(/Brien|1=1|Mia|dana|customers/i);
      }
    });

    it('is bounded by days: those asked for, and thirty where nothing is said', () => {
      const values = (query: SearchQuery) =>
        searchStatement(DATABASE, { query, scopes: [{}], rows: 9 }, NOW).values.slice(0, 2);
      expect(values({})).toEqual(['2026-10-26', '2026-11-25']);
      expect(values({ since: START, until: START + DAY_MS })).toEqual(['2026-10-20', '2026-11-21']);
      expect(values({ session: SESSIONS[0]!.open.value.session })).toEqual(['2026-11-20', '2026-11-20']);
    });

    it('asks for the beginning of what is longer than a parameter may be, and finds all of it', async () => {
      const long = `${'\u{1f600}'.repeat(249)}a${'\u{1f600}"'.repeat(2_000)}`;
      const { values } = searchStatement(DATABASE, { query: { value: long }, scopes: [{}], rows: 9 }, NOW);
      for (const value of values) expect(literal(value.replaceAll('"', "'")).length).toBeLessThan(1_024);
      expect(long.startsWith(values.at(-1)!)).toBe(true);
      expect(values.at(-1)!.isWellFormed()).toBe(true);
    });

    it('says from when on sessions were looked at', () => {
      const since = (query: SearchQuery) => {
        const at = search().searchedSince!(query);
        return at && new Date(at).toISOString();
      };
      expect(since({})).toBe('2026-10-26T00:00:00.000Z');
      expect(since({ since: START })).toBe('2026-10-20T00:00:00.000Z');
      expect(since({ session: SESSIONS[0]!.open.value.session })).toBeUndefined();
    });
  },
);

/** `gzip -n </dev/null` */
const EMPTY_GZIP = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
