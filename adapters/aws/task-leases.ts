import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { type LeaseBook, leaseLost, type TaskLease, type TaskLeases } from '#core/recording/leases.ts';
import { awsFailure, isConditionFailed, reaching, transactionReasons } from './failure.ts';

/** Leases of tasks that are not forgotten: one partition, a handful of items. */
const LEASES = 'leases';
/** A task that was fenced, for ever: nothing removes these items. */
const fencedKind = (task: string): string => `fenced/${task}`;
const NAME = 'task';

export interface CoordinationTable {
  readonly dynamo: DynamoDBDocumentClient;
  readonly table: string;
}

/** Leases in DynamoDB. Every read is consistent, and durable is what DynamoDB has taken. */
export function dynamoLeases(place: CoordinationTable): TaskLeases & LeaseBook {
  return {
    renew: (task, until) => renew(place, task, until),
    endedBefore: (time) => reaching('look for ended leases', () => endedBefore(place, time)),
    fence: (seen) => fence(place, seen),
    forget: (task) => reaching('forget a task', () => forget(place, task)),
  };
}

/** In one transaction with the look at the fence: a task that was fenced and forgotten does not come back either. */
async function renew({ dynamo, table }: CoordinationTable, task: string, until: Date): Promise<void> {
  try {
    await dynamo.send(
      new TransactWriteCommand({
        TransactItems: [
          {
            ConditionCheck: {
              TableName: table,
              Key: { kind: fencedKind(task), name: NAME },
              ConditionExpression: 'attribute_not_exists(kind)',
            },
          },
          { Put: { TableName: table, Item: { kind: LEASES, name: task, until: until.getTime() } } },
        ],
      }),
    );
  } catch (thrown) {
    if (transactionReasons(thrown)?.[0] === 'ConditionalCheckFailed') throw leaseLost(task);
    throw awsFailure(thrown, 'renew the lease');
  }
}

async function endedBefore({ dynamo, table }: CoordinationTable, time: Date): Promise<readonly TaskLease[]> {
  const page = await dynamo.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'kind = :leases',
      ExpressionAttributeValues: { ':leases': LEASES },
      ConsistentRead: true,
    }),
  );
  return (page.Items ?? [])
    .filter(({ fenced, until }) => fenced === true || (until as number) < time.getTime())
    .map(({ name, until }) => ({ task: name as string, until: new Date(until as number) }));
}

/** The lease as it was seen and the fence change together: a renewal in between finds no fence, and undoes this one's. */
async function fence({ dynamo, table }: CoordinationTable, { task, until }: TaskLease): Promise<boolean> {
  try {
    await dynamo.send(
      new TransactWriteCommand({
        TransactItems: [
          {
            Update: {
              TableName: table,
              Key: { kind: LEASES, name: task },
              UpdateExpression: 'SET fenced = :yes',
              ConditionExpression: 'fenced = :yes OR #until = :until',
              ExpressionAttributeNames: { '#until': 'until' },
              ExpressionAttributeValues: { ':yes': true, ':until': until.getTime() },
            },
          },
          { Put: { TableName: table, Item: { kind: fencedKind(task), name: NAME } } },
        ],
      }),
    );
    return true;
  } catch (thrown) {
    if (transactionReasons(thrown)?.[0] === 'ConditionalCheckFailed') return false;
    throw awsFailure(thrown, 'fence a task');
  }
}

async function forget({ dynamo, table }: CoordinationTable, task: string): Promise<void> {
  await dynamo
    .send(
      new DeleteCommand({
        TableName: table,
        Key: { kind: LEASES, name: task },
        ConditionExpression: 'fenced = :yes',
        ExpressionAttributeValues: { ':yes': true },
      }),
    )
    .catch((thrown: unknown) => {
      if (!isConditionFailed(thrown)) throw thrown;
    });
}
