import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import type { AccessRequest } from '#core/access/request.ts';
import type { RequestPage, RequestQuery } from '#core/access/store.ts';
import { parseJson } from '#core/json.ts';
import { lowestIdAt } from '#core/recording/session-id.ts';
import { type AccessTable, type RequestItem, requesterOf } from './access-item.ts';
import { named, valued } from './expression.ts';
import { queried, textBefore } from './paging.ts';

const PAGE_MAX = 1_000;
/** A request is pending for 30 days at most, and a grant lasts 30 days at most (core/access/schema.ts). */
const OPEN_AT_MOST_MS = 61 * 24 * 3_600_000;

/** A partition of an index, and between which ids. */
interface Source {
  readonly index: 'by-requester' | 'by-target' | 'by-state';
  readonly key: 'requester' | 'target' | 'state';
  readonly value: string;
  /** Only ids from it on. */
  readonly from?: string;
  /** Only ids before it. */
  readonly before?: string;
}

/** Newest first. Each source gives its newest, so the newest of them all are among what they gave. */
export async function listRequests(place: AccessTable, query: RequestQuery): Promise<RequestPage> {
  const limit = Math.max(1, Math.min(PAGE_MAX, Math.trunc(query.limit)));
  const found = await Promise.all(sourcesOf(query).map((source) => newest(place, source, query, limit + 1)));
  const byId = new Map(found.flat().map((item) => [item.id, item]));
  const sorted = [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  const requests = sorted.slice(0, limit).map(({ request }) => parseJson(request) as AccessRequest);
  return sorted.length > limit ? { requests, next: requests.at(-1)!.id } : { requests };
}

/** What is open is young, but for a broken glass that nobody has looked at: so no list reads years of what is over. */
function sourcesOf({ requester, target, openAt, cursor }: RequestQuery): readonly Source[] {
  const before = cursor === undefined ? {} : { before: cursor };
  const partition = partitionOf(requester, target);
  if (openAt === undefined) {
    if (partition !== undefined) return [{ ...partition, ...before }];
    return (['open', 'glass', 'over'] as const).map((state) => ({ ...stateOf(state), ...before }));
  }
  const from = lowestIdAt(openAt.getTime() - OPEN_AT_MOST_MS);
  return [
    { ...(partition ?? stateOf('open')), from, ...before },
    { ...stateOf('glass'), ...before },
  ];
}

function partitionOf(requester: RequestQuery['requester'], target: string | undefined): Source | undefined {
  if (requester !== undefined)
    return { index: 'by-requester', key: 'requester', value: requesterOf(requester) };
  return target === undefined ? undefined : { index: 'by-target', key: 'target', value: target };
}

function stateOf(value: RequestItem['state']): Source {
  return { index: 'by-state', key: 'state', value };
}

async function newest(
  { dynamo, table }: AccessTable,
  source: Source,
  query: RequestQuery,
  wanted: number,
): Promise<RequestItem[]> {
  const { from, before } = source;
  if (from !== undefined && before !== undefined && before <= from) return [];
  const found: RequestItem[] = [];
  const items = queried<RequestItem>(dynamo, {
    TableName: table,
    ScanIndexForward: false,
    Limit: PAGE_MAX,
    ...rangeOf(source, filtersOf(source, query)),
  });
  for await (const item of items) {
    found.push(item);
    if (found.length === wanted) break;
  }
  return found;
}

function rangeOf(
  { index, key, value, from, before }: Source,
  filters: readonly Filter[],
): Omit<QueryCommandInput, 'TableName'> {
  const bounded = from !== undefined && before !== undefined;
  const range = bounded
    ? ' AND #id BETWEEN :from AND :until'
    : from !== undefined
      ? ' AND #id >= :from'
      : before !== undefined
        ? ' AND #id < :before'
        : '';
  const bounds = bounded
    ? { from, until: textBefore(before) }
    : from !== undefined
      ? { from }
      : before !== undefined
        ? { before }
        : {};
  const filter =
    filters.length === 0 ? {} : { FilterExpression: filters.map(({ text }) => text).join(' AND ') };
  return {
    IndexName: index,
    KeyConditionExpression: `#${key} = :key${range}`,
    ...filter,
    ExpressionAttributeNames: named(key, ...(range === '' ? [] : ['id']), ...filters.map(({ name }) => name)),
    ExpressionAttributeValues: valued({
      key: value,
      ...bounds,
      ...Object.fromEntries(filters.map(({ name, value: wanted }) => [name, wanted])),
    }),
  };
}

interface Filter {
  readonly name: string;
  readonly text: string;
  readonly value: string | number;
}

function filtersOf({ key }: Source, { requester, target, openAt }: RequestQuery): readonly Filter[] {
  const filters: Filter[] = [];
  if (requester !== undefined && key !== 'requester')
    filters.push({ name: 'requester', text: '#requester = :requester', value: requesterOf(requester) });
  if (target !== undefined && key !== 'target')
    filters.push({ name: 'target', text: '#target = :target', value: target });
  if (openAt !== undefined)
    filters.push({ name: 'openUntil', text: '#openUntil > :openUntil', value: openAt.getTime() });
  return filters;
}
