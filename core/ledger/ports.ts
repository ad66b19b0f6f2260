/** What the ledger needs from the world beside put-once objects (RecordingSink, RecordingSource). */

/** The newest checkpoint: the one thing of the ledger that changes. */
export interface LedgerHead {
  /** Undefined before the first. */
  read(): Promise<StoredHead | undefined>;
  /**
   * Replaces the head that `expected` names (undefined: there is none yet). When it returns, the new one is durable; its
   * version is what `read` says as long as it is the newest.
   * Rejects with `conflict` when another head is there, changing nothing. On any other rejection either may be there.
   */
  swap(expected: string | undefined, checkpoint: string): Promise<string>;
}

export interface StoredHead {
  /** A signed checkpoint. */
  readonly checkpoint: string;
  /** Names this head; opaque. Never used again for another. */
  readonly version: string;
}

/** Leaves on their way into the ledger. */
export interface LeafQueue {
  /**
   * When it returns, the leaf is durable and will be sequenced. Adding the same leaf again is no error and adds nothing, also
   * when it has left the queue meanwhile, for at least a week: who cannot know whether it was added may add it again.
   */
  add(leaf: Uint8Array): Promise<void>;
  /** Some of the leaves that are there, at most `limit`. */
  list(limit: number): Promise<readonly QueuedLeaf[]>;
  /** They are in the ledger. Ids that are not there any more are no error. */
  remove(ids: readonly string[]): Promise<void>;
}

export interface QueuedLeaf {
  /** The leaf hash (RFC 6962), in lower-case hexadecimal. */
  readonly id: string;
  readonly leaf: Uint8Array;
}

/** Where the leaves of a session, a run or a request are in the ledger, by its id: spares its readers the ledger from its start, who check what it says. */
export interface LeafPlaces {
  /** Durable when it returns. The same again is no error and changes nothing. */
  note(places: readonly LeafPlace[]): Promise<void>;
  /** Ascending. Sees every note before it; a place is noted before its leaf leaves the queue. */
  of(session: string): Promise<readonly number[]>;
}

/** The leaf number `index`, counted from 0, is about an opening or an end of `session`, or of the run or the request of that id. */
export interface LeafPlace {
  readonly session: string;
  readonly index: number;
}
