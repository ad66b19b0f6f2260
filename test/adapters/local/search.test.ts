import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CHUNK_SQL } from '#adapters/local/search/chunks.ts';
import { FINDER_SQL } from '#adapters/local/search/finder.ts';
import { ROWS_SQL } from '#adapters/local/search/found-rows.ts';
import { COUNTED_MAX } from '#adapters/local/search/pages.ts';
import { SCHEMA } from '#adapters/local/search/schema.ts';
import { openSearch } from '#adapters/local/search/search.ts';
import { SearchThread } from '#adapters/local/search/thread.ts';
import { WRITER_SQL } from '#adapters/local/search/writer.ts';
import type { SearchedStep } from '#core/search/entry.ts';
import { allHits, describeStepSearch, sessionAt, stepOf } from '#test/contract/step-search.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'custody-search-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describeStepSearch('SQLite', async () => {
  const search = await openSearch(join(folder, 'search.db'));
  return { search, close: () => search.close() };
});

async function* numbered(count: number): AsyncGenerator<SearchedStep> {
  for (let step = 1; step <= count; step += 1) yield stepOf(step, { text: `step ${step % 7} of many` });
}

test('what was added is there after another start', async () => {
  const file = join(folder, 'search.db');
  const first = await openSearch(file);
  await first.add(sessionAt(1), numbered(3), '');
  await first.close();
  expect(existsSync(file)).toBe(true);
  const second = await openSearch(file);
  expect(await allHits(second, { phrases: ['step'] })).toHaveLength(3);
  await second.close();
});

test('a file that is no database is said to be damaged', async () => {
  const file = join(folder, 'search.db');
  writeFileSync(file, 'x'.repeat(8192));
  await expect(openSearch(file)).rejects.toMatchObject({ code: 'state-damaged' });
});

test('within a long session a page is read where it is, by time, step and place', async () => {
  const search = await openSearch(join(folder, 'search.db'));
  const session = sessionAt(1);
  await search.add(session, numbered(21_000), '');
  const page = await search.search(
    { command: 'of many', since: session.startedAt + 20_500_000, until: session.startedAt + 20_503_000 },
    { scopes: [{}], limit: 10 },
  );
  // All of them are there at once: nothing before is read.
  expect(page).toMatchObject({ hits: [{ step: 20_500 }, { step: 20_501 }, { step: 20_502 }] });
  const behind = await search.search(
    { session: session.id, phrases: ['step 3'] },
    { scopes: [{}], limit: 1, after: { session: session.id, step: 15_000 } },
  );
  expect(behind).toMatchObject({ hits: [{ step: 15_004 }], next: { step: 15_004 } });
  const listed = await search.sessions({ phrases: ['many'] }, { scopes: [{}], limit: 10 });
  expect(listed.sessions).toMatchObject([{ steps: COUNTED_MAX, more: true }]);
  await search.close();
}, 20_000);

test('a page ends after so much work, with where it goes on, and nothing is left out', async () => {
  const search = await openSearch(join(folder, 'search.db'));
  // One mark for all of them, and another value: as if by chance.
  async function* values(): AsyncGenerator<SearchedStep> {
    for (let step = 1; step <= 6_000; step += 1)
      yield { ...stepOf(step, { text: 'select' }), at: step === 6_000 ? 9_000_000 : (step % 2) * 8_000_000 };
  }
  const session = sessionAt(1);
  await search.add(session, values(), '');
  const query = { phrases: ['select'], since: session.startedAt + 9_000 };
  const first = await search.search(query, { scopes: [{}], limit: 10 });
  const listed = await search.sessions(query, { scopes: [{}], limit: 10 });
  expect(await allHits(search, query)).toMatchObject([{ step: 6_000 }]);
  expect([first.hits.length, listed.sessions.length]).toEqual([1, 1]);
  const odd = { phrases: ['select'], since: session.startedAt + 1, until: session.startedAt + 7_999 };
  const none = await search.search(odd, { scopes: [{}], limit: 10 });
  expect(none).toMatchObject({ hits: [], next: { session: session.id } });
  expect(await allHits(search, odd)).toEqual([]);
  expect(await search.sessions(odd, { scopes: [{}], limit: 10 })).toMatchObject({
    ...{ sessions: [], next: { session: session.id, step: expect.any(Number) } },
  });
  await search.close();
}, 20_000);

test('no statement sorts, or looks at all of a table', () => {
  const database = new DatabaseSync(':memory:');
  database.exec(SCHEMA);
  for (const sql of [ROWS_SQL, ...FINDER_SQL, ...CHUNK_SQL, ...WRITER_SQL]) {
    const values = Array.from(sql.matchAll(/\?/g), () => 1);
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
    const details = plan.map(({ detail }) => String(detail));
    expect([sql, details.filter((one) => /TEMP B-TREE/.test(one))]).toEqual([sql, []]);
    // FTS5 says M for what is searched, and the bounds of rows behind it.
    for (const one of details)
      expect([sql, one]).toEqual([
        sql,
        expect.stringMatching(/^SEARCH |^SCAN steps VIRTUAL TABLE INDEX \d+:.*M/),
      ]);
  }
  database.close();
});

test('what another version has made is added again', async () => {
  const file = join(folder, 'search.db');
  const old = new DatabaseSync(file);
  old.exec('CREATE TABLE sessions (id TEXT, slot INTEGER); PRAGMA user_version = 1');
  old.close();
  const search = await openSearch(file);
  expect(await search.missing(new Map([['some', '']]))).toEqual(['some']);
  await search.add(sessionAt(1), numbered(3), '');
  expect(await allHits(search, { phrases: ['step'] })).toHaveLength(3);
  await search.close();
});

test('a thread that dies takes its calls with it, and the next call starts another', async () => {
  const thread = new SearchThread(join(folder, 'search.db'));
  await thread.open();
  // In this order: a call that is already with it may be answered before it dies.
  thread.kill();
  const call = thread.call('missing', new Map([['some', '']]));
  await expect(call).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(await thread.call('missing', new Map([['some', '']]))).toEqual(['some']);
  await thread.call('close');
});
