import { BatchWriteCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { RecordReader } from '#core/recording/journal-record.ts';
import type { JournalRemains, TakeEntry } from '#core/recording/ports.ts';
import { reaching } from './failure.ts';
import { type JournalItem, type JournalTable, SHARDS, streamOf } from './journal.ts';
import { itemsInOrder } from './journal-items.ts';

/** Sorts behind all numbers: the last item of its shard, and says that nothing before it counts. */
const CLEARED = 'cleared';
const DELETES_AT_ONCE = 25;
const DELETE_TRIES = 8;

/** What a dead task's journal holds. The task is fenced: nothing is added while it is read. */
export function dynamoJournalRemains(place: JournalTable, task: string): JournalRemains {
  return {
    read: (take) => reaching('read the journal', () => read(place, task, take)),
    clear: (keep = new Set()) => reaching('clear the journal', () => clear(place, task, keep)),
  };
}

async function read(place: JournalTable, task: string, take: TakeEntry): Promise<void> {
  const { low, isEmpty } = await extentOf(place, task);
  if (isEmpty) return;
  const commits = new CommitReader();
  for await (const item of itemsInOrder(place, task, low)) {
    for (const entry of commits.read(item)) {
      const done = take(entry);
      if (done !== undefined) await done;
    }
  }
}

/** Entries of commits, whose items come in order: of each up to the first part that is missing. */
class CommitReader {
  #commit = -1;
  #part = 0;
  #records = new RecordReader();

  *read({ place, bytes }: JournalItem) {
    const [commit, part] = place.split('/').map(Number) as [number, number];
    if (commit !== this.#commit) {
      this.#commit = commit;
      this.#part = 0;
      this.#records = new RecordReader();
    }
    if (part !== this.#part) return;
    this.#part += 1;
    yield* this.#records.read(bytes);
  }
}

interface Extent {
  /** The first commit that may hold what is needed. */
  readonly low: number;
  /** Behind the last one. */
  readonly end: number;
  readonly isEmpty: boolean;
}

async function extentOf(place: JournalTable, task: string): Promise<Extent> {
  const shards = Array.from({ length: SHARDS }, (_, shard) => streamOf(task, shard));
  const last = (await Promise.all(shards.map((stream) => lastItems(place, stream)))).flat();
  const low = Math.max(0, ...last.map((item) => item.low));
  const commits = last
    .filter((item) => item.place !== CLEARED)
    .map((item) => Number(item.place.split('/')[0]));
  const end = Math.max(-1, ...commits) + 1;
  return { low, end, isEmpty: end <= low };
}

/** A shard's last commit, and the word that a sealer left: not what is in them. */
async function lastItems(
  { dynamo, table }: JournalTable,
  stream: string,
): Promise<readonly Pick<JournalItem, 'place' | 'low'>[]> {
  const { Items = [] } = await dynamo.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'stream = :stream',
      ExpressionAttributeValues: { ':stream': stream },
      ProjectionExpression: '#place, #low',
      ExpressionAttributeNames: { '#place': 'place', '#low': 'low' },
      ScanIndexForward: false,
      ConsistentRead: true,
      Limit: 2,
    }),
  );
  return Items as Pick<JournalItem, 'place' | 'low'>[];
}

/** Up to the first commit that is still needed it is one word; what is needed no more behind that goes item by item. */
async function clear(place: JournalTable, task: string, keep: ReadonlySet<string>): Promise<void> {
  const { low, end, isEmpty } = await extentOf(place, task);
  if (isEmpty) return;
  if (keep.size === 0) return markCleared(place, task, end);
  let first: number | undefined;
  let gone: Keyed[] = [];
  for await (const { commit, items, isNeeded } of judged(place, task, low, keep)) {
    if (isNeeded) first ??= commit;
    else if (first !== undefined) gone.push(...items);
    for (; gone.length >= DELETES_AT_ONCE; gone = gone.slice(DELETES_AT_ONCE))
      await deleteAll(place, gone.slice(0, DELETES_AT_ONCE));
  }
  if (gone.length > 0) await deleteAll(place, gone);
  await markCleared(place, task, first ?? end);
}

type Keyed = Pick<JournalItem, 'stream' | 'place'>;

interface Judged {
  readonly commit: number;
  readonly items: readonly Keyed[];
  readonly isNeeded: boolean;
}

/** Commit by commit, whether it has an entry of a session in `keep`. */
async function* judged(
  place: JournalTable,
  task: string,
  low: number,
  keep: ReadonlySet<string>,
): AsyncGenerator<Judged> {
  const commits = new CommitReader();
  let open: { commit: number; items: Keyed[]; isNeeded: boolean } | undefined;
  for await (const item of itemsInOrder(place, task, low)) {
    const commit = Number(item.place.split('/')[0]);
    if (open !== undefined && open.commit !== commit) yield open;
    if (open?.commit !== commit) open = { commit, items: [], isNeeded: false };
    open.items.push({ stream: item.stream, place: item.place });
    for (const { session } of commits.read(item)) open.isNeeded ||= keep.has(session);
  }
  if (open !== undefined) yield open;
}

async function markCleared({ dynamo, table }: JournalTable, task: string, low: number): Promise<void> {
  const Item = { stream: streamOf(task, 0), place: CLEARED, low };
  await dynamo.send(new PutCommand({ TableName: table, Item }));
}

async function deleteAll({ dynamo, table }: JournalTable, items: readonly Keyed[]): Promise<void> {
  let left = items.map(({ stream, place }) => ({ DeleteRequest: { Key: { stream, place } } }));
  for (let tries = 0; left.length > 0; tries += 1) {
    if (tries === DELETE_TRIES) throw new Error(`${left.length} items of the journal could not be deleted`);
    const { UnprocessedItems = {} } = await dynamo.send(
      new BatchWriteCommand({ RequestItems: { [table]: left } }),
    );
    left = (UnprocessedItems[table] ?? []) as typeof left;
  }
}
