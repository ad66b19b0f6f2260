import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { parseJson } from '#core/json.ts';
import { timeOfId } from '#core/recording/session-id.ts';
import type { SearchedSession, SearchedStep } from '#core/search/entry.ts';
import { isOfSession, type Match, matches } from '#core/search/match.ts';
import type { Place, SearchPage } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { isInScope } from '#core/search/scope.ts';
import { unpacked } from './chunks.ts';
import { firstRowOf, slotOf, slotOfRow } from './schema.ts';
import { expressionOf } from './tokens.ts';

/** An id is made a little before its session begins. */
const CLOCK_MS = 60_000;
/** Between two turns of the event loop. */
const TURN_STEPS = 500;

interface SessionRow {
  readonly id: string;
  readonly first: number;
  readonly steps: number;
  readonly session: string;
}

/** A session in which something may be found. */
export interface Candidate {
  readonly session: SearchedSession;
  /** What FTS5 found in it, in order; `matched` where it is what is looked for. */
  steps(after: number): AsyncGenerator<Examined>;
}

export interface Examined {
  readonly step: SearchedStep;
  readonly matched: readonly Match[] | undefined;
}

/** What may be what is looked for: newest session first. FTS5 says where to look, and `matches` what counts. */
export class Finder {
  readonly #database: DatabaseSync;
  readonly #query: SearchQuery;
  readonly #page: SearchPage;
  readonly #expression: string;

  constructor(database: DatabaseSync, query: SearchQuery, page: SearchPage) {
    this.#database = database;
    this.#query = query;
    this.#page = page;
    this.#expression = expressionOf(query, page.scopes);
  }

  async *candidates(): AsyncGenerator<Candidate> {
    if (this.#page.scopes.length === 0) return;
    const [from, to] = this.#rows();
    for (let end = to; ; ) {
      const newest = this.#newestRow(from, end);
      if (newest === undefined) return;
      const slot = slotOfRow(newest);
      yield* this.#inSlot(slot);
      end = firstRowOf(slot);
      await turn();
    }
  }

  /** Rows of the time that is asked for: not before this one, and before that. */
  #rows(): readonly [number, number] {
    const { since, until = Infinity, session } = this.#query;
    const { after } = this.#page;
    const lasting = since === undefined ? 0 : this.#slotLasting(since);
    const [one, other] = [session, after?.session].map((id) => (id === undefined ? Infinity : timeOfId(id)));
    const newest = slotOf(Math.min(until + CLOCK_MS, one!, other!, Number.MAX_SAFE_INTEGER));
    const oldest = Math.max(lasting, session === undefined ? 0 : slotOf(timeOfId(session)));
    return [firstRowOf(oldest), firstRowOf(newest + 1)];
  }

  /** The first slot of which a session lasted until then. */
  #slotLasting(since: number): number {
    const [row] = this.#all('SELECT min(slot) AS slot FROM sessions WHERE last >= ?', since);
    return Number(row?.['slot'] ?? Number.MAX_SAFE_INTEGER);
  }

  #newestRow(from: number, to: number): number | undefined {
    const sql =
      'SELECT rowid FROM steps WHERE steps MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid DESC LIMIT 1';
    const [row] = this.#all(sql, this.#expression, from, to);
    return row === undefined ? undefined : Number(row['rowid']);
  }

  async *#inSlot(slot: number): AsyncGenerator<Candidate> {
    const { after } = this.#page;
    const rows = this.#all(
      'SELECT id, first, steps, session FROM sessions WHERE slot = ? AND rules IS NOT NULL ORDER BY first',
      slot,
    ) as unknown as SessionRow[];
    const found = this.#sessionsWithRows(slot, rows);
    for (const row of found.toSorted((a, b) => (a.id < b.id ? 1 : -1))) {
      if (
        after !== undefined &&
        (row.id > after.session || (row.id === after.session && after.step === undefined))
      )
        continue;
      const session = parseJson(row.session) as unknown as SearchedSession;
      if (!isInScope(session, this.#page.scopes) || !isOfSession(this.#query, session)) continue;
      yield { session, steps: (from) => this.#steps(row, session, from) };
    }
  }

  /** Both in the order of rows. */
  #sessionsWithRows(slot: number, sessions: readonly SessionRow[]): readonly SessionRow[] {
    const found: SessionRow[] = [];
    let at = 0;
    let next = firstRowOf(slot);
    const end = firstRowOf(slot + 1);
    // From session to session: FTS5 skips to a row, and need not give all of a long one's.
    for (;;) {
      const row = this.#firstRow(next, end);
      if (row === undefined) return found;
      while (at < sessions.length && sessions[at]!.first + sessions[at]!.steps <= row) at += 1;
      const session = sessions[at];
      if (session === undefined) return found;
      if (row >= session.first) found.push(session);
      next = row >= session.first ? session.first + session.steps : session.first;
    }
  }

  #firstRow(from: number, to: number): number | undefined {
    const sql =
      'SELECT rowid FROM steps WHERE steps MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid LIMIT 1';
    const [row] = this.#all(sql, this.#expression, from, to);
    return row === undefined ? undefined : Number(row['rowid']);
  }

  async *#steps(row: SessionRow, session: SearchedSession, after: number): AsyncGenerator<Examined> {
    const chunks = new Chunks(this.#database, row.id);
    const from = row.first + this.#stepsUpTo(chunks, row, after);
    const end = row.first + row.steps;
    for (let next = from, seen = 0; next < end; ) {
      const rows = this.#all(
        'SELECT rowid FROM steps WHERE steps MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid LIMIT ?',
        ...[this.#expression, next, end, TURN_STEPS],
      );
      for (const one of rows) {
        const step = chunks.at(Number(one['rowid']));
        if (step !== undefined) yield { step, matched: matches(this.#query, session, step) };
      }
      seen += rows.length;
      if (rows.length < TURN_STEPS) return;
      next = Number(rows.at(-1)!['rowid']) + 1;
      await turn();
    }
  }

  /** Numbers of steps grow, and most have none left out between them. */
  #stepsUpTo(chunks: Chunks, { first, steps }: SessionRow, after: number): number {
    let [low, high] = [0, steps];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((chunks.at(first + middle)?.step ?? Infinity) <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #all(sql: string, ...values: readonly SQLInputValue[]): readonly Record<string, unknown>[] {
    return this.#database.prepare(sql).all(...values);
  }
}

/** The last chunk stays unpacked: what is found lies together. */
class Chunks {
  readonly #database: DatabaseSync;
  readonly #id: string;
  #first = -1;
  #steps: readonly SearchedStep[] = [];

  constructor(database: DatabaseSync, id: string) {
    this.#database = database;
    this.#id = id;
  }

  at(row: number): SearchedStep | undefined {
    if (this.#first < 0 || row < this.#first || row >= this.#first + this.#steps.length) this.#read(row);
    return this.#steps[row - this.#first];
  }

  #read(row: number): void {
    const found = this.#database
      .prepare('SELECT at, body FROM chunks WHERE id = ? AND at <= ? ORDER BY at DESC LIMIT 1')
      .get(this.#id, row);
    this.#first = Number(found?.['at'] ?? row);
    this.#steps = found === undefined ? [] : unpacked(found['body'] as Uint8Array);
  }
}

export function placeOf(session: SearchedSession, step?: SearchedStep): Place {
  return step === undefined ? { session: session.id } : { session: session.id, step: step.step };
}
