import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { timeOfId } from '#core/recording/session-id.ts';
import type { SearchedSession, SearchedStep } from '#core/search/entry.ts';
import { inTransaction } from '../sqlite.ts';
import { packed } from './chunks.ts';
import { firstRowOf, lastRowOf, slotOf, spanOf } from './schema.ts';
import { sessionMarks, stepMarks, wordTokens } from './tokens.ts';

/** Of what there was of a session, so much is removed at a time: others wait for it. */
const REMOVED_ROWS = 512n;

/** A session that is being added. */
interface Adding {
  readonly id: string;
  readonly marks: string;
  next: bigint;
  /** No step so far is later (microseconds). */
  upTo: number;
}

/** Puts sessions into the tables, one after the other. Until `rules` stands in its row, nothing of a session is found. */
export class SearchWriter {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepared>;
  #adding: Adding | undefined;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = prepared(database);
  }

  /** Removes some of what there is of a session, whole or not. True when nothing is left. */
  remove(id: string): boolean {
    this.#adding = undefined;
    const there = this.#statements.there.get(id) as { first: bigint; steps: bigint } | undefined;
    if (there === undefined) return true;
    const end = there.first + there.steps;
    const from = end - there.first > REMOVED_ROWS ? end - REMOVED_ROWS : there.first;
    this.#commit(() => {
      for (let row = from; row < end; row += 1n) this.#statements.drop.run(row);
      this.#statements.dropChunks.run(from, end);
      if (from === there.first) this.#statements.dropSession.run(id);
      else this.#statements.shorten.run(from - there.first, id);
    });
    return from === there.first;
  }

  /** Adds what comes next of a session, of which nothing was there; with `rules`, it is the last, and the session is found from now on. */
  add(session: SearchedSession, steps: readonly SearchedStep[], rules?: string): void {
    this.#commit(() => {
      const adding = this.#adding?.id === session.id ? this.#adding : this.#begin(session);
      if (steps.length > 0) this.#write(adding, steps);
      if (rules !== undefined) this.#end(session, adding, rules);
      this.#adding = rules === undefined ? adding : undefined;
    });
  }

  #begin(session: SearchedSession): Adding {
    const slot = slotOf(timeOfId(session.id));
    const range = [firstRowOf(slot), lastRowOf(slot)] as const;
    const newest = this.#statements.newest.get(...range) as { first: bigint; steps: bigint } | undefined;
    // A session without steps has a row that nothing is in.
    const first = newest === undefined ? range[0] : newest.first + (newest.steps > 0n ? newest.steps : 1n);
    this.#statements.begin.run(session.id, first, session.startedAt, JSON.stringify(session));
    return { id: session.id, marks: sessionMarks(session), next: first, upTo: 0 };
  }

  #write(adding: Adding, steps: readonly SearchedStep[]): void {
    const { step, chunk, grow } = this.#statements;
    for (const [at, { facts }] of steps.entries())
      step.run(adding.next + BigInt(at), wordTokens(facts), `${adding.marks} ${stepMarks(facts)}`);
    const times = steps.map(({ at }) => at);
    adding.upTo = Math.max(adding.upTo, ...times);
    const bounds = [Math.floor(Math.min(...times)), Math.ceil(adding.upTo)] as const;
    chunk.run(adding.next, steps.length, ...bounds, packed(steps));
    grow.run(steps.length, adding.id);
    adding.next += BigInt(steps.length);
  }

  #end({ id, startedAt }: SearchedSession, { upTo }: Adding, rules: string): void {
    const last = Math.ceil(startedAt + upTo / 1000);
    this.#statements.end.run(rules, last, spanOf(last - Math.min(timeOfId(id), startedAt)), id);
  }

  #commit(work: () => void): void {
    try {
      inTransaction(this.#database, work);
    } catch (thrown) {
      this.#adding = undefined;
      throw thrown;
    }
  }
}

const NEWEST =
  'SELECT first, steps FROM sessions WHERE first >= ? AND first <= ? ORDER BY first DESC LIMIT 1';
const THERE = 'SELECT first, steps FROM sessions WHERE id = ?';
export const WRITER_SQL = [NEWEST, THERE];

function prepared(database: DatabaseSync) {
  const of = (sql: string): StatementSync => {
    const statement = database.prepare(sql);
    statement.setReadBigInts(true);
    return statement;
  };
  return {
    there: of(THERE),
    newest: of(NEWEST),
    begin: of('INSERT INTO sessions (id, first, steps, last, span, session) VALUES (?, ?, 0, ?, 0, ?)'),
    step: of('INSERT INTO steps (rowid, words, marks) VALUES (?, ?, ?)'),
    chunk: of('INSERT INTO chunks (at, steps, least, upto, body) VALUES (?, ?, ?, ?, ?)'),
    grow: of('UPDATE sessions SET steps = steps + ? WHERE id = ?'),
    end: of('UPDATE sessions SET rules = ?, last = ?, span = ? WHERE id = ?'),
    shorten: of('UPDATE sessions SET rules = NULL, steps = ? WHERE id = ?'),
    drop: of('DELETE FROM steps WHERE rowid = ?'),
    dropChunks: of('DELETE FROM chunks WHERE at >= ? AND at < ?'),
    dropSession: of('DELETE FROM sessions WHERE id = ?'),
  };
}
