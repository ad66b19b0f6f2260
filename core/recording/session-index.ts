import type { Person } from '../access/person.ts';
import type { CloseReason } from './format.ts';

/** A session as lists show it. The index is a convenience: evidence alone is the truth. */
export interface SessionRecord {
  readonly id: string;
  readonly state: 'open' | 'closed' | 'recovered';
  /** RFC 3339, UTC, milliseconds. */
  readonly startedAt: string;
  /** With whoever acted for them. */
  readonly principal: Person;
  readonly target: string;
  readonly protocol: string;
  /** The login at the target, where the client chose one. */
  readonly login?: string;
  /** The access rule that allowed it. */
  readonly rule: string;
  /** The request whose grant it rests on, where the rule needs one. */
  readonly grant?: string;
  /** Whose approvals that grant came of. */
  readonly approvedBy?: readonly Person[];
  /** The gateway task that holds it. */
  readonly task: string;
  /** Where it is a task of a run of a workflow. */
  readonly run?: SessionRun;
  readonly client: { readonly address: string; readonly application?: string };
  readonly outcome?: SessionOutcome;
}

export interface SessionRun {
  readonly id: string;
  readonly workflow: string;
  readonly task: string;
}

/** How a session ended. */
export interface SessionOutcome {
  readonly endedAt: string;
  readonly reason: CloseReason;
  readonly recovered: boolean;
  readonly segments: number;
  readonly frames: number;
  readonly bytes: number;
}

/** The gateway's side of the index. */
export interface SessionIndex {
  /** Lists the session as open. Rejects with `already-exists` when the id is taken. When it returns, nothing that is stored after it is durable without it. */
  opened(record: Omit<SessionRecord, 'state' | 'outcome'>): Promise<void>;
  /** Records the outcome. A second call for the same session changes nothing. Rejects with `not-found`. */
  closed(id: string, outcome: SessionOutcome): Promise<void>;
  /** Sessions without an outcome, oldest first. */
  unsealed(): Promise<readonly SessionRecord[]>;
}

/** The readers' side of the index. */
export interface SessionCatalog {
  /** Rejects with `not-found`. */
  get(id: string): Promise<SessionRecord>;
  /** Newest first. */
  list(query: SessionQuery): Promise<SessionPage>;
}

export interface SessionQuery {
  readonly target?: string;
  readonly subject?: { readonly issuer: string; readonly subject: string };
  /** Only sessions whose grant this account approved. */
  readonly approver?: { readonly issuer: string; readonly subject: string };
  /** Only sessions of whoever has this subject or this e-mail address, as `sameEmail` reads it, or acted in them by this subject. */
  readonly person?: string;
  /** Only sessions of this run. */
  readonly run?: string;
  readonly limit: number;
  /** Only sessions whose id is this one or a later one: an id, or `lowestIdAt` of a time. */
  readonly from?: string;
  /**
   * Only sessions older than this session id: the `next` of an earlier page, or any other id, listed by this query or not
   * (who merges the pages of several queries goes on in all of them from one id). Whoever takes it from outside checks
   * that it has the form of an id; `lowestIdAt` of a time will do as well.
   */
  readonly cursor?: string;
}

export interface SessionPage {
  readonly sessions: readonly SessionRecord[];
  /**
   * The cursor of the next page, where older ones follow or may follow: who looks for few among many is told how far an
   * index has looked, and a page may then hold less than `limit`, or nothing. Without it there are no more.
   */
  readonly next?: string;
}
