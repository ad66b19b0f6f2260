import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { News } from '#core/access/news.ts';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import {
  type DeadLetter,
  type DeadLetters,
  type Delivery,
  type DeliveryIntake,
  type DeliveryQueue,
  deliveryId,
  type Next,
  type TakeWish,
} from '#core/notify/deliveries.ts';
import { holds, named, valued } from './expression.ts';
import { reaching } from './failure.ts';
import { queried } from './paging.ts';

/** What was delivered stays known for as long: nobody adds it again after that. */
const KNOWN_S = 90 * 24 * 3600;
/** No delivery's id, which has a slash: the webhooks that ever got one. */
const WEBHOOKS = 'webhooks';

interface DeliveriesTable {
  readonly dynamo: DynamoDBDocumentClient;
  readonly table: string;
  readonly order: () => string;
}

interface Item {
  readonly id: string;
  readonly webhook: string;
  readonly news: string;
  readonly failures: number;
  /** When it is due: see `digits`. */
  readonly due: string;
  readonly problem?: string;
}

/**
 * Deliveries in DynamoDB. What is due and what is dead is in an index each, which may lag: it proposes, and a conditional
 * write on the item decides, so that nobody takes what another has. `now`: for the order in which they were added.
 */
export function dynamoDeliveries(
  dynamo: DynamoDBDocumentClient,
  table: string,
  now: () => Date = () => new Date(),
): DeliveryIntake & DeliveryQueue & DeadLetters {
  const place = { dynamo, table, order: orderBy(now) };
  return {
    add: (news, webhooks) => reaching('add deliveries', () => add(place, news, webhooks)),
    take: (wish) => reaching('take deliveries', () => take(place, wish)),
    delivered: (id) => reaching('note a delivery', () => delivered(place, id, now())),
    failed: (id, next, problem) => reaching('note a failed delivery', () => failed(place, id, next, problem)),
    dead: (limit, after) => reaching('list dead letters', () => dead(place, limit, after)),
    again: (id, at) => reaching('revive a dead letter', () => again(place, id, at)),
  };
}

/** Texts that sort as they were made. */
function orderBy(now: () => Date): () => string {
  let made = 0;
  return () => `${digits(now().getTime())}/${String((made += 1)).padStart(9, '0')}`;
}

async function add(place: DeliveriesTable, news: News, webhooks: readonly string[]): Promise<void> {
  const { dynamo, table, order } = place;
  if (webhooks.length === 0) return;
  await know(place, webhooks);
  for (const webhook of webhooks) {
    const added = order();
    const times = { added, due: `${digits(0)}/${added}`, dueFor: webhook };
    const item = {
      id: deliveryId(news, webhook),
      webhook,
      news: JSON.stringify(news),
      failures: 0,
      ...times,
    };
    const put = { TableName: table, Item: item, ConditionExpression: 'attribute_not_exists(id)' };
    await holds(dynamo.send(new PutCommand(put)));
  }
}

/** Before any of their deliveries is there: who takes asks each webhook's. */
async function know({ dynamo, table }: DeliveriesTable, webhooks: readonly string[]): Promise<void> {
  await dynamo.send(
    new UpdateCommand({
      TableName: table,
      Key: { id: WEBHOOKS },
      UpdateExpression: 'ADD #names :names',
      ExpressionAttributeNames: named('names'),
      ExpressionAttributeValues: valued({ names: new Set(webhooks) }),
    }),
  );
}

async function take(
  place: DeliveriesTable,
  { now, until, limit, except }: TakeWish,
): Promise<readonly Delivery[]> {
  const { dynamo, table } = place;
  if (limit < 1) return [];
  const { Item } = await dynamo.send(
    new GetCommand({ TableName: table, Key: { id: WEBHOOKS }, ConsistentRead: true }),
  );
  const left = new Set(except);
  const webhooks = [...((Item?.['names'] as Set<string> | undefined) ?? [])].filter(
    (name) => !left.has(name),
  );
  const taken = await Promise.all(webhooks.map((webhook) => takeFor(place, webhook, { now, until, limit })));
  return taken.flat();
}

async function takeFor(
  place: DeliveriesTable,
  webhook: string,
  { now, until, limit }: Omit<TakeWish, 'except'>,
): Promise<Delivery[]> {
  const { dynamo, table } = place;
  const { Items = [] } = await dynamo.send(
    new QueryCommand({
      TableName: table,
      IndexName: 'due',
      KeyConditionExpression: '#dueFor = :webhook AND #due < :after',
      ExpressionAttributeNames: named('dueFor', 'due'),
      ExpressionAttributeValues: valued({ webhook, after: digits(now.getTime() + 1) }),
      Limit: limit,
    }),
  );
  const taken = await Promise.all(
    (Items as Item[]).map(async (item) => ((await hold(place, item, until)) ? [item] : [])),
  );
  return taken.flat().map(toDelivery);
}

/** Whoever moves the time on has it until then. */
function hold({ dynamo, table }: DeliveriesTable, { id, due }: Item, until: Date): Promise<boolean> {
  return holds(
    dynamo.send(
      new UpdateCommand({
        TableName: table,
        Key: { id },
        UpdateExpression: 'SET #due = :until',
        ConditionExpression: '#due = :due',
        ExpressionAttributeNames: named('due'),
        ExpressionAttributeValues: valued({ due, until: `${digits(until.getTime())}/${id}` }),
      }),
    ),
  );
}

async function delivered({ dynamo, table }: DeliveriesTable, id: string, now: Date): Promise<void> {
  const expires = Math.floor(now.getTime() / 1000) + KNOWN_S;
  await holds(
    dynamo.send(
      new UpdateCommand({
        TableName: table,
        Key: { id },
        UpdateExpression: 'SET #expires = :expires REMOVE #news, #due, #dueFor, #dead, #problem',
        ConditionExpression: 'attribute_exists(#news)',
        ExpressionAttributeNames: named('expires', 'news', 'due', 'dueFor', 'dead', 'problem'),
        ExpressionAttributeValues: valued({ expires }),
      }),
    ),
  );
}

async function failed(
  { dynamo, table }: DeliveriesTable,
  id: string,
  next: Next,
  problem: string,
): Promise<void> {
  const isDead = 'dead' in next;
  const change = isDead ? ', #dead = :dead REMOVE #due, #dueFor' : ', #due = :due';
  const value = isDead ? { dead: 'yes' } : { due: `${digits(next.nextAt.getTime())}/${id}` };
  await holds(
    dynamo.send(
      new UpdateCommand({
        TableName: table,
        Key: { id },
        UpdateExpression: `SET #failures = #failures + :one, #problem = :problem${change}`,
        ConditionExpression: 'attribute_exists(#dueFor)',
        ExpressionAttributeNames: named('failures', 'problem', 'due', 'dueFor', ...(isDead ? ['dead'] : [])),
        ExpressionAttributeValues: valued({ one: 1, problem, ...value }),
      }),
    ),
  );
}

async function dead(
  place: DeliveriesTable,
  limit: number,
  after: string | undefined,
): Promise<readonly DeadLetter[]> {
  const letters: DeadLetter[] = [];
  if (limit < 1) return letters;
  const items = queried<Item>(place.dynamo, {
    TableName: place.table,
    IndexName: 'dead',
    KeyConditionExpression: '#dead = :yes',
    ExpressionAttributeNames: named('dead'),
    ExpressionAttributeValues: valued({ yes: 'yes' }),
    ScanIndexForward: false,
    Limit: Math.trunc(limit),
    ...(after === undefined ? {} : { ExclusiveStartKey: await placeOf(place, after) }),
  });
  for await (const item of items) {
    letters.push({ ...toDelivery(item), problem: item.problem! });
    if (letters.length === Math.trunc(limit)) break;
  }
  return letters;
}

/** Where a letter is or was among the dead. */
async function placeOf({ dynamo, table }: DeliveriesTable, id: string) {
  const { Item } = await dynamo.send(new GetCommand({ TableName: table, Key: { id }, ConsistentRead: true }));
  if (Item?.['added'] === undefined) throw noSuchLetter(id);
  return { id, dead: 'yes', added: Item['added'] as string };
}

async function again({ dynamo, table }: DeliveriesTable, id: string, at: Date): Promise<void> {
  const revived = await holds(
    dynamo.send(
      new UpdateCommand({
        TableName: table,
        Key: { id },
        UpdateExpression: 'SET #due = :due, #dueFor = #webhook, #failures = :none REMOVE #dead',
        ConditionExpression: 'attribute_exists(#dead)',
        ExpressionAttributeNames: named('due', 'dueFor', 'webhook', 'failures', 'dead'),
        ExpressionAttributeValues: valued({ due: `${digits(at.getTime())}/${id}`, none: 0 }),
      }),
    ),
  );
  if (!revived) throw noSuchLetter(id);
}

function noSuchLetter(id: string): CustodyError {
  return new CustodyError('not-found', 'no such dead letter', { detail: id });
}

/** Sorts by time; what was never tried is due at 0, and comes first. */
function digits(ms: number): string {
  return String(Math.max(0, Math.trunc(ms))).padStart(16, '0');
}

function toDelivery({ id, webhook, news, failures }: Item): Delivery {
  return { id, webhook, news: parseJson(news) as News, failures };
}
