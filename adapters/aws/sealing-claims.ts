import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { SealingClaims } from '#core/recording/sealing-claims.ts';
import { isConditionFailed, reaching } from './failure.ts';
import type { CoordinationTable } from './task-leases.ts';

/** One item for each task that is being sealed. */
const SEALING = 'sealing';
/** DynamoDB removes what a sealer that died has left: long after it is over, as its own clock is nobody's business. */
const EXPIRES_AFTER_S = 24 * 3600;

/** Claims in DynamoDB: one conditional write each. */
export function dynamoSealingClaims(place: CoordinationTable): SealingClaims {
  return {
    claim: (...asked) => reaching('claim a task', () => claim(place, ...asked)),
    release: (task, holder) => reaching('release a task', () => release(place, task, holder)),
  };
}

async function claim(
  { dynamo, table }: CoordinationTable,
  task: string,
  holder: string,
  now: Date,
  until: Date,
): Promise<boolean> {
  const expires = Math.floor(until.getTime() / 1000) + EXPIRES_AFTER_S;
  const put = new PutCommand({
    TableName: table,
    Item: { kind: SEALING, name: task, holder, until: until.getTime(), expires },
    ConditionExpression: 'attribute_not_exists(kind) OR holder = :holder OR #until <= :now',
    ExpressionAttributeNames: { '#until': 'until' },
    ExpressionAttributeValues: { ':holder': holder, ':now': now.getTime() },
  });
  return dynamo.send(put).then(() => true, refusedOnly);
}

function refusedOnly(thrown: unknown): false {
  if (!isConditionFailed(thrown)) throw thrown;
  return false;
}

async function release({ dynamo, table }: CoordinationTable, task: string, holder: string): Promise<void> {
  const gone = new DeleteCommand({
    TableName: table,
    Key: { kind: SEALING, name: task },
    ConditionExpression: 'holder = :holder',
    ExpressionAttributeValues: { ':holder': holder },
  });
  await dynamo.send(gone).catch(refusedOnly);
}
