/** What recording needs from the world. Each has one contract suite in test/contract that runs on every adapter. */
import type { Head, OpenStatement } from './format.ts';
import type { Voucher } from './vouched.ts';

/** Where evidence is kept. The writer's side: a gateway needs nothing more. */
export interface RecordingSink {
  /**
   * Stores `bytes` under `key`. When it returns, the object is durable and can never be replaced.
   * Rejects with `already-exists`, leaving the first object as it was, when the key is taken. On any other
   * rejection the object may or may not exist, but never in part. Where the store can lock objects, this one is locked
   * from its first moment on: as `retention` says, or by the store's own rule.
   */
  put(key: string, bytes: Uint8Array, retention?: Retention): Promise<void>;
  /**
   * In one step, where a store can do that: the puts of all of them, in their order, and behind them a leaf on its way into the ledger.
   * When it returns, all of it is durable. Where a put is rejected the leaf is entered only if every object is stored all the same.
   * No object is longer than `ORDERED_MAX_BYTES`.
   */
  putEntered?(objects: readonly NamedObject[], leaf: Uint8Array): Promise<void>;
}

export type NamedObject = readonly [key: string, bytes: Uint8Array];

/** Statements and signatures are never longer. */
export const ORDERED_MAX_BYTES = 64 << 10;

/** How long an object can be neither deleted nor replaced: S3 Object Lock's mode, until when, and a legal hold beyond that. */
export type Retention = NonNullable<OpenStatement['retention']>;

/** The reader's side. */
export interface RecordingSource {
  /**
   * The names directly under `prefix` (empty, or it ends in `/`), without it, in ascending order. Empty when there are none.
   * Rejects with `state-damaged` when something is there that has no names under it.
   */
  list(prefix: string): Promise<readonly string[]>;
  /** What is listed under `prefix` with its size in bytes; of a name that is no object, a folder or something strange, -1. */
  sizes(prefix: string): Promise<ReadonlyMap<string, number>>;
  /**
   * The whole object. Rejects with `not-found`; with `format-invalid`, before it has read much more, when it is longer than
   * `atMost` bytes; and with `state-damaged` when something is there that is no object.
   */
  get(key: string, atMost?: number): Promise<Uint8Array>;
  /** Its size in bytes. Rejects with `not-found`, and with `state-damaged` when something is there that is no object. */
  size(key: string): Promise<number>;
}

/** Signs statements: KMS ECC_NIST_P256 in the cloud, a key file on a laptop. */
export interface Signer {
  /** ECDSA P-256 over SHA-256 of `message`, DER. Rejects when it cannot sign; it never returns something unsigned. */
  sign(message: Uint8Array): Promise<Uint8Array>;
  /** SubjectPublicKeyInfo, DER. */
  publicKey(): Promise<Uint8Array>;
}

/** New bytes of a segment that is still being filled. */
export interface JournalEntry {
  readonly session: string;
  readonly segment: number;
  /** Where `block` begins in the segment's content. */
  readonly offset: number;
  /** Whole blocks (FORMAT.md); none where the entry only ends its segment. */
  readonly block: Uint8Array;
  /** Of the content up to and including `block`: with it the content so far is a whole segment. */
  readonly head: Head;
  /** Who vouches for the head. The entries of one manifest come behind each other. */
  readonly voucher: Voucher;
}

/** The durable tail of segments that are still being filled. */
export interface Journal {
  /**
   * When it returns, all entries are durable. One call is one group commit for all sessions in it. It tries for as long as trying may
   * help and any session would wait; once it rejects, the entries may be there or not, and those of other calls hide behind none.
   * Up to `appendsAtOnce` may be under way, and end in any order: entries stand in the order in which `append` was called, and one of
   * which an earlier one is missing is there for nobody. So the caller calls nothing durable before it has heard of all earlier calls;
   * and where one of them failed, only the sessions in it fail, with what follows of theirs: a session's tail leans on no other's.
   */
  append(entries: readonly JournalEntry[]): Promise<void>;
  /** How many appends may be under way at once; one where it is not given. */
  readonly appendsAtOnce?: number;
  /**
   * How many bytes a second of one session it takes gladly. The blocks of one that brings more for longer go into the store as
   * segments, and never come here. Any number where it is not given.
   */
  readonly sessionBytesPerS?: number;
  /** The segment is in the store: its entries are no longer needed. Need not be durable. */
  release(session: string, segment: number): void;
}

/** A segment as far as the journal has it: content and the last head that fits it. */
export interface JournaledTail {
  readonly session: string;
  readonly segment: number;
  readonly content: Uint8Array;
  readonly head: Head;
  readonly voucher: Voucher;
}

/** What a dead gateway's journal still holds: of any length, and never whole in memory. */
export interface JournalRemains {
  /**
   * Gives every entry to `take`, those of one segment in the order in which they were appended, and waits for it each time.
   * Torn or damaged entries behind which nothing was acknowledged are left out. An entry's bytes are its own only until `take`
   * is done. Rejects as `take` does, and reads no further then.
   */
  read(take: TakeEntry): Promise<void>;
  /** Forgets everything that `read` gives, but never an entry of a session in `keep`; called when the others are sealed. */
  clear(keep?: ReadonlySet<string>): Promise<void>;
}

/** A promise is waited for. */
export type TakeEntry = (entry: JournalEntry) => void | Promise<void>;
