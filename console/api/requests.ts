/** Requests, decisions and grants, and what would be decided. */
import type { z } from 'zod';
import type { grantPageShape, grantShape } from '#lambdas/access/shapes.ts';
import type { explanationShape } from '#lambdas/explanation/shapes.ts';
import type { summaryShape } from '#lambdas/sessions/summary.ts';
import type { targetsShape } from '#lambdas/shapes.ts';
import { type Api, type Query, queryText, type Versioned } from './client.ts';
import type { AccessRequest, AccessRequestPage, Session, SessionPage, Target } from './types.ts';

export type Grant = z.output<typeof grantShape>;
export type GrantPage = z.output<typeof grantPageShape>;
export type Explanation = z.output<typeof explanationShape>;
export type Summary = z.output<typeof summaryShape>;
export type Terms = Target['ask'][number];
export type Decision = AccessRequest['decisions'][number];
/** A request as it was looked at. */
export type Seen = Versioned<AccessRequest>;

const PAGE = 200;
/** Nobody has so much open: beyond it, lists say that there is more. */
const PAGES_MAX = 5;

/** What still matters of all that the caller may see, newest first. */
export async function openRequests(
  api: Api,
  filter: Query,
  signal: AbortSignal,
): Promise<readonly AccessRequest[]> {
  const found: AccessRequest[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const query = { ...filter, open: true, limit: PAGE, cursor };
    const page = await api.get<AccessRequestPage>('/v1/requests', query, signal);
    found.push(...page.requests);
    cursor = page.next;
    if (cursor === undefined) break;
  }
  return found;
}

export function getRequest(api: Api, id: string, signal?: AbortSignal): Promise<Seen> {
  return api.getVersioned<AccessRequest>(`/v1/requests/${encodeURIComponent(id)}`, {}, signal);
}

export type DecideBody = { readonly decision: Decision['decision']; readonly comment?: string };
export type ReviewBody = { readonly verdict: 'justified' | 'unjustified'; readonly comment?: string };

export function decide(api: Api, seen: Seen, body: DecideBody): Promise<Seen> {
  return step(api, seen, 'requests', 'decisions', body);
}

export function review(api: Api, seen: Seen, body: ReviewBody): Promise<Seen> {
  return step(api, seen, 'requests', 'review', body);
}

/** Withdraws one that waits, gives back what was granted. */
export function giveBack(api: Api, seen: Seen): Promise<Seen> {
  return step(api, seen, 'requests', 'return', {});
}

export function revoke(api: Api, seen: Seen, body: { readonly comment?: string }): Promise<Seen> {
  return step(api, seen, 'grants', 'revocation', body);
}

/** Of the very state that was looked at: where it is another by now, the API refuses with `precondition-failed`. */
function step(api: Api, { value: { id }, etag }: Seen, of: string, what: string, body: object) {
  const headers = etag === undefined ? {} : { 'if-match': etag };
  return sent(api, `/v1/${of}/${encodeURIComponent(id)}/${what}`, body, headers);
}

export interface AskBody {
  readonly target: string;
  readonly reason?: string;
  readonly ticket?: string;
  readonly durationSeconds?: number;
  readonly statements?: readonly string[];
  readonly breakGlass?: true;
  readonly rule?: string;
  readonly run?: string;
  readonly task?: string;
}

/** `key`: the same one makes one request, however often it is sent. */
export async function ask(api: Api, body: AskBody, key: string): Promise<AccessRequest> {
  return (await sent(api, '/v1/requests', body, { 'idempotency-key': key })).value;
}

async function sent(
  api: Api,
  path: string,
  body: object,
  headers: Readonly<Record<string, string>>,
): Promise<Seen> {
  const response = await api.fetch(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
  const value = (await response.json()) as AccessRequest;
  return { value, etag: response.headers.get('etag') ?? undefined };
}

export async function targets(api: Api, signal: AbortSignal): Promise<readonly Target[]> {
  return (await api.get<z.output<typeof targetsShape>>('/v1/targets', {}, signal)).targets;
}

/** Of one person at one target, of those that the caller may see. */
export async function sessionsOf(
  api: Api,
  { requester, target }: Pick<AccessRequest, 'requester' | 'target'>,
  since: string,
  signal: AbortSignal,
): Promise<readonly Session[]> {
  const query = { target, person: requester.email ?? requester.subject, since, limit: PAGE };
  return (await api.get<SessionPage>(`/v1/sessions${queryText(query)}`, {}, signal)).sessions;
}
