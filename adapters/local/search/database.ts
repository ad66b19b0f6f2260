import type { DatabaseSync } from 'node:sqlite';
import type { SearchedSession, SearchedStep } from '#core/search/entry.ts';
import type { FoundSessionPage, HitPage, SearchPage } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { openSqlite } from '../sqlite.ts';
import { hitPage, sessionPage } from './pages.ts';
import { FORGET, SCHEMA, SCHEMA_VERSION } from './schema.ts';
import { SearchWriter } from './writer.ts';

const RULES_OF = 'SELECT rules FROM sessions WHERE id = ?';

/** The search in SQLite's FTS5, where each call waits for the disk: the search's thread has it. */
export class SearchDatabase {
  readonly #database: DatabaseSync;
  readonly #writer: SearchWriter;

  /** Throws `state-damaged` when it is no database, and `store-unavailable` when it cannot be had. */
  constructor(file: string) {
    this.#database = openSqlite(file, 'the search index', '');
    const version = Number(this.#database.prepare('PRAGMA user_version').get()?.['user_version']);
    this.#database.exec(version === SCHEMA_VERSION ? SCHEMA : `${FORGET}${SCHEMA}`);
    this.#writer = new SearchWriter(this.#database);
  }

  /** True when nothing of the session is left. */
  remove(id: string): boolean {
    return this.#writer.remove(id);
  }

  add(session: SearchedSession, steps: readonly SearchedStep[], rules?: string): void {
    this.#writer.add(session, steps, rules);
  }

  search(query: SearchQuery, page: SearchPage): HitPage {
    return hitPage(this.#database, query, page);
  }

  sessions(query: SearchQuery, page: SearchPage): FoundSessionPage {
    return sessionPage(this.#database, query, page);
  }

  missing(wanted: ReadonlyMap<string, string>): readonly string[] {
    const rules = this.#database.prepare(RULES_OF);
    return [...wanted].flatMap(([id, now]) => (rules.get(id)?.['rules'] === now ? [] : [id]));
  }

  close(): void {
    this.#database.close();
  }
}
