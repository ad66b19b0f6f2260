import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSearch } from '#adapters/local/search/search.ts';
import type { SearchedStep } from '#core/search/entry.ts';
import { allHits, describeStepSearch, sessionAt, stepOf } from '#test/contract/step-search.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'custody-search-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describeStepSearch('SQLite', async () => {
  const search = openSearch(join(folder, 'search.db'));
  return { search, close: async () => search.close() };
});

async function* numbered(count: number): AsyncGenerator<SearchedStep> {
  for (let step = 1; step <= count; step += 1) yield stepOf(step, { text: `step ${step % 7} of many` });
}

test('what was added is there after another start', async () => {
  const file = join(folder, 'search.db');
  const first = openSearch(file);
  await first.add(sessionAt(1), numbered(3), '');
  first.close();
  expect(existsSync(file)).toBe(true);
  const second = openSearch(file);
  expect(await allHits(second, { phrases: ['step'] })).toHaveLength(3);
  second.close();
});

test('a file that is no database is said to be damaged', () => {
  const file = join(folder, 'search.db');
  writeFileSync(file, 'x'.repeat(8192));
  expect(() => openSearch(file)).toThrow('damaged');
});

test('a page of a long session ends after so many steps, and says where it goes on', async () => {
  const search = openSearch(join(folder, 'search.db'));
  await search.add(sessionAt(1), numbered(21_000), '');
  // Time is no mark: FTS5 finds them all.
  const page = await search.search(
    { command: 'of many', since: sessionAt(1).startedAt + 20_500_000 },
    {
      scopes: [{}],
      limit: 10,
    },
  );
  expect(page).toMatchObject({ hits: [], next: { step: 20_000 } });
  const listed = await search.sessions({ phrases: ['many'] }, { scopes: [{}], limit: 10 });
  expect(listed.sessions).toMatchObject([{ steps: 10_000, more: true }]);
  search.close();
}, 20_000);
