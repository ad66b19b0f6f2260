import type { AccessRequest } from '#core/access/request.ts';
import { grantOf, stateOf } from '#core/access/request.ts';
import type { AccessCatalog } from '#core/access/store.ts';
import { isNamed } from '#core/recording/session-page.ts';
import type { Asking } from '../asking.ts';
import { type ApiEvent, type ApiResult, json, queryOf } from '../http.ts';
import { grantAnswer, requestAnswer } from './answers.ts';
import { grantPageShape, grantsQuery, requestPageShape, requestsQuery } from './shapes.ts';
import { isVisible, visibleQueries } from './visible.ts';

interface Listing {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly target?: string | undefined;
  readonly open?: boolean;
}

export async function listRequests(
  event: ApiEvent,
  asking: Asking,
  catalog: AccessCatalog,
): Promise<ApiResult> {
  const { state, open, person, run, ...query } = queryOf(requestsQuery, event);
  const { found, next } = await listVisible({ ...query, open: open === 'true' }, asking, catalog);
  const requests = found
    .filter((request) => state === undefined || stateOf(request, asking.now) === state)
    .filter((request) => run === undefined || runOf(request) === run)
    .filter(({ requester }) => person === undefined || isNamed(requester, person))
    .map((request) => requestAnswer(request, asking));
  return json(requestPageShape, { requests, ...(next === undefined ? {} : { next }) });
}

function runOf({ run, deviation }: AccessRequest): string | undefined {
  return run?.id ?? deviation?.run;
}

export async function listGrants(
  event: ApiEvent,
  asking: Asking,
  catalog: AccessCatalog,
): Promise<ApiResult> {
  const { found, next } = await listVisible(queryOf(grantsQuery, event), asking, catalog);
  const grants = found
    .filter((request) => grantOf(request) !== undefined)
    .map((request) => grantAnswer(request, asking));
  return json(grantPageShape, { grants, ...(next === undefined ? {} : { next }) });
}

/** Newest first. Each query gives its newest, so the newest of them all are among what they gave. */
async function listVisible(
  { limit, cursor, target, open = false }: Listing,
  asking: Asking,
  catalog: AccessCatalog,
): Promise<{ readonly found: readonly AccessRequest[]; readonly next?: string }> {
  const from = {
    limit,
    ...(cursor === undefined ? {} : { cursor }),
    ...(open ? { openAt: asking.now } : {}),
  };
  const queries = visibleQueries(asking, target).map((query) => catalog.list({ ...query, ...from }));
  const pages = await Promise.all(queries);
  const byId = new Map(pages.flatMap(({ requests }) => requests).map((request) => [request.id, request]));
  const all = [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  const taken = all.slice(0, limit);
  const found = taken.filter((request) => isVisible(request, asking));
  const more = all.length > limit || pages.some(({ next }) => next !== undefined);
  return more ? { found, next: taken.at(-1)!.id } : { found };
}
