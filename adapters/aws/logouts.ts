import { QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Logouts, MarkedLogout, NewestLogouts } from '#core/identity/logouts.ts';
import { inBatches } from '#core/in-batches.ts';
import type { AccessTable } from './access-item.ts';
import { named, transacting, valued } from './expression.ts';
import { reaching } from './failure.ts';
import { queried } from './paging.ts';

/** Longer than tokens last: at the end of it, one that a logout had ended would be good again. */
const KEPT_S = 400 * 24 * 3600;
/** The watch sees what came while it could not look, and what was written late: it never waits for as long. */
const RECENT_MS = 120_000;
const RECENT = 'logouts';
const RECENT_KEPT_S = 24 * 3600;
const AT_ONCE = 16;

export interface LogoutsPlace extends AccessTable {
  readonly now: () => Date;
}

/**
 * Logouts in DynamoDB: an item for the token, one under each mark, and one among the recent ones, in one transaction. Items are only
 * ever added, so that no two logouts meet.
 */
export function dynamoLogouts(place: LogoutsPlace): Logouts {
  return {
    take: (logout) => reaching('keep a logout', () => take(place, logout)),
    newest: (marks) => reaching('look for logouts', () => newest(place, marks)),
  };
}

/**
 * For the watch over live sessions, which looks twice a second: whatever a session was opened under was looked up when it was
 * opened, so that only logouts of the last minutes are news. They are read in one go, however many sessions there are.
 */
export function dynamoRecentLogouts(place: LogoutsPlace): NewestLogouts {
  return { newest: (marks) => reaching('look for recent logouts', () => recent(place, marks)) };
}

async function take({ dynamo, table, now }: LogoutsPlace, logout: MarkedLogout): Promise<boolean> {
  const { token, at, marks } = logout;
  const seconds = Math.floor(now().getTime() / 1000);
  const expires = seconds + KEPT_S;
  const absent = {
    ConditionExpression: 'attribute_not_exists(#kind)',
    ExpressionAttributeNames: named('kind'),
  };
  const kept = { kind: `logout-token/${token}`, id: 'token', expires };
  const marked = marks.map((mark) => ({ ...byTime(mark, at, token), at: at.getTime(), expires }));
  const news = {
    kind: RECENT,
    id: `${now().toISOString()}/${token}`,
    at: at.getTime(),
    marks,
    expires: seconds + RECENT_KEPT_S,
  };
  const refused = await transacting(() =>
    dynamo.send(
      new TransactWriteCommand({
        TransactItems: [
          { Put: { TableName: table, Item: kept, ...absent } },
          ...[...marked, news].map((Item) => ({ Put: { TableName: table, Item } })),
        ],
      }),
    ),
  );
  return refused === undefined;
}

/** ISO times of these years sort as they follow each other. */
function byTime(mark: string, at: Date, token: string): { readonly kind: string; readonly id: string } {
  return { kind: `logout/${mark}`, id: `${at.toISOString()}/${token}` };
}

async function newest(place: LogoutsPlace, marks: readonly string[]): Promise<Map<string, Date>> {
  const found = new Map<string, Date>();
  await inBatches(marks, AT_ONCE, async (mark) => {
    const at = await newestOf(place, mark);
    if (at !== undefined) found.set(mark, at);
  });
  return found;
}

async function newestOf({ dynamo, table }: LogoutsPlace, mark: string): Promise<Date | undefined> {
  const { Items = [] } = await dynamo.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: '#kind = :mark',
      ExpressionAttributeNames: named('kind'),
      ExpressionAttributeValues: valued({ mark: `logout/${mark}` }),
      ConsistentRead: true,
      ScanIndexForward: false,
      Limit: 1,
    }),
  );
  return Items[0] === undefined ? undefined : new Date(Items[0]['at'] as number);
}

async function recent(
  { dynamo, table, now }: LogoutsPlace,
  marks: readonly string[],
): Promise<Map<string, Date>> {
  const wanted = new Set(marks);
  const found = new Map<string, Date>();
  const news = queried(dynamo, {
    TableName: table,
    KeyConditionExpression: '#kind = :recent AND #id > :since',
    ExpressionAttributeNames: named('kind', 'id'),
    ExpressionAttributeValues: valued({
      recent: RECENT,
      since: new Date(now().getTime() - RECENT_MS).toISOString(),
    }),
    ConsistentRead: true,
  });
  for await (const { at, marks: under } of news) {
    for (const mark of (under as readonly string[]).filter((one) => wanted.has(one)))
      if ((at as number) > (found.get(mark)?.getTime() ?? -Infinity)) found.set(mark, new Date(at as number));
  }
  return found;
}
