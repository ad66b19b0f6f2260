import { createHash } from 'node:crypto';
import {
  BatchGetCommand,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { CustodyError } from '#core/errors.ts';
import type {
  Entry,
  Kind,
  Mark,
  Page,
  ScimDirectory,
  ScimMarks,
  ScimOutbox,
  Write,
} from '#core/identity/scim/store.ts';
import { parseJson } from '#core/json.ts';
import type { AccessTable } from './access-item.ts';
import { holds, named, transacting, valued } from './expression.ts';
import { reaching } from './failure.ts';
import { queried } from './paging.ts';

export interface ScimTable extends AccessTable {
  readonly now: () => Date;
}

/**
 * Directories in the table of requests. Names, marks and leaves that are owed are known by their hashes: they may be longer than a key
 * may be. Durable when a call returns; every read sees the writes before it.
 */
export function dynamoScim(place: ScimTable): ScimDirectory & ScimOutbox & ScimMarks {
  return {
    get: (directory, kind, id) =>
      reaching('look a person or group up', () => entryAt(place, entryKey({ directory, kind, id }))),
    find: (directory, kind, name) =>
      reaching('find a person or group', () => find(place, directory, kind, name)),
    page: (directory, kind, from, count) =>
      reaching('list a directory', () => page(place, directory, kind, from, count)),
    write: (write) => reaching('change a directory', () => change(place, write)),
    owed: (limit) => reaching('look for leaves that are owed', () => owed(place, limit)),
    paid: (leaves) => reaching('note that leaves are in the ledger', () => paid(place, leaves)),
    changes: (kind) => reaching('look for changes of directories', () => changes(place, kind)),
    marks: () => reaching('look for who was deactivated', () => marks(place)),
  };
}

const MARKS = 'scim-mark';
const OWED = 'scim-owed';
/** In the index of what is untold: requests have another word there. */
const UNTOLD = 'scim';

interface Key {
  readonly kind: string;
  readonly id: string;
}

function entryKey({ directory, kind, id }: Pick<Entry, 'directory' | 'kind' | 'id'>): Key {
  return { kind: `scim/${directory}/${kind}`, id };
}

function nameKey({ directory, kind }: Pick<Entry, 'directory' | 'kind'>, name: string): Key {
  return { kind: `scim-name/${directory}/${kind}`, id: sha256(name) };
}

function markKey({ directory, externalId }: Mark): Key {
  return { kind: MARKS, id: `${directory}/${sha256(externalId)}` };
}

function changesKey(kind: Kind): Key {
  return { kind: 'scim-changes', id: kind };
}

async function itemAt(place: AccessTable, key: Key): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { dynamo, table } = place;
  const { Item } = await dynamo.send(new GetCommand({ TableName: table, Key: key, ConsistentRead: true }));
  return Item;
}

async function entryAt<K extends Kind>(place: AccessTable, key: Key): Promise<Entry<K> | undefined> {
  const item = await itemAt(place, key);
  return item === undefined ? undefined : entryIn<K>(item);
}

async function find<K extends Kind>(
  place: AccessTable,
  directory: string,
  kind: K,
  name: string,
): Promise<Entry<K> | undefined> {
  const item = await itemAt(place, nameKey({ directory, kind }, name));
  if (item === undefined) return undefined;
  const entry = await entryAt<K>(place, entryKey({ directory, kind, id: item['of'] as string }));
  // It may have got another name since.
  return entry?.names.includes(name) === true ? entry : undefined;
}

/** All ids are read to be counted; entries only of the page. */
async function page(
  place: AccessTable,
  directory: string,
  kind: Kind,
  from: number,
  count: number,
): Promise<Page> {
  const ids: string[] = [];
  const keys = queried<Key>(place.dynamo, {
    ...ofKind(place, entryKey({ directory, kind, id: '' }).kind),
    ProjectionExpression: '#id',
    ExpressionAttributeNames: named('kind', 'id'),
  });
  for await (const { id } of keys) ids.push(id);
  const wanted = ids.slice(from, from + count);
  const entries: Entry[] = [];
  for (let at = 0; at < wanted.length; at += 100)
    entries.push(
      ...(await entriesOf(
        place,
        wanted.slice(at, at + 100).map((id) => entryKey({ directory, kind, id })),
      )),
    );
  return { total: ids.length, entries };
}

/** At most 100, in the order of their ids. What DynamoDB leaves out is asked for again. */
async function entriesOf({ dynamo, table }: AccessTable, keys: readonly Key[]): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  let rest: Record<string, unknown>[] = keys.map((key) => ({ ...key }));
  while (rest.length > 0) {
    const RequestItems = { [table]: { Keys: rest, ConsistentRead: true } };
    const { Responses, UnprocessedKeys } = await dynamo.send(new BatchGetCommand({ RequestItems }));
    found.push(...(Responses?.[table] ?? []).map((item) => entryIn(item)));
    rest = UnprocessedKeys?.[table]?.Keys ?? [];
  }
  return found.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** One transaction: what is there, its names, what it means for people, the leaves that are owed, and the count that watchers read. */
async function change({ dynamo, table: TableName }: AccessTable, write: Write): Promise<void> {
  const { before, after, marked, unmarked } = write;
  const own = (after ?? before)!;
  const given = (before?.names ?? []).filter((name) => after?.names.includes(name) !== true);
  const put = (key: Key, attributes: Readonly<Record<string, unknown>>) => ({
    Put: { TableName, Item: { ...key, ...attributes } },
  });
  const remove = (Key: Key) => ({ Delete: { TableName, Key: { ...Key } } });
  const names = (after?.names ?? []).map((name) => ({
    Put: {
      TableName,
      Item: { ...nameKey(own, name), of: own.id },
      ConditionExpression: 'attribute_not_exists(#kind) OR #of = :own',
      ExpressionAttributeNames: named('kind', 'of'),
      ExpressionAttributeValues: valued({ own: own.id }),
    },
  }));
  const TransactItems = [
    entryWrite(TableName, before, after),
    ...names,
    ...given.map((name) => remove(nameKey(own, name))),
    ...unmarked.map((mark) => remove(markKey(mark))),
    ...marked.map((mark) => put(markKey(mark), { mark: JSON.stringify(mark) })),
    ...write.owed.map((leaf) => put(owedKey(leaf), { leaf, untold: UNTOLD })),
    counted(TableName, own.kind),
  ];
  const refused = await transacting(() => dynamo.send(new TransactWriteCommand({ TransactItems })));
  if (refused === undefined) return;
  if (refused[0] === 'ConditionalCheckFailed')
    throw new CustodyError('conflict', 'somebody else changed it', { hint: 'look at it again' });
  throw new CustodyError('already-exists', 'another has this name already');
}

function entryWrite(TableName: string, before: Entry | undefined, after: Entry | undefined) {
  const condition =
    before === undefined
      ? { ConditionExpression: 'attribute_not_exists(#kind)', ExpressionAttributeNames: named('kind') }
      : {
          ConditionExpression: '#version = :before',
          ExpressionAttributeNames: named('version'),
          ExpressionAttributeValues: valued({ before: before.version }),
        };
  if (after === undefined) return { Delete: { TableName, Key: { ...entryKey(before!) }, ...condition } };
  const Item = { ...entryKey(after), version: after.version, entry: JSON.stringify(after) };
  return { Put: { TableName, Item, ...condition } };
}

function counted(TableName: string, kind: Kind) {
  return {
    Update: {
      TableName,
      Key: { ...changesKey(kind) },
      UpdateExpression: 'ADD #count :one',
      ExpressionAttributeNames: named('count'),
      ExpressionAttributeValues: valued({ one: 1 }),
    },
  };
}

/** By the index of what is untold, which may lag: a leaf that is owed no more is entered once all the same. */
async function owed({ dynamo, table }: AccessTable, limit: number): Promise<readonly Uint8Array[]> {
  const { Items = [] } = await dynamo.send(
    new QueryCommand({
      TableName: table,
      IndexName: 'untold',
      KeyConditionExpression: '#untold = :scim',
      ExpressionAttributeNames: named('untold'),
      ExpressionAttributeValues: valued({ scim: UNTOLD }),
      Limit: limit,
    }),
  );
  return Items.flatMap(({ leaf }) => (leaf === undefined ? [] : [leaf as Uint8Array]));
}

/** Not deleted: whoever pays could then delete requests. */
async function paid({ dynamo, table, now }: ScimTable, leaves: readonly Uint8Array[]): Promise<void> {
  for (const leaf of leaves) {
    const update = new UpdateCommand({
      TableName: table,
      Key: { ...owedKey(leaf) },
      UpdateExpression: 'SET #expires = :soon REMOVE #untold, #leaf',
      ConditionExpression: 'attribute_exists(#untold)',
      ExpressionAttributeNames: named('expires', 'untold', 'leaf'),
      ExpressionAttributeValues: valued({ soon: Math.floor(now().getTime() / 1000) }),
    });
    await holds(dynamo.send(update));
  }
}

async function changes(place: AccessTable, kind: Kind): Promise<number> {
  return ((await itemAt(place, changesKey(kind)))?.['count'] as number | undefined) ?? 0;
}

async function marks(place: AccessTable): Promise<readonly Mark[]> {
  const found: Mark[] = [];
  for await (const { mark } of queried(place.dynamo, ofKind(place, MARKS)))
    found.push(parseJson(mark as string) as Mark);
  return found;
}

function ofKind({ table }: AccessTable, kind: string) {
  return {
    TableName: table,
    KeyConditionExpression: '#kind = :kind',
    ExpressionAttributeNames: named('kind'),
    ExpressionAttributeValues: valued({ kind }),
    ConsistentRead: true,
  };
}

function entryIn<K extends Kind>({ entry }: Readonly<Record<string, unknown>>): Entry<K> {
  return parseJson(entry as string) as Entry<K>;
}

function owedKey(leaf: Uint8Array): Key {
  return { kind: OWED, id: sha256(leaf) };
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
