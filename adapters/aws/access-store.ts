import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { type AccessRequest, openUntil, type Step } from '#core/access/request.ts';
import type {
  AccessCatalog,
  AccessOutbox,
  AccessRequests,
  Termination,
  Terminations,
  Untold,
} from '#core/access/store.ts';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import {
  type AccessTable,
  CHANGES,
  getItem,
  getRequest,
  keyOf,
  parse,
  type RequestItem,
  requesterOf,
} from './access-item.ts';
import { listRequests } from './access-lists.ts';
import { holds, named, transacting, valued } from './expression.ts';
import { reaching } from './failure.ts';
import { queried } from './paging.ts';
import { markTold } from './told.ts';

/** A wish to end a session is done within seconds. */
const WISH_KEPT_S = 7 * 24 * 3600;
const TERMINATIONS = 'terminations';

/** Requests and terminations in DynamoDB. Durable when a call returns; lists may lag by moments, `get` never does. */
export function dynamoAccessStore(
  dynamo: DynamoDBDocumentClient,
  table: string,
): AccessRequests & AccessCatalog & AccessOutbox & Terminations {
  const place = { dynamo, table };
  return {
    create: (request, key) => reaching('store a request', () => create(place, request, key)),
    append: (id, after, steps) => reaching('add to a request', () => append(place, id, after, steps)),
    get: (id) => reaching('look a request up', () => getRequest(place, id)),
    list: (query) => reaching('list requests', () => listRequests(place, query)),
    untold: (limit, id) => reaching('look for untold news', () => untold(place, limit, id)),
    told: (id, count) => reaching('note what was told', () => markTold(place, keyOf(id), count)),
    ask: (termination) => reaching('ask for the end of a session', () => ask(place, termination)),
    asked: (sessions) => reaching('look for sessions to end', () => asked(place, sessions)),
  };
}

async function create(
  place: AccessTable,
  request: AccessRequest,
  key: string | undefined,
): Promise<AccessRequest> {
  const { dynamo, table } = place;
  const absent = {
    TableName: table,
    ConditionExpression: 'attribute_not_exists(#kind)',
    ExpressionAttributeNames: named('kind'),
  };
  const { kind, id } = keyOf(request.id);
  const item: RequestItem = { kind, id, told: 0, untold: 'yes', ...stored(request) };
  const writes = [{ Put: { ...absent, Item: item } }];
  const keyItem = key === undefined ? undefined : { ...idempotencyKey(request, key), request: request.id };
  const keyWrites = keyItem === undefined ? [] : [{ Put: { ...absent, Item: keyItem } }];
  const refused = await transacting(() =>
    dynamo.send(new TransactWriteCommand({ TransactItems: [...keyWrites, ...writes] })),
  );
  if (refused === undefined) return request;
  const earlier = key === undefined ? undefined : await byKey(place, request, key);
  if (earlier !== undefined) return earlier;
  throw new CustodyError('already-exists', 'the request exists already', { detail: request.id });
}

async function byKey(
  place: AccessTable,
  request: AccessRequest,
  key: string,
): Promise<AccessRequest | undefined> {
  const { dynamo, table } = place;
  const Key = idempotencyKey(request, key);
  const { Item } = await dynamo.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
  return Item === undefined ? undefined : getRequest(place, Item['request'] as string);
}

/** The number of steps is the version; the count of changes goes with it, so that no watcher sees one without the other. */
async function append(place: AccessTable, id: string, after: number, added: readonly Step[]): Promise<void> {
  const { dynamo, table } = place;
  const item = await getItem(place, id);
  if (item.steps !== after) throw changedMeanwhile();
  const request = parse(item);
  const changed = { ...item, ...stored({ ...request, steps: [...request.steps, ...added] }), untold: 'yes' };
  // What was told meanwhile is told again: a receiver knows news by their id.
  const refused = await transacting(() =>
    dynamo.send(
      new TransactWriteCommand({
        TransactItems: [
          {
            Put: {
              TableName: table,
              Item: changed,
              ConditionExpression: '#steps = :after',
              ExpressionAttributeNames: named('steps'),
              ExpressionAttributeValues: valued({ after }),
            },
          },
          {
            Update: {
              TableName: table,
              Key: CHANGES,
              UpdateExpression: 'ADD #count :one',
              ExpressionAttributeNames: named('count'),
              ExpressionAttributeValues: valued({ one: 1 }),
            },
          },
        ],
      }),
    ),
  );
  if (refused !== undefined) throw changedMeanwhile();
}

function changedMeanwhile(): CustodyError {
  return new CustodyError('conflict', 'somebody else changed the request', { hint: 'look at it again' });
}

async function untold(place: AccessTable, limit: number, id: string | undefined): Promise<Untold[]> {
  const items = id === undefined ? await untoldItems(place, limit) : [await getItem(place, id)];
  return items
    .filter(({ told: count, steps }) => count <= steps)
    .map((item) => ({ request: parse(item), told: item.told }));
}

async function untoldItems({ dynamo, table }: AccessTable, limit: number): Promise<RequestItem[]> {
  const { Items = [] } = await dynamo.send(
    new QueryCommand({
      TableName: table,
      IndexName: 'untold',
      KeyConditionExpression: '#untold = :yes',
      ExpressionAttributeNames: named('untold'),
      ExpressionAttributeValues: valued({ yes: 'yes' }),
      Limit: Math.max(1, Math.trunc(limit)),
    }),
  );
  return Items as RequestItem[];
}

async function ask({ dynamo, table }: AccessTable, termination: Termination): Promise<void> {
  const { session, at } = termination;
  const expires = Math.floor(Date.parse(at) / 1000) + WISH_KEPT_S;
  const put = new PutCommand({
    TableName: table,
    Item: { kind: TERMINATIONS, id: session, termination: JSON.stringify(termination), expires },
    ConditionExpression: 'attribute_not_exists(#kind)',
    ExpressionAttributeNames: named('kind'),
  });
  await holds(dynamo.send(put));
}

/** One look at the few wishes that there are, and not one for each session: every task looks twice a second. */
async function asked({ dynamo, table }: AccessTable, sessions: readonly string[]): Promise<Termination[]> {
  if (sessions.length === 0) return [];
  const wanted = new Set(sessions);
  const found: Termination[] = [];
  const wishes = queried(dynamo, {
    TableName: table,
    KeyConditionExpression: '#kind = :terminations',
    ExpressionAttributeNames: named('kind'),
    ExpressionAttributeValues: valued({ terminations: TERMINATIONS }),
    ConsistentRead: true,
  });
  for await (const { id, termination } of wishes) {
    if (wanted.has(id as string)) found.push(parseJson(termination as string) as Termination);
  }
  return found;
}

function idempotencyKey(
  { requester }: AccessRequest,
  key: string,
): { readonly kind: string; readonly id: string } {
  return { kind: `key/${requesterOf(requester)}`, id: key };
}

function stored(request: AccessRequest) {
  const until = openUntil(request);
  const state = until === 0 ? 'over' : until === Number.MAX_SAFE_INTEGER ? 'glass' : 'open';
  return {
    request: JSON.stringify(request),
    steps: request.steps.length,
    requester: requesterOf(request.requester),
    target: request.target,
    openUntil: until,
    state,
  } as const;
}
