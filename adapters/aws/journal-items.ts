import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { Slots } from '#core/slots.ts';
import { type JournalItem, type JournalTable, placeOf, SHARDS, streamOf } from './journal.ts';

/**
 * Pages that are on their way at once. A page is 1 MB, and several times that while it is decoded.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
 */
const PAGES_AT_ONCE = 8;

/** The items of a task's journal from a commit on, in the order of commits and their parts. Of each shard, two pages are held. */
export async function* itemsInOrder(
  place: JournalTable,
  task: string,
  from: number,
): AsyncGenerator<JournalItem, void, undefined> {
  const pages = new Slots(PAGES_AT_ONCE);
  const shards = Array.from(
    { length: SHARDS },
    (_, shard) => new ShardReader(place, streamOf(task, shard), placeOf(from), pages),
  );
  try {
    await Promise.all(shards.map((shard) => shard.ready()));
    for (let next = first(shards); next !== undefined; next = first(shards)) {
      yield next.take();
      await next.ready();
    }
  } finally {
    for (const shard of shards) shard.leave();
  }
}

function first(shards: readonly ShardReader[]): ShardReader | undefined {
  let found: ShardReader | undefined;
  for (const shard of shards) {
    if (shard.place === undefined) continue;
    if (found?.place === undefined || shard.place < found.place) found = shard;
  }
  return found;
}

interface Page {
  readonly items: readonly JournalItem[];
  /** Where the next page begins; undefined where there is none. */
  readonly next: Readonly<Record<string, unknown>> | undefined;
}

/** One shard, a page ahead. */
class ShardReader {
  readonly #table: JournalTable;
  readonly #stream: string;
  readonly #from: string;
  readonly #pages: Slots;
  #items: readonly JournalItem[] = [];
  #at = 0;
  #coming: Promise<Page> | undefined;

  constructor(table: JournalTable, stream: string, from: string, pages: Slots) {
    this.#table = table;
    this.#stream = stream;
    this.#from = from;
    this.#pages = pages;
    this.#coming = this.#ask(undefined);
  }

  /** Of the item that is next; undefined where there is none any more. */
  get place(): string | undefined {
    return this.#items[this.#at]?.place;
  }

  take(): JournalItem {
    const item = this.#items[this.#at]!;
    this.#at += 1;
    return item;
  }

  /** Waits for the next page where this one has been taken. */
  async ready(): Promise<void> {
    while (this.#at === this.#items.length && this.#coming !== undefined) {
      const { items, next } = await this.#coming;
      this.#items = items;
      this.#at = 0;
      this.#coming = next === undefined ? undefined : this.#ask(next);
    }
  }

  /** Nobody waits for what is on its way. */
  leave(): void {
    this.#coming = undefined;
  }

  #ask(after: Page['next']): Promise<Page> {
    const coming = this.#pages.hold(() => this.#query(after));
    // It is looked at when it is needed.
    coming.catch(() => undefined);
    return coming;
  }

  async #query(after: Page['next']): Promise<Page> {
    const { dynamo, table } = this.#table;
    const { Items = [], LastEvaluatedKey } = await dynamo.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'stream = :stream AND place BETWEEN :from AND :until',
        // Behind all numbers, and before the word that a sealer leaves.
        ExpressionAttributeValues: { ':stream': this.#stream, ':from': this.#from, ':until': ':' },
        ConsistentRead: true,
        ExclusiveStartKey: after,
      }),
    );
    return { items: Items as JournalItem[], next: LastEvaluatedKey };
  }
}
