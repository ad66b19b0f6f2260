import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { ScimDesk } from '#core/identity/scim/desk.ts';
import { RESULTS_MAX, resourceTypes, schemas, serviceProviderConfig } from '#core/identity/scim/discovery.ts';
import { parseFilter } from '#core/identity/scim/filter.ts';
import { kinds } from '#core/identity/scim/kinds.ts';
import type { Directory } from '#core/identity/scim/meaning.ts';
import {
  chosen,
  errorMessage,
  type Json,
  listOfResources,
  resourceOf,
} from '#core/identity/scim/messages.ts';
import { parsePatch } from '#core/identity/scim/patch.ts';
import { scimRefusal, scimTypeOf } from '#core/identity/scim/refusal.ts';
import type { Entry, Kind } from '#core/identity/scim/store.ts';
import { parseJsonBytes } from '#core/json.ts';
import type { ApiEvent, ApiResult } from '../api-event.ts';
import { bytesOf, type HttpHandler } from '../http.ts';
import { type FaultLog, problem } from '../problem.ts';
import { type BearerPorts, directoryOf, headerOf } from './bearer.ts';

export interface ScimHandlerPorts extends BearerPorts {
  readonly desk: ScimDesk;
  /** Where the API is reached, without a slash at its end. */
  readonly baseUrl: string;
  readonly log: FaultLog;
}

/** The longest body that a directory may send: a group of thousands. */
export const SCIM_BODY_MAX_BYTES = 1 << 20;
const TYPE = 'application/scim+json';
const NO_CONTENT: ApiResult = { statusCode: 204, headers: { 'cache-control': 'no-store' }, body: '' };

/** A call of a directory that has shown its secret. */
interface Call {
  readonly event: ApiEvent;
  readonly directory: Directory;
  readonly base: string;
  readonly query: URLSearchParams;
  readonly desk: ScimDesk;
}

/** `/v1/scim/{issuer}/v2/…`: SCIM 2.0 for the directory of one issuer. Its own secret lets it in; no token of a person does. */
export function scimHandler(ports: ScimHandlerPorts): HttpHandler {
  return async (event) => {
    try {
      const { issuer = '', proxy = '' } = event.pathParameters ?? {};
      const directory = await directoryOf(event, issuer, ports);
      const base = `${ports.baseUrl}/v1/scim/${issuer}/v2`;
      // As it was sent: of a plus sign and a repeated name, API Gateway makes something else.
      const query = new URLSearchParams(event.rawQueryString);
      return await answer({ event, directory, base, query, desk: ports.desk }, proxy.split('/'));
    } catch (thrown) {
      return failure(asCustodyError(thrown), ports.log);
    }
  };
}

async function answer(call: Call, [endpoint = '', id, ...more]: readonly string[]): Promise<ApiResult> {
  const kind = kindAt(endpoint);
  if (more.length > 0 || id === '') throw nothing();
  if (kind === undefined) return discovery(call, endpoint, id);
  return id === undefined ? collection(call, kind) : resource(call, kind, id);
}

/** RFC 7644 section 4: these are read, never filtered. */
function discovery({ event, base, query }: Call, endpoint: string, id: string | undefined): ApiResult {
  const found = discovered(base, endpoint, id);
  if (found === undefined) throw nothing();
  requireMethod(event, 'GET');
  if (query.has('filter')) throw new CustodyError('access-denied', 'this cannot be filtered');
  return scim(200, found);
}

function discovered(base: string, endpoint: string, id: string | undefined): Json | undefined {
  switch (endpoint) {
    case 'ServiceProviderConfig':
      return id === undefined ? serviceProviderConfig(base) : undefined;
    case 'ResourceTypes':
      return oneOrAll(resourceTypes(base), id);
    case 'Schemas':
      return oneOrAll(schemas(base), id);
    default:
      return undefined;
  }
}

function oneOrAll(all: readonly Json[], id: string | undefined): Json | undefined {
  return id === undefined ? listOfResources(all, all.length, 1) : all.find((one) => one['id'] === id);
}

async function collection(call: Call, kind: Kind): Promise<ApiResult> {
  const { event, directory, desk } = call;
  if (methodOf(event) === 'GET') return list(call, kind);
  requireMethod(event, 'GET', 'POST');
  const made = await desk.create(directory, kind, bodyOf(event));
  const shown = shownEntry(call, made);
  return scim(201, shown, { location: `${call.base}/${kinds[kind].endpoint}/${made.id}` });
}

async function list(call: Call, kind: Kind): Promise<ApiResult> {
  const { directory, desk, query } = call;
  const filter = query.get('filter');
  const terms = filter === null ? [] : parseFilter(filter);
  const startIndex = Math.max(1, wholeNumber(query, 'startIndex', 1));
  const count = Math.min(RESULTS_MAX, Math.max(0, wholeNumber(query, 'count', RESULTS_MAX)));
  const { total, entries } = await desk.list(directory, kind, terms, startIndex - 1, count);
  const resources = entries.map((entry) => shownEntry(call, entry));
  return scim(200, listOfResources(resources, total, startIndex));
}

async function resource(call: Call, kind: Kind, id: string): Promise<ApiResult> {
  const { event, directory, desk } = call;
  const shown = (entry: Entry): ApiResult => scim(200, shownEntry(call, entry));
  switch (methodOf(event)) {
    case 'GET':
      return shown(await desk.get(directory, kind, id));
    case 'PUT':
      return shown(await desk.replace(directory, kind, id, bodyOf(event)));
    case 'PATCH':
      return patched(call, await desk.patch(directory, kind, id, parsePatch(bodyOf(event))));
    case 'DELETE':
      await desk.remove(directory, kind, id);
      return NO_CONTENT;
    default:
      throw notAllowed('GET', 'PUT', 'PATCH', 'DELETE');
  }
}

/** RFC 7644 section 3.5.2: a group's thousands of members are sent back only to whoever asks for something of it. */
function patched(call: Call, entry: Entry): ApiResult {
  if (entry.kind === 'Group' && !call.query.has('attributes')) return NO_CONTENT;
  return scim(200, shownEntry(call, entry));
}

function shownEntry({ base, query }: Call, entry: Entry): Json {
  return chosen(resourceOf(entry, base), query.get('attributes'), query.get('excludedAttributes'));
}

function kindAt(endpoint: string): Kind | undefined {
  return (Object.keys(kinds) as Kind[]).find((kind) => kinds[kind].endpoint === endpoint);
}

function wholeNumber(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name);
  if (text === null || text === '') return otherwise;
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw scimRefusal('invalidValue', `${name} is no whole number`);
}

function bodyOf(event: ApiEvent): unknown {
  if (!/^application\/(?:scim\+)?json *(?:;|$)/i.test(headerOf(event, 'content-type')))
    throw scimRefusal('invalidSyntax', `send JSON, with content-type: ${TYPE}`);
  try {
    return parseJsonBytes(bytesOf(event), SCIM_BODY_MAX_BYTES);
  } catch (thrown) {
    throw scimRefusal('invalidSyntax', `the body ${asCustodyError(thrown).message}`);
  }
}

/** A HEAD is a GET whose body is not sent. */
function methodOf({ requestContext }: ApiEvent): string {
  const { method } = requestContext.http;
  return method === 'HEAD' ? 'GET' : method;
}

function requireMethod(event: ApiEvent, ...methods: readonly string[]): void {
  if (!methods.includes(methodOf(event))) throw notAllowed(...methods);
}

/** The hint tells `failure` of the status. */
function notAllowed(...methods: readonly string[]): CustodyError {
  return new CustodyError('unsupported', `this takes ${methods.join(', ')}`, { hint: 'method' });
}

function nothing(): CustodyError {
  return new CustodyError('not-found', 'there is nothing here');
}

function scim(status: number, body: Json, headers: Readonly<Record<string, string>> = {}): ApiResult {
  return {
    statusCode: status,
    headers: { 'content-type': TYPE, 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

/** RFC 7644 section 3.12. The status, the headers and what is logged are as for every other caller. */
function failure(error: CustodyError, log: FaultLog): ApiResult {
  const { statusCode = 500, headers } = problem(error, log, error.hint === 'method' ? 405 : undefined);
  const words = statusCode >= 500 ? 'the directory cannot be changed now: try again' : error.message;
  const body = errorMessage(statusCode, words, scimTypeOf(error));
  return { statusCode, headers: { ...headers, 'content-type': TYPE }, body: JSON.stringify(body) };
}
