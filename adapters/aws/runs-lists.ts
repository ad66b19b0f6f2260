import { type DynamoDBDocumentClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import type { RunPage, RunQuery } from '#core/tasks/store.ts';
import { named, valued } from './expression.ts';
import { queried } from './paging.ts';
import { parseRun, type RunItem, type RunsTable } from './runs-item.ts';

const PAGE_MAX = 1_000;

/** Newest first. */
export async function listRuns(place: RunsTable, query: RunQuery): Promise<RunPage> {
  const limit = Math.max(1, Math.min(PAGE_MAX, Math.trunc(query.limit)));
  const { workflow, cursor } = query;
  const partition =
    workflow === undefined
      ? ({ index: 'all', key: 'all', value: 'run' } as const)
      : ({ index: 'by-workflow', key: 'workflow', value: workflow } as const);
  const range = cursor === undefined ? undefined : { sign: '<', bound: cursor };
  const input = { ...inIndex(place, partition, range), ScanIndexForward: false, Limit: limit + 1 };
  const items = await firstOf(place.dynamo, input, limit + 1);
  const runs = items.slice(0, limit).map(parseRun);
  return items.length > limit ? { runs, next: runs.at(-1)!.id } : { runs };
}

/** Oldest first. */
export async function unsettledRuns(
  place: RunsTable,
  limit: number,
  after: string | undefined,
): Promise<string[]> {
  const partition = { index: 'unsettled', key: 'unsettled', value: 'yes' } as const;
  const wanted = Math.max(1, Math.trunc(limit));
  const range = after === undefined ? undefined : { sign: '>', bound: after };
  const items = await firstOf(place.dynamo, { ...inIndex(place, partition, range), Limit: wanted }, wanted);
  return items.map(({ id }) => id);
}

export async function untoldItems({ dynamo, table }: RunsTable, limit: number): Promise<RunItem[]> {
  const partition = { index: 'untold', key: 'untold', value: 'yes' } as const;
  const input = {
    ...inIndex({ dynamo, table }, partition, undefined),
    Limit: Math.max(1, Math.trunc(limit)),
  };
  const { Items = [] } = await dynamo.send(new QueryCommand(input));
  return Items as RunItem[];
}

interface Partition {
  readonly index: string;
  readonly key: string;
  readonly value: string;
}

function inIndex(
  { table }: RunsTable,
  { index, key, value }: Partition,
  range: { readonly sign: string; readonly bound: string } | undefined,
): QueryCommandInput {
  return {
    TableName: table,
    IndexName: index,
    KeyConditionExpression: `#${key} = :key${range === undefined ? '' : ` AND #id ${range.sign} :bound`}`,
    ExpressionAttributeNames: named(key, ...(range === undefined ? [] : ['id'])),
    ExpressionAttributeValues: valued({
      key: value,
      ...(range === undefined ? {} : { bound: range.bound }),
    }),
  };
}

async function firstOf(
  dynamo: DynamoDBDocumentClient,
  input: QueryCommandInput,
  wanted: number,
): Promise<RunItem[]> {
  const found: RunItem[] = [];
  for await (const item of queried<RunItem>(dynamo, input)) {
    found.push(item);
    if (found.length === wanted) break;
  }
  return found;
}
