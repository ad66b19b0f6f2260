import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { encodeEntries } from '#core/recording/journal-record.ts';
import type { Journal, JournalEntry } from '#core/recording/ports.ts';
import { reaching } from './failure.ts';
import { type Patience, patienceFor, patiently } from './patience.ts';

/** DynamoDB's limit is 400 KB an item, its names included. */
const PART_BYTES = 384 << 10;
/**
 * Of one session, a second. A put into the store costs as much as 8 KB of this, but takes ten times as long; and the table is every
 * task's. So what a transfer brings goes there, and what people do comes here.
 */
const SESSION_BYTES_PER_S = 2 << 20;
/** One partition takes 1 MB a second: a task's commits go round these. */
export const SHARDS = 32;
/**
 * One at a time, a statement waits for the commit before its own as well: for two puts and not for one. With four, a place is free
 * within a quarter of a put; with more, a statement would save little, and what comes together would cost an item each.
 */
const APPENDS_AT_ONCE = 4;
/**
 * As long as any session's deadline may be (core/access/target-schema.ts): whoever waits is ended by its own, and by nothing here.
 * Throttling and a brownout are waited out.
 */
const PATIENCE_MS = 60_000;
/** Nobody seals after that: unsealed sessions alarm within minutes. */
const KEPT_S = 14 * 24 * 3600;

export interface JournalTable {
  readonly dynamo: DynamoDBDocumentClient;
  readonly table: string;
}

/**
 * One item of a commit. `low`: the first commit that still holds what is not in the store: every item says so, and what lies
 * before it needs no deleting, which would cost as much as the writing did. DynamoDB removes it for nothing.
 */
export interface JournalItem {
  readonly stream: string;
  readonly place: string;
  readonly low: number;
  /** The first commit that was under way when this one began: what is missing before it comes no more. Itself, where it is not said. */
  readonly over?: number;
  /** How many parts the commit has. */
  readonly parts: number;
  readonly bytes: Uint8Array;
  readonly expires: number;
}

/**
 * The journal of one task in DynamoDB: a commit holds the entries of all sessions, so that a thousand quiet sessions cost a
 * few items a tick and not a thousand. `now`: for when items may go.
 */
export function dynamoJournal(
  place: JournalTable,
  task: string,
  now: () => Date,
  patience = patienceFor(PATIENCE_MS),
): Journal {
  return new DynamoJournal(place, task, now, patience);
}

export function streamOf(task: string, shard: number): string {
  return `${task}/${shard}`;
}

/** Sorts as the numbers do. */
export function placeOf(commit: number, part = 0): string {
  return `${String(commit).padStart(12, '0')}/${String(part).padStart(4, '0')}`;
}

class DynamoJournal implements Journal {
  readonly sessionBytesPerS = SESSION_BYTES_PER_S;
  readonly appendsAtOnce = APPENDS_AT_ONCE;
  readonly #place: JournalTable;
  readonly #task: string;
  readonly #now: () => Date;
  readonly #patience: Patience;
  /** Commits that hold something that is not in the store, oldest first: which segments. */
  readonly #held = new Map<number, Set<string>>();
  /** Commits under way, oldest first. */
  readonly #underWay = new Set<number>();
  #next = 0;

  constructor(place: JournalTable, task: string, now: () => Date, patience: Patience) {
    this.#place = place;
    this.#task = task;
    this.#now = now;
    this.#patience = patience;
  }

  /** A commit of which a part is missing is read up to there: what was not acknowledged hides nothing. */
  async append(entries: readonly JournalEntry[]): Promise<void> {
    const commit = this.#next++;
    this.#held.set(commit, new Set(entries.map(({ session, segment }) => heldKey(session, segment))));
    this.#underWay.add(commit);
    const items = this.#items(commit, encodeEntries(entries));
    try {
      await reaching('append to the journal', () => Promise.all(items.map((item) => this.#put(item))));
    } finally {
      this.#underWay.delete(commit);
    }
  }

  release(session: string, segment: number): void {
    const key = heldKey(session, segment);
    for (const [commit, segments] of this.#held) {
      segments.delete(key);
      if (segments.size === 0) this.#held.delete(commit);
    }
  }

  #items(commit: number, bytes: Buffer): JournalItem[] {
    const [low = commit] = this.#held.keys();
    const [over] = this.#underWay;
    const parts = Math.ceil(bytes.byteLength / PART_BYTES);
    const expires = Math.floor(this.#now().getTime() / 1000) + KEPT_S;
    return Array.from({ length: parts }, (_, part) => ({
      stream: streamOf(this.#task, (commit + part) % SHARDS),
      place: placeOf(commit, part),
      low,
      ...(over === commit ? {} : { over }),
      parts,
      bytes: bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
      expires,
    }));
  }

  /** The same item each time: one whose answer was lost is not there twice. */
  async #put(item: JournalItem): Promise<void> {
    const { dynamo, table } = this.#place;
    await patiently(() => dynamo.send(new PutCommand({ TableName: table, Item: item })), this.#patience);
  }
}

function heldKey(session: string, segment: number): string {
  return `${session}/${segment}`;
}
