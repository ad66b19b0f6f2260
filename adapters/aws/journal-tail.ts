import { GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { decodeEntries } from '#core/recording/journal-record.ts';
import type { JournalTail, JournalTails } from '#core/recording/live/ports.ts';
import type { JournalEntry } from '#core/recording/ports.ts';
import { reaching } from './failure.ts';
import { type JournalItem, type JournalTable, placeOf, SHARDS, streamOf } from './journal.ts';

/** Of each shard at a time: with parts of 384 KiB, 24 MiB in all at most. */
const ITEMS_AT_ONCE = 2;
/** Entries of one answer hold about as much. */
const ENOUGH_BYTES = 1 << 20;

/** Journals of running tasks in DynamoDB. A look is one query for each shard: what there is now, and nothing is written. */
export function dynamoJournalTails(place: JournalTable): JournalTails {
  return { follow: (task, session) => new DynamoTail(place, task, session) };
}

class DynamoTail implements JournalTail {
  readonly #place: JournalTable;
  readonly #task: string;
  readonly #session: string;
  /** The commit that comes next; undefined before the first look. */
  #next: number | undefined;
  /** What was read and not given yet. */
  #entries: JournalEntry[] = [];

  constructor(place: JournalTable, task: string, session: string) {
    this.#place = place;
    this.#task = task;
    this.#session = session;
  }

  read(): Promise<readonly JournalEntry[]> {
    return reaching('read the journal', () => this.#read());
  }

  async close(): Promise<void> {
    this.#entries = [];
  }

  async #read(): Promise<readonly JournalEntry[]> {
    this.#next ??= await this.#firstNeeded();
    while (this.#entries.length === 0) if (!(await this.#look())) return [];
    let bytes = 0;
    const count = this.#entries.findIndex(({ block }) => (bytes += block.byteLength) >= ENOUGH_BYTES);
    return this.#entries.splice(0, count === -1 ? this.#entries.length : count + 1);
  }

  /** Before it nothing is held that is not in the store. */
  async #firstNeeded(): Promise<number> {
    const last = await Promise.all(this.#shards((stream) => this.#itemsOf(stream, '', { newest: true })));
    return Math.max(0, ...last.flat().map(({ low }) => low));
  }

  /** False where nothing has been added. */
  async #look(): Promise<boolean> {
    const from = placeOf(this.#next!);
    const found = await Promise.all(this.#shards((stream) => this.#itemsOf(stream, from, {})));
    const items = found.flat();
    const commits = Map.groupBy(items, commitOf);
    const newest = Math.max(-1, ...commits.keys());
    // Of a shard that has more than was asked for, commits behind its last item are not known to be missing.
    const known = Math.min(
      newest,
      ...found.filter((of) => of.length === ITEMS_AT_ONCE).map((of) => commitOf(of.at(-1)!)),
    );
    const over = Math.max(-1, ...items.map(overBefore));
    const before = this.#next!;
    while (this.#next! <= known) {
      const parts = await this.#partsOf(this.#next!, commits.get(this.#next!) ?? []);
      // It may be on its way still, and land behind others; where one says that it is over, this is all there will be of it.
      if (parts === undefined && this.#next! >= over) break;
      this.#add(parts ?? commits.get(this.#next!) ?? []);
      this.#next! += 1;
    }
    return this.#next! > before;
  }

  /** All parts of a commit; undefined where one is missing now: its shard was looked at before those that tell that it is over. */
  async #partsOf(commit: number, found: readonly JournalItem[]): Promise<readonly JournalItem[] | undefined> {
    const parts: JournalItem[] = [];
    for (let part = 0, count = 1; part < count; part += 1) {
      const there = found.find(({ place }) => place === placeOf(commit, part));
      const item = there ?? (await this.#itemAt(commit, part));
      if (item === undefined) return undefined;
      count = item.parts;
      parts.push(item);
    }
    return parts;
  }

  /** Up to the first part that is missing. */
  #add(items: readonly JournalItem[]): void {
    const sorted = items.toSorted((a, b) => (a.place < b.place ? -1 : 1));
    const gap = sorted.findIndex(({ place }, n) => Number(place.split('/')[1]) !== n);
    const there = gap === -1 ? sorted : sorted.slice(0, gap);
    for (const entry of decodeEntries(Buffer.concat(there.map(({ bytes }) => bytes))))
      if (entry.session === this.#session) this.#entries.push(entry);
  }

  #shards<T>(ask: (stream: string) => T): T[] {
    return Array.from({ length: SHARDS }, (_, shard) => ask(streamOf(this.#task, shard)));
  }

  async #itemsOf(stream: string, from: string, { newest = false }): Promise<JournalItem[]> {
    const { dynamo, table } = this.#place;
    const { Items = [] } = await dynamo.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'stream = :stream AND place BETWEEN :from AND :until',
        // Behind all numbers, and before the word that a sealer leaves.
        ExpressionAttributeValues: { ':stream': stream, ':from': from || '0', ':until': ':' },
        ConsistentRead: true,
        ScanIndexForward: !newest,
        Limit: newest ? 1 : ITEMS_AT_ONCE,
      }),
    );
    return Items as JournalItem[];
  }

  async #itemAt(commit: number, part: number): Promise<JournalItem | undefined> {
    const { dynamo, table } = this.#place;
    const Key = { stream: streamOf(this.#task, (commit + part) % SHARDS), place: placeOf(commit, part) };
    const { Item } = await dynamo.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
    return Item as JournalItem | undefined;
  }
}

function overBefore(item: JournalItem): number {
  return item.over ?? commitOf(item);
}

function commitOf({ place }: JournalItem): number {
  return Number(place.split('/')[0]);
}
