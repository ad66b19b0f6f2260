import { BatchWriteCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { decodeEntries, joinTail } from '#core/recording/journal-record.ts';
import type { JournalEntry, JournaledTail, JournalRemains } from '#core/recording/ports.ts';
import { reaching } from './failure.ts';
import { type JournalItem, type JournalTable, placeOf, SHARDS, streamOf } from './journal.ts';
import { queried } from './paging.ts';

/** Sorts behind all numbers: the last item of its shard, and says that nothing before it counts. */
const CLEARED = 'cleared';
const DELETES_AT_ONCE = 25;
const DELETE_TRIES = 8;

/** What a dead task's journal holds. The task is fenced: nothing is added while it is read. */
export function dynamoJournalRemains(place: JournalTable, task: string): JournalRemains {
  return {
    tails: () => reaching('read the journal', async () => tailsOf(await commitsOf(place, task))),
    clear: (keep = new Set()) => reaching('clear the journal', () => clear(place, task, keep)),
  };
}

/** Commits by number, each with its parts as far as they are there. */
type Commits = ReadonlyMap<number, readonly JournalItem[]>;

async function commitsOf(place: JournalTable, task: string): Promise<Commits> {
  const shards = Array.from({ length: SHARDS }, (_, shard) => streamOf(task, shard));
  const last = await Promise.all(shards.map((stream) => lastItem(place, stream)));
  const low = Math.max(0, ...last.map((item) => item?.low ?? 0));
  const items = await Promise.all(shards.map((stream) => itemsFrom(place, stream, placeOf(low))));
  const sorted = items.flat().toSorted((a, b) => (a.place < b.place ? -1 : 1));
  return Map.groupBy(sorted, ({ place: at }) => Number(at.split('/')[0]));
}

async function lastItem({ dynamo, table }: JournalTable, stream: string): Promise<JournalItem | undefined> {
  const page = await dynamo.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'stream = :stream',
      ExpressionAttributeValues: { ':stream': stream },
      ScanIndexForward: false,
      ConsistentRead: true,
      Limit: 1,
    }),
  );
  return page.Items?.[0] as JournalItem | undefined;
}

async function itemsFrom(
  { dynamo, table }: JournalTable,
  stream: string,
  from: string,
): Promise<JournalItem[]> {
  const items: JournalItem[] = [];
  const found = queried(dynamo, {
    TableName: table,
    KeyConditionExpression: 'stream = :stream AND place BETWEEN :from AND :until',
    ExpressionAttributeValues: { ':stream': stream, ':from': from, ':until': ':' },
    ConsistentRead: true,
  });
  for await (const item of found) items.push(item as unknown as JournalItem);
  return items;
}

function tailsOf(commits: Commits): JournaledTail[] {
  const tails = new Map<string, JournaledTail>();
  for (const parts of commits.values()) for (const entry of entriesOf(parts)) joinTail(tails, entry);
  return [...tails.values()];
}

/** Up to the first part that is missing. */
function entriesOf(items: readonly JournalItem[]): Iterable<JournalEntry> {
  const whole = items.findIndex(({ place }, n) => Number(place.split('/')[1]) !== n);
  const there = whole === -1 ? items : items.slice(0, whole);
  return decodeEntries(Buffer.concat(there.map(({ bytes }) => bytes)));
}

async function clear(place: JournalTable, task: string, keep: ReadonlySet<string>): Promise<void> {
  const commits = await commitsOf(place, task);
  const needed = [...commits].filter(([, items]) =>
    [...entriesOf(items)].some(({ session }) => keep.has(session)),
  );
  if (needed.length === 0) return markCleared(place, task, Math.max(-1, ...commits.keys()) + 1);
  const kept = new Set(needed.map(([commit]) => commit));
  const gone = [...commits].filter(([commit]) => !kept.has(commit)).flatMap(([, items]) => items);
  for (let at = 0; at < gone.length; at += DELETES_AT_ONCE) {
    await deleteAll(place, gone.slice(at, at + DELETES_AT_ONCE));
  }
}

async function markCleared({ dynamo, table }: JournalTable, task: string, low: number): Promise<void> {
  const Item = { stream: streamOf(task, 0), place: CLEARED, low };
  await dynamo.send(new PutCommand({ TableName: table, Item }));
}

async function deleteAll({ dynamo, table }: JournalTable, items: readonly JournalItem[]): Promise<void> {
  let left = items.map(({ stream, place }) => ({ DeleteRequest: { Key: { stream, place } } }));
  for (let tries = 0; left.length > 0; tries += 1) {
    if (tries === DELETE_TRIES) throw new Error(`${left.length} items of the journal could not be deleted`);
    const { UnprocessedItems = {} } = await dynamo.send(
      new BatchWriteCommand({ RequestItems: { [table]: left } }),
    );
    left = (UnprocessedItems[table] ?? []) as typeof left;
  }
}
