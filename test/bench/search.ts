/**
 * What the search costs on this machine: `npm run bench:search [sessions…]`. Sessions are made up, of five steps each, and go through the
 * real port into a real database; nothing of a recording is decoded.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSearch } from '#adapters/local/search/search.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { NO_FACTS } from '#core/replay/facts.ts';
import type { SearchedSession, SearchedStep } from '#core/search/entry.ts';
import type { StepSearch } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';

const START = Date.UTC(2026, 0, 1);
const STEPS = 5;
const TABLES = ['orders', 'customers', 'products', 'audit.log', 'payments'];
const RUNS = 7;

function sessionOf(number: number): SearchedSession {
  const startedAt = START + number * 30_000;
  const random = Buffer.alloc(10);
  random.writeUInt32BE(number, 4);
  const who = `person-${number % 200}`;
  return {
    id: newSessionId(startedAt, random),
    protocol: 'postgres',
    target: `db-${number % 40}`,
    principal: { issuer: 'https://id.example', subject: who, email: `${who}@example.com` },
    startedAt,
    reason: number % 50 === 0 ? 'terminated' : 'client-closed',
  };
}

async function* stepsOf(number: number): AsyncGenerator<SearchedStep> {
  for (let step = 1; step <= STEPS; step += 1) {
    const one = number * STEPS + step;
    const table = TABLES[one % TABLES.length]!;
    const isWrite = one % 10 === 0;
    const isError = one % 100 === 0;
    const text = isWrite
      ? `UPDATE ${table} SET state = 'paid', note = $1 WHERE id = ${one}`
      : `SELECT id, name, total FROM ${table} WHERE customer = ${one % 9973} ORDER BY id LIMIT 20`;
    yield {
      step,
      at: step * 1_000_000,
      facts: {
        ...NO_FACTS,
        ...{ isWrite, isError, text, shape: (isWrite ? 'a' : 'b').repeat(60) + String(1000 + (one % 5)) },
        relations: [{ name: table, how: isWrite ? 'written' : 'read' }],
        values: [String(one), `note ${one % 1000}`],
        results: Array.from({ length: 20 }, (_, row) => `row ${row} of ${one}`),
        ...(isError && { codes: ['23505'], messages: ['duplicate key value violates unique constraint'] }),
      },
    };
  }
}

const QUERIES: Readonly<Record<string, SearchQuery>> = {
  'a word of every step': { phrases: ['id'] },
  'a word that few have': { phrases: ['note 777'] },
  'two words and a person': { phrases: ['total', 'customers'], person: 'person-7@example.com' },
  'a value': { value: '12345' },
  'a table, written': { relation: { name: 'orders', how: 'written' } },
  'a shape, of one target': { shape: `${'a'.repeat(60)}1002`, target: 'db-7' },
  'an error code': { code: '23505' },
  'errors of one day': { errorsOnly: true, since: START + 86_400_000, until: START + 2 * 86_400_000 },
  'sessions that were terminated': { outcome: 'terminated' },
  'what is not there': { phrases: ['nothing like this'] },
};

async function median(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  }
  return times.toSorted((a, b) => a - b)[RUNS >> 1]!;
}

async function measure(sessions: number, search: StepSearch, folder: string): Promise<void> {
  const before = performance.now();
  for (let number = 0; number < sessions; number += 1)
    await search.add(sessionOf(number), stepsOf(number), '');
  const seconds = (performance.now() - before) / 1000;
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const perSession = (seconds / sessions) * 1000;
  say(
    `${sessions} sessions of ${STEPS} steps: added in ${seconds.toFixed(1)} s, ${perSession.toFixed(2)} ms each`,
  );
  say(`on disk ${(bytes / 2 ** 20).toFixed(1)} MiB, ${Math.round(bytes / sessions / STEPS)} bytes a step`);
  for (const [name, query] of Object.entries(QUERIES)) {
    const page = { scopes: [{}], limit: 50 };
    const hits = await median(() => search.search(query, page));
    const listed = await median(() => search.sessions(query, page));
    say(`${name.padEnd(32)} a page of steps ${hits.toFixed(1)} ms, of sessions ${listed.toFixed(1)} ms`);
  }
  say(`RSS ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB\n`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const counts = process.argv.slice(2).map(Number);
for (const sessions of counts.length === 0 ? [1_000, 100_000] : counts) {
  const folder = mkdtempSync(join(tmpdir(), 'custody-bench-search-'));
  const search = openSearch(join(folder, 'search.sqlite'));
  await measure(sessions, search, folder);
  search.close();
  rmSync(folder, { recursive: true, force: true });
}
