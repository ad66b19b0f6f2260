import { parseJson } from '#core/json.ts';
import type { StepFacts } from '#core/replay/facts.ts';
import type { SearchedSession } from '#core/search/entry.ts';
import { matches } from '#core/search/match.ts';
import type { FoundSession, Hit, HitPage, Place, SearchPage, StepSearch } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { isInScope } from '#core/search/scope.ts';
import type { Row, RunQuery } from './queries.ts';
import { searchedSince, searchStatement } from './statement.ts';

export interface AthenaSearchPorts {
  readonly run: RunQuery;
  readonly database: string;
  /** What is left out of a target's steps now (core/ocsf/seen.ts): rows that were made by other rules are not shown. */
  readonly rulesNow: (target: string) => string;
  readonly now: () => Date;
}

/** Rows of one query: some are no hits, and a page then holds less than was asked for. */
const ROWS_MIN = 200;
const ROWS_MAX = 1_000;

interface Found extends Hit {
  readonly facts: StepFacts;
}

/** Searches what the indexer wrote; it is added by the indexer alone. */
export function athenaSearch(
  ports: AthenaSearchPorts,
): Pick<StepSearch, 'search' | 'sessions' | 'searchedSince'> {
  return {
    searchedSince: (query) => searchedSince(query, ports.now()),
    search: async (query, page) => {
      const { found, next } = await candidates(query, page, Math.max(page.limit + 1, ROWS_MIN), ports);
      if (found.length <= page.limit) return hitPage(found, next);
      const hits = found.slice(0, page.limit);
      return hitPage(hits, placeOf(hits.at(-1)!));
    },
    sessions: async (query, page) => {
      const { found, next } = await candidates(query, page, ROWS_MAX, ports);
      const groups = [...Map.groupBy(found, ({ session }) => session.id).values()];
      const all = groups.map((hits, at) =>
        foundSession(hits, next !== undefined && at === groups.length - 1),
      );
      const sessions = all.slice(0, page.limit);
      const last = sessions.at(-1)?.session.id ?? next?.session;
      const isMore = all.length > sessions.length || next !== undefined;
      return { sessions, ...(isMore && last !== undefined ? { next: { session: last } } : {}) };
    },
  };
}

function hitPage(found: readonly Found[], next: Place | undefined): HitPage {
  const hits = found.map(({ facts: _facts, ...hit }) => hit);
  return { hits, ...(next === undefined ? {} : { next }) };
}

/** Hits among so many rows; `next` is the last row that was looked at, where there may be more. */
async function candidates(
  query: SearchQuery,
  { scopes, after }: SearchPage,
  rows: number,
  { run, database, rulesNow, now }: AthenaSearchPorts,
): Promise<{ readonly found: readonly Found[]; readonly next?: Place }> {
  const bounded = Math.min(rows, ROWS_MAX);
  const asked = { query, scopes, after, rows: bounded };
  const looked = (await run(searchStatement(database, asked, now()))).map(rowOf);
  const found = new Map<string, Found>();
  for (const row of looked) {
    const { session, step, at, facts, rules } = row;
    if (rules !== rulesNow(session.target) || !isInScope(session, scopes)) continue;
    const matched = matches(query, session, { step, at, facts });
    if (matched !== undefined) found.set(`${session.id}:${step}`, { session, step, at, matched, facts });
  }
  const last = looked.at(-1);
  const next = looked.length < bounded || last === undefined ? {} : { next: placeOf(last) };
  return { found: [...found.values()], ...next };
}

function placeOf({ session, step }: Pick<Hit, 'session' | 'step'>): Required<Place> {
  return { session: session.id, step };
}

/** As the statement names its columns. */
function rowOf([_session, step, at, rules, about, facts]: Row) {
  return {
    step: Number(step),
    at: Number(at),
    rules,
    session: parseJson(about!) as SearchedSession,
    facts: parseJson(facts!) as StepFacts,
  };
}

function foundSession(hits: readonly Found[], isCut: boolean): FoundSession {
  const [{ session, step, at, matched }] = hits as readonly [Found, ...Found[]];
  return {
    session,
    steps: hits.length,
    ...(isCut ? { more: true as const } : {}),
    errors: hits.filter(({ facts }) => facts.isError).length,
    writes: hits.filter(({ facts }) => facts.isWrite).length,
    first: { step, at, matched },
  };
}
