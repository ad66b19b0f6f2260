import { PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { reaching } from './failure.ts';
import type { CoordinationTable } from './task-leases.ts';

const REVISIONS = 'revisions';
/** A revision that no task has told of for so long is gone: a deployment that was rolled back makes nobody old. */
const ALIVE_MS = 5 * 60_000;
const KEPT_S = 24 * 3600;

/**
 * Says that a task of this revision of the task definition takes sessions, and resolves with the newest revision that does. To be
 * called every minute.
 */
export function tellRevision({ dynamo, table }: CoordinationTable, own: number, now: Date): Promise<number> {
  return reaching('tell the revision', async () => {
    const [seenAt, expires] = [now.getTime(), Math.floor(now.getTime() / 1000) + KEPT_S];
    const Item = { kind: REVISIONS, name: String(own), seenAt, expires };
    await dynamo.send(new PutCommand({ TableName: table, Item }));
    const query = {
      TableName: table,
      KeyConditionExpression: 'kind = :revisions',
      ExpressionAttributeValues: { ':revisions': REVISIONS },
      ConsistentRead: true,
    };
    const { Items = [] } = await dynamo.send(new QueryCommand(query));
    const alive = Items.filter((item) => seenAt - (item['seenAt'] as number) < ALIVE_MS);
    return Math.max(own, ...alive.map(({ name }) => Number(name)));
  });
}
