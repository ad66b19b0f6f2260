import type { DatabaseSync } from 'node:sqlite';
import type {
  FoundSession,
  FoundSessionPage,
  Hit,
  HitPage,
  SearchPage,
  StepSearch,
} from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { openSqlite } from '../sqlite.ts';
import { type Candidate, Finder, placeOf } from './finder.ts';
import { SCHEMA } from './schema.ts';
import { SearchWriter } from './writer.ts';

/** For one page; then it says where to go on. */
const EXAMINED_MAX = 20_000;
/** Of one session in a list: of more it is said that there are more. */
export const COUNTED_MAX = 10_000;

/**
 * The search in SQLite's FTS5: a file that can be deleted at any time. Throws `state-damaged` when it is no database, and
 * `store-unavailable` when it cannot be had.
 */
export function openSearch(file: string): StepSearch & { close(): void } {
  const database = openSqlite(file, 'the search index', SCHEMA);
  const writer = new SearchWriter(database);
  return {
    add: (session, steps, rules) => writer.add(session, steps, rules),
    search: (query, page) => search(database, query, page),
    sessions: (query, page) => sessions(database, query, page),
    missing: async (wanted) => {
      const rules = database.prepare('SELECT rules FROM sessions WHERE id = ?');
      return [...wanted].flatMap(([id, now]) => (rules.get(id)?.['rules'] === now ? [] : [id]));
    },
    close: () => database.close(),
  };
}

async function search(database: DatabaseSync, query: SearchQuery, page: SearchPage): Promise<HitPage> {
  const hits: Hit[] = [];
  let examined = 0;
  for await (const candidate of new Finder(database, query, page).candidates()) {
    const { session } = candidate;
    for await (const { step, matched } of candidate.steps(afterOf(session.id, page))) {
      if (hits.length === page.limit) return { hits, next: placeOfHit(hits.at(-1)!) };
      if (matched !== undefined) hits.push({ session, step: step.step, at: step.at, matched });
      if ((examined += 1) === EXAMINED_MAX) return { hits, next: placeOf(session, step) };
    }
  }
  return { hits };
}

async function sessions(
  database: DatabaseSync,
  query: SearchQuery,
  page: SearchPage,
): Promise<FoundSessionPage> {
  const found: FoundSession[] = [];
  let examined = 0;
  for await (const candidate of new Finder(database, query, page).candidates()) {
    if (candidate.session.id === page.after?.session) continue;
    const one = await counted(candidate);
    examined += one.examined;
    if (one.found !== undefined) {
      if (found.length === page.limit) return { sessions: found, next: placeOf(found.at(-1)!.session) };
      found.push(one.found);
    }
    if (examined >= EXAMINED_MAX) return { sessions: found, next: placeOf(candidate.session) };
  }
  return { sessions: found };
}

async function counted({ session, steps }: Candidate): Promise<{ found?: FoundSession; examined: number }> {
  let first: FoundSession['first'] | undefined;
  const counts = { steps: 0, errors: 0, writes: 0 };
  let examined = 0;
  for await (const { step, matched } of steps(0)) {
    examined += 1;
    if (matched === undefined) continue;
    if (counts.steps === COUNTED_MAX)
      return { found: { session, ...counts, more: true, first: first! }, examined };
    counts.steps += 1;
    if (step.facts.isError) counts.errors += 1;
    if (step.facts.isWrite) counts.writes += 1;
    first ??= { step: step.step, at: step.at, matched };
  }
  return first === undefined ? { examined } : { found: { session, ...counts, first }, examined };
}

function afterOf(session: string, { after }: SearchPage): number {
  return after?.session === session ? (after.step ?? 0) : 0;
}

function placeOfHit({ session, step }: Hit): { session: string; step: number } {
  return { session: session.id, step };
}
