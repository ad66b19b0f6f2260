/**
 * What the search costs on this machine: `npm run bench:search [sessions…]`. Sessions are made up, of five steps each, and go through the
 * real port into a real database; nothing of a recording is decoded.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSearch } from '#adapters/local/search/search.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { lowestIdAt, newSessionId } from '#core/recording/session-id.ts';
import type { SessionQuery } from '#core/recording/session-index.ts';
import { NO_FACTS } from '#core/replay/facts.ts';
import type { SearchedSession, SearchedStep } from '#core/search/entry.ts';
import type { StepSearch } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';

const START = Date.UTC(2026, 0, 1);
const STEPS = 5;
const TABLES = ['orders', 'customers', 'products', 'audit.log', 'payments'];
const RUNS = 21;

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

async function* stepsOf(number: number, steps = STEPS): AsyncGenerator<SearchedStep> {
  for (let step = 1; step <= steps; step += 1) {
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
  'words never next to each other': { phrases: ['id where'] },
};

interface Times {
  readonly p50: string;
  readonly p95: string;
}

async function timed(work: () => Promise<unknown>): Promise<Times> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  }
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => `${sorted[Math.floor((RUNS - 1) * share)]!.toFixed(1)} ms`;
  return { p50: at(0.5), p95: at(0.95) };
}

const told = ({ p50, p95 }: Times): string => `${p50.padStart(9)} p50 ${p95.padStart(9)} p95`;

async function measure(sessions: number, folder: string): Promise<void> {
  const search = await openSearch(join(folder, 'search.sqlite'));
  const before = performance.now();
  for (let number = 0; number < sessions; number += 1)
    await search.add(sessionOf(number), stepsOf(number), '');
  const perSession = (performance.now() - before) / sessions;
  const bytes = sizeOf(folder);
  say(`${sessions} synthetic sessions of ${STEPS} steps: ${perSession.toFixed(2)} ms to add one`);
  say(`on disk ${(bytes / 2 ** 20).toFixed(1)} MiB, ${Math.round(bytes / sessions / STEPS)} bytes a step`);
  for (const [name, query] of Object.entries(QUERIES)) await measureQuery(name, query, search);
  await search.close();
  await measureCatalog(sessions, folder);
  say(`RSS ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB\n`);
}

async function measureQuery(name: string, query: SearchQuery, search: StepSearch): Promise<void> {
  const page = { scopes: [{}], limit: 50 };
  say(`${name.padEnd(32)} steps    ${told(await timed(() => search.search(query, page)))}`);
  say(`${''.padEnd(32)} sessions ${told(await timed(() => search.sessions(query, page)))}`);
}

/** One session, in which each query looks. */
async function measureLong(steps: number, folder: string): Promise<void> {
  const search = await openSearch(join(folder, 'search.sqlite'));
  const before = performance.now();
  const session = sessionOf(0);
  await search.add(session, stepsOf(0, steps), '');
  say(
    `one synthetic session of ${steps} steps: added in ${((performance.now() - before) / 1000).toFixed(1)} s`,
  );
  say(`on disk ${(sizeOf(folder) / 2 ** 20).toFixed(1)} MiB`);
  for (const [name, query] of Object.entries(QUERIES))
    await measureQuery(name, { ...query, session: session.id }, search);
  await search.close();
  say(`RSS ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB\n`);
}

/** Lists of sessions, as `GET /v1/sessions` asks for them. */
async function measureCatalog(sessions: number, folder: string): Promise<void> {
  const catalog = openSessionIndex(join(folder, 'sessions.sqlite'));
  for (let number = 0; number < sessions; number += 1) {
    const { id, protocol, target, principal, startedAt } = sessionOf(number);
    const task = { task: 'gateway-1', rule: 'all', client: { address: '127.0.0.1' } };
    await catalog.opened({
      ...{ id, protocol, target, principal, ...task },
      startedAt: new Date(startedAt).toISOString(),
    });
  }
  const middle = START + (sessions / 2) * 30_000;
  const lists: Readonly<Record<string, Omit<SessionQuery, 'limit'>>> = {
    'newest sessions': {},
    'sessions of a person': { person: 'person-7@example.com' },
    'sessions of a target': { target: 'db-7' },
    'sessions of a time': { from: lowestIdAt(middle), cursor: lowestIdAt(middle + 86_400_000) },
  };
  for (const [name, query] of Object.entries(lists))
    say(`${name.padEnd(32)} list     ${told(await timed(() => catalog.list({ ...query, limit: 50 })))}`);
  catalog.close();
}

function sizeOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'custody-bench-search-'));
  await work(folder).finally(() => rmSync(folder, { recursive: true, force: true }));
}

const counts = process.argv.slice(2).map(Number);
for (const sessions of counts.length === 0 ? [1_000, 100_000] : counts)
  await inFolder((folder) => measure(sessions, folder));
if (counts.length === 0) await inFolder((folder) => measureLong(1_000_000, folder));
