import type { z } from 'zod';
import { CustodyError, type ErrorCode } from '#core/errors.ts';
import { type SessionProof, sessionProofSchema } from '#core/ledger/session-proof.ts';
import {
  evidenceSchema,
  loginSchema,
  problemSchema,
  type Session,
  sessionPageSchema,
  sessionSchema,
  signerSchema,
  stepsSchema,
  type Target,
  targetsSchema,
} from './api-shapes.ts';
import type { Cli } from './cli.ts';
import { boundedBytes, boundedJson, safeUrl, send } from './http.ts';
import { type Pages, type Paging, pagesOf, searchOf } from './paging.ts';

export const DEFAULT_API = 'http://127.0.0.1:7402';
const ANSWER_MAX_BYTES = 32 << 20;
/** Addresses live for a minute: the fewer come at once, the more of them are used before they expire. */
const EVIDENCE_PAGE = 1_000;

/** The file in CUSTODY_HOME that holds the API's address. */
export const API_FILE = 'api.txt';

/** An API, and the token to show it; none for what needs none. */
export interface Api {
  readonly base: URL;
  readonly token?: string;
}

/** CUSTODY_API, else the address of the last login, else the local gateway's. */
export function apiAddress(cli: Cli): URL {
  return safeUrl(cli.env['CUSTODY_API'] || cli.home.read(API_FILE)?.trim() || DEFAULT_API, 'the API address');
}

export async function getSigner(api: Api): Promise<{ pem: string }> {
  return getJson(api, '/v1/signer', signerSchema);
}

/** Whose tokens the API takes, and how to log in there; nothing where it is too old to say. */
export async function getIssuers(api: Api): Promise<z.infer<typeof loginSchema>['issuers']> {
  const { issuers } = await unlessMissing(getJson(api, '/v1/login', loginSchema), { issuers: [] });
  return issuers;
}

/** Where people open the console; undefined where the gateway does not say. */
export async function getConsole(api: Api): Promise<string | undefined> {
  return (await getJson(api, '/v1/login', loginSchema)).console;
}

export async function getTargets(api: Api): Promise<readonly Target[]> {
  return (await getJson(api, '/v1/targets', targetsSchema)).targets;
}

export async function getSession(api: Api, id: string): Promise<Session> {
  return getJson(api, `/v1/sessions/${encodeURIComponent(id)}`, sessionSchema);
}

/** What evidence is fetched for: to look at it here and now, to keep it, or to run it again. The ledger says which. */
export type Purpose = 'replay' | 'export' | 'rerun';

/** One page of a session's objects: the first, or the one that `cursor`, a `next` of an earlier page, stands for. */
export async function getEvidence(
  api: Api,
  id: string,
  purpose: Purpose,
  cursor?: string,
): Promise<z.infer<typeof evidenceSchema>> {
  const search = searchOf({ limit: EVIDENCE_PAGE, purpose, cursor });
  return getJson(api, `/v1/sessions/${encodeURIComponent(id)}/evidence?${search}`, evidenceSchema);
}

/** Steps of a session, as the query of the API asks for them. */
export async function getSteps(
  api: Api,
  id: string,
  asked: Readonly<Record<string, string | number | true | undefined>>,
): Promise<z.infer<typeof stepsSchema>> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) if (value !== undefined) search.set(name, String(value));
  return getJson(api, `/v1/sessions/${encodeURIComponent(id)}/steps?${search.toString()}`, stepsSchema);
}

/** The proof that a session is in the ledger; undefined while it is not, or where there is no ledger. */
export async function getLedgerProof(api: Api, id: string): Promise<SessionProof | undefined> {
  const path = `/v1/sessions/${encodeURIComponent(id)}/ledger`;
  return unlessMissing(getJson(api, path, sessionProofSchema), undefined);
}

/** `otherwise` in place of what the API does not have. */
async function unlessMissing<T, O>(asked: Promise<T>, otherwise: O): Promise<T | O> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'not-found') return otherwise;
    throw error;
  }
}

/** Which sessions. */
export interface SessionFilter {
  readonly target?: string | undefined;
  readonly person?: string | undefined;
  readonly run?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  readonly state?: 'open' | 'waiting' | undefined;
}

/** Newest first. */
export function sessionPages(
  api: Api,
  { since, until, ...filter }: SessionFilter,
  paging: Paging,
): Pages<Session> {
  const range = { since: since?.toISOString(), until: until?.toISOString() };
  return pagesOf(paging, async (page) => {
    const path = `/v1/sessions?${searchOf({ ...page, ...filter, ...range })}`;
    const { sessions, next } = await getJson(api, path, sessionPageSchema);
    return { items: sessions, next };
  });
}

/** What the API answers to a GET. Rejects with the API's own words. */
export function getJson<Shape extends z.ZodType>(
  api: Api,
  path: string,
  shape: Shape,
): Promise<z.infer<Shape>> {
  return call(api, path, shape, { method: 'GET' });
}

/** What the API answers to a GET in another form than JSON, with what it says about it. */
export async function getText(
  api: Api,
  path: string,
): Promise<{ readonly text: string; readonly headers: Headers }> {
  const headers = api.token === undefined ? {} : { authorization: `Bearer ${api.token}` };
  const response = await send(urlOf(api, path), { headers });
  if (!response.ok) throw problemOf(response, await boundedJson(response, ANSWER_MAX_BYTES));
  const bytes = await boundedBytes(response, ANSWER_MAX_BYTES);
  return { text: bytes.toString('utf8'), headers: response.headers };
}

/** What the API answers when something is sent to it. */
export function postJson<Shape extends z.ZodType>(
  api: Api,
  path: string,
  shape: Shape,
  value: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<z.infer<Shape>> {
  const sent = { ...headers, 'content-type': 'application/json' };
  return call(api, path, shape, { method: 'POST', body: JSON.stringify(value), headers: sent });
}

/** An answer that goes on, until it ends or the signal is aborted. Rejects with the API's own words. */
export async function openStream(
  api: Api,
  path: string,
  more: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const authorization = api.token && { authorization: `Bearer ${api.token}` };
  const headers = { accept: 'text/event-stream', ...more, ...authorization };
  const response = await send(urlOf(api, path), { headers }, signal);
  if (!response.ok) throw problemOf(response, await boundedJson(response, ANSWER_MAX_BYTES));
  return response.body ?? nothing();
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // An answer without a body.
}

function urlOf({ base }: Api, path: string): URL {
  return new URL(base.href.replace(/\/$/, '') + path);
}

/** What the API answers when something is to be no more. */
export function deleteJson<Shape extends z.ZodType>(
  api: Api,
  path: string,
  shape: Shape,
): Promise<z.infer<Shape>> {
  return call(api, path, shape, { method: 'DELETE' });
}

async function call<Shape extends z.ZodType>(
  api: Api,
  path: string,
  shape: Shape,
  request: {
    readonly method: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<z.infer<Shape>> {
  const authorization = api.token && { authorization: `Bearer ${api.token}` };
  const headers = { accept: 'application/json', ...request.headers, ...authorization };
  const url = urlOf(api, path);
  const response = await send(url, { ...request, headers });
  const body = await boundedJson(response, ANSWER_MAX_BYTES);
  if (!response.ok) throw problemOf(response, body);
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  const { path: at, message } = parsed.error.issues[0]!;
  throw new CustodyError('format-invalid', `${url.origin} answered in a shape this custody does not know`, {
    hint: `at ${at.join('.') || 'the top'}: ${message}; are the gateway and this custody of one version?`,
  });
}

const codes: Readonly<Record<number, ErrorCode>> = {
  401: 'token-invalid',
  403: 'access-denied',
  404: 'not-found',
  409: 'conflict',
  429: 'too-many-failures',
};

const LOG_IN = 'log in again: custody login';
const NOT_TAKEN =
  'the token was not taken: it has expired, is for somebody else, or you were logged out at the identity provider';

/** The API's own words (RFC 9457), else the status. */
function problemOf({ status, url }: Response, body: unknown): CustodyError {
  const problem = problemSchema.safeParse(body).data ?? {};
  // API Gateway refuses without our words when the authorizer did not take the token.
  if (status === 403 && problem.code === undefined)
    return new CustodyError('token-invalid', NOT_TAKEN, { hint: LOG_IN });
  const message = problem.detail ?? problem.title ?? `${new URL(url).origin} answered with status ${status}`;
  const hint = problem.hint ?? (status === 401 ? LOG_IN : undefined);
  const code = problem.code === 'evidence-redacted' ? problem.code : codes[status];
  return new CustodyError(code ?? 'internal', message, hint === undefined ? {} : { hint });
}
