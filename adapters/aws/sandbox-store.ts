import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type { SandboxStore } from '#core/sandboxes/ports.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';
import type { AccessTable } from './access-item.ts';
import { holds, named, valued } from './expression.ts';
import { reaching } from './failure.ts';
import { queried } from './paging.ts';

const KIND = 'sandbox';
/** Of which nothing is left: for whoever looks at one of lately. */
const KEPT_S = 7 * 86_400;

/** Sandboxes in the table of requests: there are few, and all are in one partition, so that a look at them is consistent. */
export function dynamoSandboxes(place: AccessTable): SandboxStore {
  return {
    create: (sandbox) => reaching('store a sandbox', () => create(place, sandbox)),
    change: (sandbox) => reaching('change a sandbox', () => change(place, sandbox)),
    get: (id) => reaching('look a sandbox up', () => get(place, id)),
    present: () => reaching('look for sandboxes', () => present(place)),
  };
}

async function create({ dynamo, table }: AccessTable, sandbox: Sandbox): Promise<void> {
  const put = new PutCommand({
    TableName: table,
    Item: itemOf(sandbox),
    ConditionExpression: 'attribute_not_exists(#id)',
    ExpressionAttributeNames: named('id'),
  });
  if (await holds(dynamo.send(put))) return;
  throw new CustodyError('already-exists', 'there is such a sandbox already');
}

async function change({ dynamo, table }: AccessTable, sandbox: Sandbox): Promise<void> {
  const put = new PutCommand({
    TableName: table,
    Item: itemOf(sandbox),
    ConditionExpression: '#version = :before',
    ExpressionAttributeNames: named('version'),
    ExpressionAttributeValues: valued({ before: sandbox.version - 1 }),
  });
  if (await holds(dynamo.send(put))) return;
  throw new CustodyError('conflict', 'somebody else changed the sandbox');
}

async function get({ dynamo, table }: AccessTable, id: string): Promise<Sandbox> {
  const Key = { kind: KIND, id };
  const { Item } = await dynamo.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
  if (Item === undefined) throw new CustodyError('not-found', 'no such sandbox');
  return sandboxIn(Item);
}

async function present({ dynamo, table }: AccessTable): Promise<readonly Sandbox[]> {
  const found: Sandbox[] = [];
  const items = queried(dynamo, {
    TableName: table,
    KeyConditionExpression: '#kind = :kind',
    FilterExpression: '#gone = :no',
    ExpressionAttributeNames: named('kind', 'gone'),
    ExpressionAttributeValues: valued({ kind: KIND, no: false }),
    ConsistentRead: true,
  });
  for await (const item of items) found.push(sandboxIn(item));
  return found;
}

function itemOf(sandbox: Sandbox): Record<string, unknown> {
  const { id, version, gone, until } = sandbox;
  const expires = Math.ceil(Date.parse(until) / 1000) + KEPT_S;
  const item = { kind: KIND, id, version, gone, sandbox: JSON.stringify(sandbox) };
  return gone ? { ...item, expires } : item;
}

function sandboxIn(item: Readonly<Record<string, unknown>>): Sandbox {
  return parseJson(item['sandbox'] as string) as Sandbox;
}
