import type { DatabaseSync } from 'node:sqlite';
import { parseJson } from '#core/json.ts';
import { timeOfId } from '#core/recording/session-id.ts';
import type { SearchedSession, SearchedStep } from '#core/search/entry.ts';
import { isOfSession, type Match, matcher } from '#core/search/match.ts';
import type { Place, SearchPage } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { isInScope } from '#core/search/scope.ts';
import { Chunks } from './chunks.ts';
import { FoundRows } from './found-rows.ts';
import { firstRowOf, lastRowOf, OLDEST_ROW, slotOf, slotOfRow } from './schema.ts';
import { expressionOf } from './tokens.ts';
import type { Work } from './work.ts';

/** An id is made a little before its session begins. */
const CLOCK_MS = 60_000;

const IN_ROWS =
  'SELECT id, first, steps, last, session FROM sessions WHERE first >= ? AND first <= ? AND rules IS NOT NULL ORDER BY first';
const ROWS_OF = 'SELECT first, steps FROM sessions WHERE id = ? AND rules IS NOT NULL';
const NEXT_SPAN = 'SELECT span FROM sessions WHERE span > ? ORDER BY span LIMIT 1';
const LASTING = 'SELECT last FROM sessions WHERE span = ? AND last >= ? ORDER BY last LIMIT 1';
export const FINDER_SQL = [IN_ROWS, ROWS_OF, NEXT_SPAN, LASTING];

interface SessionRow {
  readonly id: string;
  readonly first: bigint;
  /** Behind its last one. */
  readonly end: bigint;
  readonly last: number;
  readonly session: string;
}

/** A session in which something may be found. */
export interface Candidate {
  readonly session: SearchedSession;
  /** What FTS5 found in it, in order; `matched` where it is what is looked for. `after`: behind the step of that number. */
  readonly steps: (after: number) => Generator<Examined>;
}

export interface Examined {
  readonly step: SearchedStep;
  readonly matched: readonly Match[] | undefined;
}

/** What may be what is looked for: newest session first. FTS5 says where to look, and `matcher` what counts. */
export class Finder {
  readonly #database: DatabaseSync;
  readonly #query: SearchQuery;
  readonly #page: SearchPage;
  readonly #work: Work;
  readonly #chunks: Chunks;
  readonly #matches: ReturnType<typeof matcher>;

  constructor(database: DatabaseSync, query: SearchQuery, page: SearchPage, work: Work) {
    this.#database = database;
    this.#query = query;
    this.#page = page;
    this.#work = work;
    this.#chunks = new Chunks(database, work);
    this.#matches = matcher(query);
  }

  *candidates(): Generator<Candidate> {
    const range = this.#page.scopes.length === 0 ? undefined : this.#range();
    if (range === undefined) return;
    const [from, last] = range;
    const rows = new FoundRows(
      this.#database,
      expressionOf(this.#query, this.#page.scopes),
      last,
      this.#work,
    );
    for (let row = rows.from(from); row !== undefined; ) {
      const slot = slotOfRow(row);
      yield* this.#inSlot(slot, rows);
      row = rows.from(firstRowOf(slot + 1n));
    }
  }

  /** Rows in which something may be: from, and up to. */
  #range(): readonly [bigint, bigint] | undefined {
    const { since, until = Infinity, session } = this.#query;
    const { after } = this.#page;
    if (session !== undefined) return this.#rowsOf(session);
    const before = after === undefined ? Infinity : timeOfId(after.session);
    const newest = slotOf(Math.min(until + CLOCK_MS, before, Number.MAX_SAFE_INTEGER));
    return [firstRowOf(newest), since === undefined ? OLDEST_ROW : this.#lastRowLasting(since)];
  }

  #rowsOf(id: string): readonly [bigint, bigint] | undefined {
    const statement = this.#database.prepare(ROWS_OF);
    statement.setReadBigInts(true);
    const found = statement.get(id) as { first: bigint; steps: bigint } | undefined;
    return found && [found.first, found.first + found.steps - 1n];
  }

  /** Behind it no session lasted until then: those that did, and are of one span, began no earlier than that before the first end. */
  #lastRowLasting(since: number): bigint {
    const [next, lasting] = [this.#database.prepare(NEXT_SPAN), this.#database.prepare(LASTING)];
    let oldest = since;
    for (let span = -1; ; ) {
      const found = next.get(span);
      if (found === undefined) return lastRowOf(slotOf(oldest));
      span = Number(found['span']);
      const last = lasting.get(span, Math.floor(since))?.['last'];
      if (last !== undefined) oldest = Math.min(oldest, Number(last) - 2 ** span);
    }
  }

  *#inSlot(slot: bigint, rows: FoundRows): Generator<Candidate> {
    const sessions = this.#sessionsIn(slot);
    const found = sessions.length > 1 ? withRows(sessions, rows) : sessions;
    for (const row of found.toSorted((a, b) => (a.id < b.id ? 1 : -1))) {
      this.#work.spend('session');
      if (isBefore(row.id, this.#page.after)) continue;
      const session = parseJson(row.session) as SearchedSession;
      yield { session, steps: (after) => this.#steps(row, session, rows, after) };
    }
  }

  #sessionsIn(slot: bigint): readonly SessionRow[] {
    const statement = this.#database.prepare(IN_ROWS);
    statement.setReadBigInts(true);
    const found = statement.all(firstRowOf(slot), lastRowOf(slot)) as unknown as readonly (Pick<
      SessionRow,
      'id' | 'first' | 'session'
    > &
      Record<'steps' | 'last', bigint>)[];
    return found.map(({ id, first, steps, last, session }) => ({
      ...{ id, first, session },
      ...{ end: first + steps, last: Number(last) },
    }));
  }

  *#steps(row: SessionRow, session: SearchedSession, rows: FoundRows, after: number): Generator<Examined> {
    if (!isInScope(session, this.#page.scopes) || !isOfSession(this.#query, session)) return;
    const { since = -Infinity, until = Infinity } = this.#query;
    if (row.last < since || session.startedAt >= until) return;
    // A microsecond more than is wanted: whether it is, is said by `matcher`.
    const from = (since - session.startedAt) * 1000 - 1;
    const to = (until - session.startedAt) * 1000 + 1;
    let next = from === -Infinity ? row.first : this.#firstRow(row, ({ upTo }) => upTo >= from);
    if (after > 0) next = max(next, this.#rowBehind(row, after));
    for (let at = rows.from(next); at !== undefined && at < row.end; at = rows.from(next)) {
      const head = this.#chunks.head(at);
      if (head === undefined) return;
      next = head.least > to ? head.end : at + 1n;
      if (head.least > to) continue;
      const step = this.#chunks.step(at)!;
      yield { step, matched: this.#matches(session, step) };
    }
  }

  /** The row at which the first chunk begins of which it is so: of all behind it, it is so, too. */
  #firstRow({ first, end }: SessionRow, isSo: (head: { readonly upTo: number }) => boolean): bigint {
    let [low, high] = [first, end];
    while (low < high) {
      const head = this.#chunks.head((low + high) / 2n);
      if (head === undefined) return low;
      if (isSo(head)) high = head.first;
      else low = head.end;
    }
    return low;
  }

  /** Numbers of steps grow, and most have none left out between them. */
  #rowBehind({ first, end }: SessionRow, after: number): bigint {
    let [low, high] = [first, end];
    while (low < high) {
      const middle = (low + high) / 2n;
      if ((this.#chunks.step(middle)?.step ?? Infinity) <= after) low = middle + 1n;
      else high = middle;
    }
    return low;
  }
}

/** Both in the order of rows. */
function withRows(sessions: readonly SessionRow[], rows: FoundRows): readonly SessionRow[] {
  const found: SessionRow[] = [];
  let row: bigint | undefined = -1n;
  for (const session of sessions) {
    if (row < session.first) row = rows.from(session.first);
    if (row === undefined) break;
    if (row < session.end) found.push(session);
  }
  return found;
}

/** A session that was shown already, whole. */
function isBefore(id: string, after: Place | undefined): boolean {
  if (after === undefined) return false;
  return id > after.session || (id === after.session && after.step === undefined);
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

export function placeOf(session: SearchedSession, step?: SearchedStep): Place {
  return step === undefined ? { session: session.id } : { session: session.id, step: step.step };
}
