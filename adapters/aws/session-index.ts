import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateScan,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type {
  SessionCatalog,
  SessionIndex,
  SessionOutcome,
  SessionQuery,
  SessionRecord,
} from '#core/recording/session-index.ts';
import { pageLimit, takePage } from '#core/recording/session-page.ts';
import { sideBySide } from '#core/side-by-side.ts';
import { awsFailure, isConditionFailed, isOwnEarlierTry, reaching } from './failure.ts';
import { queried, textBefore } from './paging.ts';

/** Sessions a round trip, where most of them are passed over. */
const QUERY_MAX = 1_000;
const MONTH = /^\d{4}-\d{2}$/;
/** No session id: says how far back lists have to look. */
const FIRST_MONTH = 'first-month';
/** A task's clock may be ahead of a reader's. */
const AHEAD_MS = 24 * 3_600_000;

type Opened = Omit<SessionRecord, 'state' | 'outcome'>;
type Item = Readonly<Record<string, unknown>>;

export interface SessionTable {
  readonly dynamo: DynamoDBDocumentClient;
  readonly table: string;
  readonly now: () => Date;
  /** How many sessions a page looks at, at most; for tests. */
  readonly examineMax?: number;
}

/**
 * The index in DynamoDB (keys: tables.ts). What a call has done is durable when it returns. `get` sees every write before it;
 * `list` and `unsealed` may lag by moments.
 */
export function dynamoSessionIndex(place: SessionTable): SessionIndex & SessionCatalog {
  const firstMonth = new FirstMonth(place);
  return {
    opened: (record) => insert(place, firstMonth, record),
    closed: (id, outcome) => setOutcome(place, id, outcome),
    unsealed: () => reaching('list unsealed sessions', () => unsealed(place)),
    get: (id) => getRecord(place, id),
    list: (query) =>
      reaching('list sessions', () =>
        takePage(newestFirst(place, firstMonth, query), query, place.examineMax),
      ),
  };
}

/** The month of the oldest session: written once, then remembered. */
class FirstMonth {
  readonly #place: SessionTable;
  #known: string | undefined;

  constructor(place: SessionTable) {
    this.#place = place;
  }

  async get(): Promise<string | undefined> {
    const { dynamo, table } = this.#place;
    if (this.#known !== undefined) return this.#known;
    const { Item } = await dynamo.send(new GetCommand({ TableName: table, Key: { id: FIRST_MONTH } }));
    this.#known = Item?.['first'] as string | undefined;
    return this.#known;
  }

  async atLatest(month: string): Promise<void> {
    const { dynamo, table } = this.#place;
    const known = await this.get();
    if (known !== undefined && known <= month) return;
    const update = {
      TableName: table,
      Key: { id: FIRST_MONTH },
      UpdateExpression: 'SET #first = :month',
      ConditionExpression: 'attribute_not_exists(#first) OR #first > :month',
      ExpressionAttributeNames: { '#first': 'first' },
      ExpressionAttributeValues: { ':month': month },
    };
    await dynamo.send(new UpdateCommand(update)).catch((thrown: unknown) => {
      if (!isConditionFailed(thrown)) throw thrown;
    });
    this.#known = undefined;
  }
}

async function insert(place: SessionTable, firstMonth: FirstMonth, record: Opened): Promise<void> {
  const { dynamo, table } = place;
  const { id, target, principal, task } = record;
  const month = monthOf(id);
  const keys = { id, target, person: personKey(principal), month, openTask: task };
  try {
    await firstMonth.atLatest(month);
    const put = new PutCommand({
      TableName: table,
      Item: { ...keys, record: JSON.stringify(record) },
      ConditionExpression: 'attribute_not_exists(id)',
    });
    await sideBySide(noteApprovers(place, record), dynamo.send(put));
  } catch (thrown) {
    if (!isConditionFailed(thrown)) throw awsFailure(thrown, 'list a session as open');
    if (isOwnEarlierTry(thrown) && (await isListed(place, record))) return;
    throw new CustodyError('already-exists', 'the session exists already', { detail: id, cause: thrown });
  }
}

/** With the session: whatever is open, its approvers find. What stands for a session that was not listed then finds nothing. */
async function noteApprovers(
  { dynamo, table }: SessionTable,
  { id, approvedBy = [] }: Opened,
): Promise<void> {
  const approvers = [...new Set(approvedBy.map(personKey))];
  const notes = approvers.map((approver) => ({ id: `approved/${id}/${approver}`, approver, session: id }));
  await Promise.all(notes.map((Item) => dynamo.send(new PutCommand({ TableName: table, Item }))));
}

async function isListed({ dynamo, table }: SessionTable, record: Opened): Promise<boolean> {
  const query = new GetCommand({ TableName: table, Key: { id: record.id }, ConsistentRead: true });
  const { Item } = await reaching('look a session up', () => dynamo.send(query));
  return Item?.['record'] === JSON.stringify(record);
}

async function setOutcome(
  { dynamo, table, ...rest }: SessionTable,
  id: string,
  outcome: SessionOutcome,
): Promise<void> {
  try {
    await dynamo.send(
      new UpdateCommand({
        TableName: table,
        Key: { id },
        UpdateExpression: 'SET #outcome = :outcome REMOVE openTask',
        ConditionExpression: 'attribute_exists(id) AND attribute_not_exists(#outcome)',
        ExpressionAttributeNames: { '#outcome': 'outcome' },
        ExpressionAttributeValues: { ':outcome': JSON.stringify(outcome) },
      }),
    );
  } catch (thrown) {
    if (!isConditionFailed(thrown)) throw awsFailure(thrown, 'list the outcome of a session');
    // The first outcome stands; where there is no session, this says so.
    await getRecord({ dynamo, table, ...rest }, id);
  }
}

async function getRecord({ dynamo, table }: SessionTable, id: string): Promise<SessionRecord> {
  const query = new GetCommand({ TableName: table, Key: { id }, ConsistentRead: true });
  const { Item } = await reaching('look a session up', () => dynamo.send(query));
  if (Item?.['record'] !== undefined) return toRecord(Item);
  throw new CustodyError('not-found', 'no such session', { detail: id });
}

/** All of the index of open sessions: it holds no others. */
async function unsealed({ dynamo, table }: SessionTable): Promise<readonly SessionRecord[]> {
  const records: SessionRecord[] = [];
  const scan = { TableName: table, IndexName: 'open-by-task' };
  for await (const { Items = [] } of paginateScan({ client: dynamo }, scan))
    records.push(...Items.map(toRecord));
  return records.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Newest first: session ids sort by time. */
async function* newestFirst(
  place: SessionTable,
  firstMonth: FirstMonth,
  query: SessionQuery,
): AsyncGenerator<SessionRecord> {
  if (query.approver !== undefined) return yield* approvedBy(place, query.approver, query);
  for await (const part of partitionsOf(place, firstMonth, query)) yield* recordsOf(place, part, query);
}

interface Partition {
  readonly index: string;
  readonly key: string;
  readonly value: string;
}

/** Where a query looks, newest first: one partition of a person or a target, or month after month. */
async function* partitionsOf(
  { now }: SessionTable,
  firstMonth: FirstMonth,
  { subject, target, cursor, from }: SessionQuery,
): AsyncGenerator<Partition> {
  if (cursor !== undefined && from !== undefined && cursor <= from) return;
  if (subject !== undefined) return yield { index: 'by-person', key: 'person', value: personKey(subject) };
  if (target !== undefined) return yield { index: 'by-target', key: 'target', value: target };
  const first = await firstMonth.get();
  if (first === undefined) return;
  const newestMonth = new Date(now().getTime() + AHEAD_MS).toISOString().slice(0, 7);
  const cursorMonth = cursor === undefined ? newestMonth : monthOf(cursor);
  let month = cursorMonth < newestMonth ? cursorMonth : newestMonth;
  const oldest = from === undefined || monthOf(from) < first ? first : monthOf(from);
  for (; month >= oldest; month = monthBefore(month)) yield { index: 'by-month', key: 'month', value: month };
}

/** Sessions whose grant somebody approved, newest first. */
async function* approvedBy(
  place: SessionTable,
  approver: { readonly issuer: string; readonly subject: string },
  { cursor, from, ...query }: SessionQuery,
): AsyncGenerator<SessionRecord> {
  const { dynamo, table } = place;
  const range = rangeOf(cursor, from, '#sort');
  const items = queried(dynamo, {
    TableName: table,
    IndexName: 'by-approver',
    KeyConditionExpression: `#key = :value${range.condition}`,
    ExpressionAttributeNames: {
      '#key': 'approver',
      ...(range.condition === '' ? {} : { '#sort': 'session' }),
    },
    ExpressionAttributeValues: { ':value': personKey(approver), ...range.values },
    ScanIndexForward: false,
    Limit: pageLimit(query) + 1,
  });
  for await (const item of items) {
    const record = await listedRecord(place, item['session'] as string);
    if (record !== undefined) yield record;
  }
}

async function listedRecord({ dynamo, table }: SessionTable, id: string): Promise<SessionRecord | undefined> {
  const { Item } = await dynamo.send(new GetCommand({ TableName: table, Key: { id } }));
  return Item?.['record'] === undefined ? undefined : toRecord(Item);
}

async function* recordsOf(
  { dynamo, table }: SessionTable,
  { index, key, value }: Partition,
  { subject, target, person, cursor, from, ...query }: SessionQuery,
): AsyncGenerator<SessionRecord> {
  const isOneOfMany = person !== undefined || (subject !== undefined && target !== undefined);
  const range = rangeOf(cursor, from);
  const items = queried(dynamo, {
    TableName: table,
    IndexName: index,
    KeyConditionExpression: `#key = :value${range.condition}`,
    ExpressionAttributeNames: { '#key': key },
    ExpressionAttributeValues: { ':value': value, ...range.values },
    ScanIndexForward: false,
    Limit: isOneOfMany ? QUERY_MAX : pageLimit(query) + 1,
  });
  for await (const item of items) yield toRecord(item);
}

/** BETWEEN takes both its ends: the upper one is the greatest text before the cursor. */
function rangeOf(cursor: string | undefined, from: string | undefined, sort = 'id') {
  if (cursor !== undefined && from !== undefined)
    return {
      condition: ` AND ${sort} BETWEEN :from AND :until`,
      values: { ':from': from, ':until': textBefore(cursor) },
    };
  if (cursor !== undefined) return { condition: ` AND ${sort} < :cursor`, values: { ':cursor': cursor } };
  if (from !== undefined) return { condition: ` AND ${sort} >= :from`, values: { ':from': from } };
  return { condition: '', values: {} };
}

function toRecord({ record, outcome }: Item): SessionRecord {
  const opened = parseJson(record as string) as Opened;
  if (outcome === undefined) return { ...opened, state: 'open' };
  const parsed = parseJson(outcome as string) as SessionOutcome;
  return { ...opened, state: parsed.recovered ? 'recovered' : 'closed', outcome: parsed };
}

/** Unambiguous: no two people of different issuers share it. */
function personKey({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  return JSON.stringify([issuer, subject]);
}

/** `2026-11`, from the time in a session id (UUIDv7, RFC 9562): the partition of what is listed by time. */
function monthOf(id: string): string {
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  const month = Number.isNaN(ms) ? '' : new Date(ms).toISOString().slice(0, 7);
  if (MONTH.test(month)) return month;
  throw new CustodyError('internal', 'this is no session id', { detail: JSON.stringify(id) });
}

function monthBefore(month: string): string {
  const [year, number] = month.split('-').map(Number);
  return new Date(Date.UTC(year!, number! - 2, 1)).toISOString().slice(0, 7);
}
