import type { SearchedSession, SearchedStep } from './entry.ts';
import type { Match } from './match.ts';
import type { SearchQuery } from './query.ts';

/**
 * Finds steps of sealed sessions. A convenience: evidence alone is the truth, and it can be made again from evidence at any time.
 * What is found is what `matches` finds among the sessions that were added, all of it, and in one order: newest session first, each
 * session's steps ascending.
 */
export interface StepSearch {
  /**
   * Adds a session, or puts it in the place of what there was of it. `rules`: of what was left out of its steps (a digest of the
   * target's `redact`). Nothing of it is found until it resolves, and everything afterwards. What a crash takes of it is `missing`.
   */
  add(session: SearchedSession, steps: AsyncIterable<SearchedStep>, rules: string): Promise<void>;
  /** A page of steps. It may hold less than `limit`, or nothing, and go on all the same. */
  search(query: SearchQuery, page: SearchPage): Promise<HitPage>;
  /** Sessions that began before this time are not looked at (ms); all are where it is undefined, or nobody says. */
  searchedSince?(query: SearchQuery): number | undefined;
  /** The same as sessions with counts of their steps. */
  sessions(query: SearchQuery, page: SearchPage): Promise<FoundSessionPage>;
  /** Those of these sessions that were not added under these rules: id → rules. */
  missing(sessions: ReadonlyMap<string, string>): Promise<readonly string[]>;
}

/** Whose steps may be found: a session that one of these describes. */
export interface Scope {
  readonly target?: string;
  readonly subject?: { readonly issuer: string; readonly subject: string };
  readonly person?: string;
  /** Who approved the session's grant. */
  readonly approver?: { readonly issuer: string; readonly subject: string };
}

export interface SearchPage {
  /** Nobody pays for looking at what they may not see. */
  readonly scopes: readonly Scope[];
  readonly limit: number;
  /** Only what comes behind this place. */
  readonly after?: Place;
}

/** Behind a step; without one, behind a session. */
export interface Place {
  readonly session: string;
  readonly step?: number;
}

export interface Hit {
  readonly session: SearchedSession;
  readonly step: number;
  readonly at: number;
  readonly matched: readonly Match[];
}

export interface HitPage {
  readonly hits: readonly Hit[];
  /** Where it goes on; without it there is no more. */
  readonly next?: Place;
}

export interface FoundSession {
  readonly session: SearchedSession;
  /** Steps in it that were found; with `more`, it is not known how many more there are. */
  readonly steps: number;
  readonly more?: true;
  readonly errors: number;
  readonly writes: number;
  /** The first of them. */
  readonly first: Pick<Hit, 'step' | 'at' | 'matched'>;
}

export interface FoundSessionPage {
  readonly sessions: readonly FoundSession[];
  readonly next?: Place;
}
