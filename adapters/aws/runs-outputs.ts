import { createHash } from 'node:crypto';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { CustodyError } from '#core/errors.ts';
import { decodeOutputs, encodeOutputs } from '#core/tasks/output-digests.ts';
import type { OutputDigests, RunOutputs } from '#core/tasks/store.ts';
import { holds, named, valued } from './expression.ts';
import { reaching } from './failure.ts';
import { queried } from './paging.ts';
import type { RunsTable } from './runs-item.ts';

/** DynamoDB's limit is 400 KB an item, its names included. */
const PART_BYTES = 384 << 10;
/** A run lasts 30 days at most, and a task in it as long again; whoever looks later derives them of the recording. */
const KEPT_S = 90 * 24 * 3600;

interface HeadItem {
  readonly parts: number;
  readonly sha256: string;
}

/**
 * Digests of outputs in parts, under their own hash; the head that names them is put once, behind them. So nobody reads what is not
 * there as a whole, and two who put at once put beside each other.
 */
export function dynamoRunOutputs(place: RunsTable, now: () => Date): RunOutputs {
  return {
    put: (run, session, outputs) =>
      reaching('keep digests of outputs', () => put(place, run, session, encodeOutputs(outputs), now())),
    get: (run, session) => reaching('look for digests of outputs', () => get(place, run, session)),
  };
}

async function put(
  { dynamo, table }: RunsTable,
  run: string,
  session: string,
  bytes: Buffer,
  now: Date,
): Promise<void> {
  const expires = Math.floor(now.getTime() / 1000) + KEPT_S;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const parts = Math.ceil(bytes.byteLength / PART_BYTES);
  for (let part = 0; part < parts; part += 1) {
    const content = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
    const key = { kind: partsOf(run, session, sha256), id: String(part).padStart(4, '0') };
    await dynamo.send(new PutCommand({ TableName: table, Item: { ...key, bytes: content, expires } }));
  }
  const head = new PutCommand({
    TableName: table,
    Item: { ...headOf(run, session), parts, sha256, expires } satisfies HeadItem & Record<string, unknown>,
    ConditionExpression: 'attribute_not_exists(#kind)',
    ExpressionAttributeNames: named('kind'),
  });
  await holds(dynamo.send(head));
}

async function get(place: RunsTable, run: string, session: string): Promise<OutputDigests | undefined> {
  const { dynamo, table } = place;
  const Key = headOf(run, session);
  const { Item } = await dynamo.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
  if (Item === undefined) return undefined;
  const head = Item as unknown as HeadItem;
  const bytes = await partsBehind(place, partsOf(run, session, head.sha256));
  if (createHash('sha256').update(bytes).digest('hex') === head.sha256) return decodeOutputs(bytes);
  throw new CustodyError('state-damaged', `the outputs of session ${session} are not what was kept`);
}

async function partsBehind({ dynamo, table }: RunsTable, kind: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const items = queried<{ readonly bytes: Uint8Array }>(dynamo, {
    TableName: table,
    KeyConditionExpression: '#kind = :kind',
    ExpressionAttributeNames: named('kind'),
    ExpressionAttributeValues: valued({ kind }),
    ConsistentRead: true,
  });
  for await (const { bytes } of items) parts.push(bytes);
  return Buffer.concat(parts);
}

function headOf(run: string, session: string): { readonly kind: string; readonly id: string } {
  return { kind: `outputs/${run}`, id: session };
}

function partsOf(run: string, session: string, sha256: string): string {
  return `outputs/${run}/${session}/${sha256}`;
}
