import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { inBatches } from '#core/in-batches.ts';
import { leafHash } from '#core/ledger/merkle.ts';
import type { LeafQueue, QueuedLeaf } from '#core/ledger/ports.ts';
import { awsFailure, reaching, transactionReasons } from './failure.ts';
import { queried } from './paging.ts';
import type { CoordinationTable } from './task-leases.ts';

/** The queue's partitions: one takes a thousand leaves a second. */
const SHARDS = 16;
const PAGE_MAX = 1_000;
/** A leaf that has left stays known for longer than the week that the port asks for. */
const KNOWN_S = 30 * 24 * 3600;
const AT_ONCE = 16;
const TRIES = 10;
const PAUSE_MS = 20;

export interface LeafQueuePlace extends CoordinationTable {
  readonly now: () => Date;
}

/**
 * Leaves on their way into the ledger, in DynamoDB: in the queue, then known as done; moving is one transaction, and every read
 * is consistent, so that no leaf is sequenced twice.
 */
export function dynamoLeafQueue(place: LeafQueuePlace): LeafQueue {
  return {
    add: (leaf) => add(place, leaf),
    list: (limit) => reaching('list queued leaves', () => list(place, limit)),
    remove: async (ids) => void (await inBatches(ids, AT_ONCE, (id) => remove(place, id))),
  };
}

async function add(place: LeafQueuePlace, leaf: Uint8Array): Promise<void> {
  const { table } = place;
  const id = leafHash(leaf).toString('hex');
  const absent = { TableName: table, ConditionExpression: 'attribute_not_exists(kind)' };
  await moving(place, 'queue a leaf', [
    { ConditionCheck: { ...absent, Key: doneKey(id) } },
    { Put: { ...absent, Item: { ...queuedKey(id), leaf } } },
  ]);
}

/** Twice the same is no error: then the first condition of the two does not hold. */
async function remove(place: LeafQueuePlace, id: string): Promise<void> {
  const { table, now } = place;
  const expires = Math.floor(now().getTime() / 1000) + KNOWN_S;
  await moving(place, 'take a leaf off the queue', [
    { Delete: { TableName: table, Key: queuedKey(id), ConditionExpression: 'attribute_exists(kind)' } },
    { Put: { TableName: table, Item: { ...doneKey(id), expires } } },
  ]);
}

/** A transaction whose condition does not hold has nothing to do any more; one that met another is tried again. */
async function moving(
  { dynamo }: LeafQueuePlace,
  what: string,
  TransactItems: NonNullable<ConstructorParameters<typeof TransactWriteCommand>[0]['TransactItems']>,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return void (await dynamo.send(new TransactWriteCommand({ TransactItems })));
    } catch (thrown) {
      const reasons = transactionReasons(thrown) ?? [];
      if (reasons.includes('ConditionalCheckFailed')) return;
      if (!reasons.includes('TransactionConflict') || tries === TRIES) throw awsFailure(thrown, what);
      await new Promise((resume) => setTimeout(resume, PAUSE_MS * tries));
    }
  }
}

async function list(place: LeafQueuePlace, limit: number): Promise<readonly QueuedLeaf[]> {
  const leaves: QueuedLeaf[] = [];
  for (let shard = 0; shard < SHARDS && leaves.length < limit; shard += 1) {
    leaves.push(...(await listShard(place, shard, limit - leaves.length)));
  }
  return leaves;
}

async function listShard(
  { dynamo, table }: LeafQueuePlace,
  shard: number,
  limit: number,
): Promise<QueuedLeaf[]> {
  const found: QueuedLeaf[] = [];
  const leaves = queried(dynamo, {
    TableName: table,
    KeyConditionExpression: 'kind = :queue',
    ExpressionAttributeValues: { ':queue': `queue/${shard}` },
    ConsistentRead: true,
    Limit: Math.min(PAGE_MAX, limit),
  });
  for await (const { name, leaf } of leaves) {
    found.push({ id: name as string, leaf: leaf as Uint8Array });
    if (found.length === limit) break;
  }
  return found;
}

function queuedKey(id: string): { readonly kind: string; readonly name: string } {
  return { kind: `queue/${Number.parseInt(id.slice(0, 1), 16) % SHARDS}`, name: id };
}

function doneKey(id: string): { readonly kind: string; readonly name: string } {
  return { kind: `done/${id}`, name: id };
}
