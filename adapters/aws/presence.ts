import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Presence, Watcher } from '#core/access/presence.ts';
import { parseJson } from '#core/json.ts';
import { type AccessTable, requesterOf } from './access-item.ts';
import { named, valued } from './expression.ts';
import { reaching } from './failure.ts';
import { queried } from './paging.ts';

/** DynamoDB removes it then; who reads goes by the time that the item says. */
const KEPT_S = 3600;
const PRESENCE = 'presence';
const AWAITING = 'awaiting';

/** Who watches, in the access table: a few items under one key, which each task of the gateway reads twice a second where it has to. */
export function dynamoPresence({ now, ...place }: AccessTable & { readonly now: () => Date }): Presence {
  return {
    renew: (watcher) => reaching('note who watches', () => renew(place, watcher)),
    watching: (sessions) => reaching('look who watches', () => watching(place, sessions)),
    awaits: (session, until) =>
      reaching('note that a session waits', () => put(place, { kind: AWAITING, id: session, until })),
    begins: (session) =>
      reaching('note that a session waits no longer', () =>
        // Nobody but a scheduled removal deletes here.
        put(place, { kind: AWAITING, id: session, until: now().toISOString() }),
      ),
    waiting: (at) => reaching('look for sessions that wait', () => waiting(place, at)),
  };
}

interface Item {
  readonly kind: string;
  readonly id: string;
  readonly until: string;
  readonly watcher?: string;
}

async function put({ dynamo, table }: AccessTable, item: Item): Promise<void> {
  const expires = Math.floor(Date.parse(item.until) / 1000) + KEPT_S;
  await dynamo.send(new PutCommand({ TableName: table, Item: { ...item, expires } }));
}

function renew(place: AccessTable, watcher: Watcher): Promise<void> {
  const { session, by, until } = watcher;
  const id = `${session}/${requesterOf(by)}`;
  return put(place, { kind: PRESENCE, id, until, watcher: JSON.stringify(watcher) });
}

async function watching(place: AccessTable, sessions: readonly string[]): Promise<Watcher[]> {
  if (sessions.length === 0) return [];
  const wanted = new Set(sessions);
  const items = await itemsOf(place, PRESENCE);
  return items
    .map(({ watcher }) => parseJson(watcher!) as Watcher)
    .filter(({ session }) => wanted.has(session));
}

async function waiting(place: AccessTable, now: Date): Promise<string[]> {
  const items = await itemsOf(place, AWAITING);
  return items.filter(({ until }) => Date.parse(until) > now.getTime()).map(({ id }) => id);
}

async function itemsOf({ dynamo, table }: AccessTable, kind: string): Promise<Item[]> {
  const items: Item[] = [];
  const found = queried(dynamo, {
    TableName: table,
    KeyConditionExpression: '#kind = :kind',
    ExpressionAttributeNames: named('kind'),
    ExpressionAttributeValues: valued({ kind }),
    ConsistentRead: true,
  });
  for await (const item of found) items.push(item as unknown as Item);
  return items;
}
