import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { timeOfId } from '#core/recording/session-id.ts';
import type { SearchedSession, SearchedStep } from '#core/search/entry.ts';
import { CHUNK_CHARACTERS, CHUNK_STEPS, packed } from './chunks.ts';
import { firstRowOf, slotOf } from './schema.ts';
import { sessionMarks, stepMarks, wordTokens } from './tokens.ts';

/** Puts sessions into the tables, one after the other. Until `rules` stands in its row, nothing of a session is found. */
export class SearchWriter {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepared>;
  #before: Promise<unknown> = Promise.resolve();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = prepared(database);
  }

  add(session: SearchedSession, steps: AsyncIterable<SearchedStep>, rules: string): Promise<void> {
    const added = this.#before.then(() => this.#add(session, steps, rules));
    this.#before = added.catch(() => undefined);
    return added;
  }

  async #add(session: SearchedSession, steps: AsyncIterable<SearchedStep>, rules: string): Promise<void> {
    await this.#remove(session.id);
    const slot = slotOf(timeOfId(session.id));
    const first = Number(this.#statements.free.get(slot)?.['free'] ?? firstRowOf(slot));
    const written = { count: 0, last: 0 };
    const write = (chunk: readonly SearchedStep[]): void => {
      if (written.count === 0) this.#begin(session, slot, first);
      this.#write(session.id, first + written.count, chunk, marks);
      written.count += chunk.length;
      written.last = chunk.reduce((last, { at }) => Math.max(last, at), written.last);
    };
    const marks = sessionMarks(session);
    // The last one goes with the end: most sessions are one commit.
    let held: readonly SearchedStep[] = [];
    for await (const chunk of chunksOf(steps)) {
      if (held.length > 0) this.#commit(() => write(held));
      held = chunk;
      await turn();
    }
    this.#commit(() => {
      write(held);
      this.#statements.end.run(rules, Math.ceil(session.startedAt + written.last / 1000), session.id);
    });
  }

  #begin(session: SearchedSession, slot: number, first: number): void {
    this.#statements.begin.run(session.id, slot, first, session.startedAt, JSON.stringify(session));
  }

  #write(id: string, row: number, chunk: readonly SearchedStep[], marks: string): void {
    const { step, chunk: put, grow } = this.#statements;
    for (const [at, { facts }] of chunk.entries())
      step.run(row + at, wordTokens(facts), `${marks} ${stepMarks(facts)}`);
    put.run(id, row, packed(chunk));
    grow.run(chunk.length, id);
  }

  /** What there is of it, whole or not. */
  async #remove(id: string): Promise<void> {
    const there = this.#statements.there.get(id) as { first: number; steps: number } | undefined;
    if (there === undefined) return;
    this.#statements.hide.run(id);
    for (let row = there.first; row < there.first + there.steps; row += CHUNK_STEPS) {
      const end = Math.min(row + CHUNK_STEPS, there.first + there.steps);
      this.#commit(() => {
        for (let at = row; at < end; at += 1) this.#statements.drop.run(at);
      });
      await turn();
    }
    this.#commit(() => {
      this.#statements.dropChunks.run(id);
      this.#statements.dropSession.run(id);
    });
  }

  #commit(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

function prepared(database: DatabaseSync) {
  const of = (sql: string): StatementSync => database.prepare(sql);
  return {
    there: of('SELECT first, steps FROM sessions WHERE id = ?'),
    free: of('SELECT max(first + steps) AS free FROM sessions WHERE slot = ?'),
    begin: of('INSERT INTO sessions (id, slot, first, steps, last, session) VALUES (?, ?, ?, 0, ?, ?)'),
    step: of('INSERT INTO steps (rowid, words, marks) VALUES (?, ?, ?)'),
    chunk: of('INSERT INTO chunks (id, at, body) VALUES (?, ?, ?)'),
    grow: of('UPDATE sessions SET steps = steps + ? WHERE id = ?'),
    end: of('UPDATE sessions SET rules = ?, last = ? WHERE id = ?'),
    hide: of('UPDATE sessions SET rules = NULL WHERE id = ?'),
    drop: of('DELETE FROM steps WHERE rowid = ?'),
    dropChunks: of('DELETE FROM chunks WHERE id = ?'),
    dropSession: of('DELETE FROM sessions WHERE id = ?'),
  };
}

async function* chunksOf(steps: AsyncIterable<SearchedStep>): AsyncGenerator<readonly SearchedStep[]> {
  let chunk: SearchedStep[] = [];
  let characters = 0;
  for await (const step of steps) {
    chunk.push(step);
    characters += charactersOf(step);
    if (chunk.length < CHUNK_STEPS && characters < CHUNK_CHARACTERS) continue;
    yield chunk;
    [chunk, characters] = [[], 0];
  }
  if (chunk.length > 0) yield chunk;
}

function charactersOf({ facts: { text = '', values, results, messages } }: SearchedStep): number {
  return [...values, ...results, ...messages].reduce((sum, one) => sum + one.length, text.length);
}
