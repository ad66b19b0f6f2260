import type { Person } from './person.ts';
import type { AccessRequest, Step } from './request.ts';

/** Where requests live. What a call has done is durable when it returns; reads see every write that came before. */
export interface AccessRequests {
  /**
   * Stores a request without steps, or with its first. `key`: the requester's idempotency key. Where the same requester has
   * used it before, nothing is stored and that one's request is returned. Rejects with `already-exists` when the id is
   * taken.
   */
  create(request: AccessRequest, key?: string): Promise<AccessRequest>;
  /**
   * Adds steps to a request that has exactly `after` steps: of two who decide at once, one finds another state and looks
   * again. Rejects with `conflict` when it has another number, changing nothing, and with `not-found`. On any other
   * rejection the steps may be there or not.
   */
  append(id: string, after: number, steps: readonly Step[]): Promise<void>;
  /** Rejects with `not-found`. */
  get(id: string): Promise<AccessRequest>;
}

/** Lists of requests. In the cloud a list may lag behind: whoever acts on a request `get`s it. */
export interface AccessCatalog {
  /** Newest first. */
  list(query: RequestQuery): Promise<RequestPage>;
}

export interface RequestQuery {
  /** By issuer and subject. */
  readonly requester?: Pick<Person, 'issuer' | 'subject'>;
  readonly target?: string;
  /** Only those that still matter then: see `openUntil`. */
  readonly openAt?: Date;
  readonly limit: number;
  /** Only requests older than this id. Whoever takes it from outside checks that it has the form of an id. */
  readonly cursor?: string;
}

export interface RequestPage {
  readonly requests: readonly AccessRequest[];
  /** The id of the last of them, where older ones follow. */
  readonly next?: string;
}

/**
 * What has been told about requests: the request itself is the first news, and each step is one more. Whoever dies between
 * a step and the news of it leaves them here for the next.
 */
export interface AccessOutbox {
  /** Requests of which something has not been told, with how much has been; at most `limit`; of all, or of this one. */
  untold(limit: number, id?: string): Promise<readonly Untold[]>;
  /** The first `count` news have been told. Never takes back. */
  told(id: string, count: number): Promise<void>;
}

export interface Untold {
  readonly request: AccessRequest;
  readonly told: number;
}

/** Sessions that somebody asked to end. */
export interface Terminations {
  /** When it returns, the wish is durable. The first for a session stands. */
  ask(termination: Termination): Promise<void>;
  /** Of these sessions, those that are to end. */
  asked(sessions: readonly string[]): Promise<readonly Termination[]>;
}

export interface Termination {
  readonly session: string;
  readonly by: Person;
  readonly at: string;
  readonly reason?: string;
}
