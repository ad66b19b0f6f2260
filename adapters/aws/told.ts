import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { AccessTable } from './access-item.ts';
import { holds, named, valued } from './expression.ts';

/** All that there is to tell has been told, unless steps were added meanwhile. `Key`: of a record with `steps`, `told` and `untold`. */
export async function markTold(
  { dynamo, table }: AccessTable,
  Key: Readonly<Record<string, unknown>>,
  count: number,
): Promise<void> {
  const update = (UpdateExpression: string, ConditionExpression: string, ...names: readonly string[]) =>
    dynamo.send(
      new UpdateCommand({
        TableName: table,
        Key,
        UpdateExpression,
        ConditionExpression,
        ExpressionAttributeNames: named('told', ...names),
        ExpressionAttributeValues: valued({ count }),
      }),
    );
  const all = update(
    'SET #told = :count REMOVE #untold',
    '#told < :count AND #steps < :count',
    'steps',
    'untold',
  );
  if (!(await holds(all))) await holds(update('SET #told = :count', '#told < :count'));
}
