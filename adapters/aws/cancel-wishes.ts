import { DeleteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { CancelWishes } from '#core/protocols/cancel-wishes.ts';
import { reaching } from './failure.ts';
import type { CoordinationTable } from './task-leases.ts';

const ISSUED_S = 30 * 24 * 3600;
const WISH_S = 3600;
const NAME = 'task';
/** Whoever cancels may have connected this moment: their login does not wait until their key is known here. */
const MADE_KNOWN_MS = 1_000;

export interface CancelTimes {
  readonly now: () => Date;
  readonly pause: (ms: number) => Promise<void>;
}

/** Cancel requests between tasks, through DynamoDB. A key is known by its hash alone, so that the table opens nothing. */
export function dynamoCancelWishes(
  { dynamo, table }: CoordinationTable,
  task: string,
  { now, pause }: CancelTimes,
): CancelWishes {
  const expires = (seconds: number): number => Math.floor(now().getTime() / 1000) + seconds;
  const issued = (key: string) => ({ kind: `cancel-key/${key}`, name: NAME });
  const wished = (of: string) => `cancel-wish/${of}`;
  return {
    issued: async (key) => {
      const Item = { ...issued(key), task, expires: expires(ISSUED_S) };
      await reaching('issue a cancel key', () => dynamo.send(new PutCommand({ TableName: table, Item })));
    },
    revoked: async (key) => {
      const command = new DeleteCommand({ TableName: table, Key: issued(key) });
      await reaching('revoke a cancel key', () => dynamo.send(command));
    },
    wish: (key, from) =>
      reaching('pass a cancel request on', async () => {
        const find = async (): Promise<string | undefined> => {
          const get = new GetCommand({ TableName: table, Key: issued(key), ConsistentRead: true });
          return (await dynamo.send(get)).Item?.['task'] as string | undefined;
        };
        const holder = (await find()) ?? (await pause(MADE_KNOWN_MS).then(find));
        if (holder === undefined) return;
        const wish = { kind: wished(holder), name: key, from, expires: expires(WISH_S) };
        await dynamo.send(new PutCommand({ TableName: table, Item: wish }));
      }),
    taken: () =>
      reaching('look for cancel requests', async () => {
        const page = await dynamo.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: 'kind = :mine',
            ExpressionAttributeValues: { ':mine': wished(task) },
            ConsistentRead: true,
          }),
        );
        const taken = [];
        const troubles: unknown[] = [];
        // Taken off first: a cancel that is told twice could hit the next statement. What cannot be is seen again.
        for (const { kind, name, from } of page.Items ?? []) {
          try {
            await dynamo.send(new DeleteCommand({ TableName: table, Key: { kind, name } }));
            taken.push({ key: name as string, from: from as string });
          } catch (trouble) {
            troubles.push(trouble);
          }
        }
        // Where none can be taken off, that is not the same as none being there.
        if (taken.length === 0 && troubles.length > 0) throw troubles[0];
        return taken;
      }),
  };
}
