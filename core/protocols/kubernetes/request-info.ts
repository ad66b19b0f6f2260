/**
 * What a request is, by the rules of the API server's own RequestInfo (Kubernetes: "Determine the Request Verb", API concepts): its
 * authorizer and its audit log go by them, and so do ours. What they would read in a way of their own, or not at all, is refused.
 */
import { CustodyError } from '#core/errors.ts';
import type { Call, PathCall, ResourceCall, Verb } from './call.ts';
import { resourceWords } from './call-words.ts';
import { selectedName } from './field-name.ts';
import { decoded, plain, type RequestTarget, readTarget, twoReadings } from './request-target.ts';
import type { Headers } from './tape.ts';

const API_NAME = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const NAME_MAX = 253;

/** Read from the query by the API server, of each the first that comes: a second one is somebody else's reading. */
const ONCE = [
  ...[
    'watch',
    'fieldSelector',
    'labelSelector',
    'resourceVersion',
    'limit',
    'continue',
    'allowWatchBookmarks',
  ],
  ...['container', 'stdin', 'stdout', 'stderr', 'tty', 'follow', 'previous', 'tailLines', 'sinceSeconds'],
  ...['dryRun', 'fieldManager', 'force', 'fieldValidation', 'propagationPolicy', 'gracePeriodSeconds'],
];
const ONCE_IN_LOWER_CASE = new Map(ONCE.map((name) => [name.toLowerCase(), name]));

/** These run something, or reach somewhere: RBAC has them as `create`, whatever the method (of the WebSocket GET since 1.35). */
const STARTS: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward']);

const RESOURCE_VERBS: ReadonlyMap<string, Verb> = new Map([
  ['GET', 'get'],
  ['HEAD', 'get'],
  ['POST', 'create'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
]);
const PATH_VERBS: ReadonlyMap<string, Verb> = new Map([
  ['GET', 'get'],
  ['HEAD', 'head'],
  ['POST', 'post'],
  ['PUT', 'put'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
  ['OPTIONS', 'options'],
]);

/**
 * Throws `protocol-violation` for what has no one reading. `target`: behind what named the cluster. `headers`: as they came; of them only
 * counts whether another protocol is asked for on the connection (RFC 9110 section 7.8).
 */
export function callOf(method: string, target: string, headers: Headers = []): Call {
  const upgrades = headers.some(([name]) => name.toLowerCase() === 'upgrade');
  const read = readTarget(target);
  const found = resourceCall(method, read, upgrades);
  if (found === undefined) return pathCall(method, target, read, upgrades);
  return makesWhatIsNotThere(found, headers) ? { ...found, mayCreate: true } : found;
}

/** `/api/v1/…` and `/apis/group/v1/…` with at least one part behind; what is shorter tells what there is. */
function resourceCall(method: string, read: RequestTarget, upgrades: boolean): ResourceCall | undefined {
  const [prefix, ...behind] = read.segments;
  if (prefix !== 'api' && prefix !== 'apis') return undefined;
  const group = prefix === 'apis' ? behind.shift() : '';
  const version = behind.shift();
  if (group === undefined || version === undefined || behind.length === 0) return undefined;
  if (group !== '') apiName(group, 'API group');
  apiName(version, 'API version');
  const { watches, parts } = watchPrefix(method, behind);
  const place = placeOf(parts);
  refuseBehind(read, group, place);
  const { query } = read;
  const verb = watches ? 'watch' : verbOf(method, place, query, upgrades);
  const name = place.name || (isCollective(verb) ? selectedName(query.get('fieldSelector')) : '');
  return { kind: 'resource', verb, group, version, ...place, name, query, upgrades };
}

/** Of Kubernetes 1.37 (`AllowCreateOnUpdate`): the server asks RBAC for `create` as well, once it knows that there is none. */
const CREATED_BY_PUT: ReadonlySet<string> = new Set([
  ...['events', 'endpoints', 'limitranges', 'services', 'events.events.k8s.io'],
  ...['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'].map(
    (name) => `${name}.rbac.authorization.k8s.io`,
  ),
  ...['leases', 'leasecandidates'].map((name) => `${name}.coordination.k8s.io`),
  'runtimeclasses.node.k8s.io',
]);

function makesWhatIsNotThere(call: ResourceCall, headers: Headers): boolean {
  if (call.subresource !== undefined) return false;
  if (call.verb === 'update') return CREATED_BY_PUT.has(resourceWords(call));
  return call.verb === 'patch' && headers.some(isApply);
}

function isApply([name, value]: readonly [string, string]): boolean {
  return name.toLowerCase() === 'content-type' && /^\s*application\/apply-patch\b/i.test(value);
}

/** Of more than one object, unless a field selector names one. */
export function isCollective(verb: Verb): boolean {
  return verb === 'list' || verb === 'watch' || verb === 'deletecollection';
}

/**
 * By a GET that upgrades a proxy goes whatever is behind it: a kubelet's `exec` among it, which whoever may only read the API must not
 * have (security case 4). RBAC has that as `get` still.
 */
function verbOf(
  method: string,
  { name, subresource = '' }: Place,
  query: URLSearchParams,
  upgrades: boolean,
): Verb {
  const verb = RESOURCE_VERBS.get(method);
  if (verb === undefined) throw noMethod(method);
  if (verb === 'get' && (STARTS.has(subresource) || (upgrades && subresource === 'proxy'))) return 'create';
  if (name !== '') return verb;
  if (verb === 'delete') return 'deletecollection';
  if (verb !== 'get') return verb;
  return watchIn(query) ? 'watch' : 'list';
}

/** The API server has anything but `false` and `0` for true; clients write these. */
function watchIn(query: URLSearchParams): boolean {
  const value = query.get('watch')?.toLowerCase();
  if (value === undefined || value === 'false' || value === '0') return false;
  if (value === 'true' || value === '1') return true;
  throw twoReadings(`has watch=${JSON.stringify(value.slice(0, 80))} in its query`);
}

/** What is no resource: discovery, health, metrics, and what an API server has beside its API. */
function pathCall(method: string, target: string, read: RequestTarget, upgrades: boolean): PathCall {
  const verb = PATH_VERBS.get(method);
  if (verb === undefined) throw noMethod(method);
  for (const segment of read.segments) plain(segment, 'path');
  const [first = ''] = read.segments;
  // Of other case it is no API at all, and answered by whatever is there.
  if (first !== first.toLowerCase()) throw twoReadings('has upper case in its first part');
  return { kind: 'path', verb, path: target.split('?', 1)[0]!, query: read.query, upgrades };
}

function noMethod(method: string): CustodyError {
  return new CustodyError(
    'protocol-violation',
    `no call of Kubernetes has the method ${JSON.stringify(method.slice(0, 40))}`,
  );
}

/** `/api/v1/watch/…` is the older form of `?watch=true`. The older form of `proxy` is in no server any more. */
function watchPrefix(
  method: string,
  parts: readonly string[],
): { watches: boolean; parts: readonly string[] } {
  if (parts[0] === 'proxy') throw twoReadings('has "proxy" in front of the resource');
  if (parts[0] !== 'watch') return { watches: false, parts };
  if (parts.length < 2 || method !== 'GET') throw twoReadings('has "watch" in front of no resource');
  return { watches: true, parts: parts.slice(1) };
}

type Place = Pick<ResourceCall, 'resource' | 'subresource' | 'rest' | 'namespace' | 'name'>;

function placeOf(parts: readonly string[]): Place {
  const [first, namespace, third] = parts;
  if (first !== 'namespaces' || namespace === undefined) return placeIn('', parts);
  if (!NAMESPACE.test(plain(namespace, 'namespace')) || namespace.length > 63)
    throw oddName('namespace', namespace);
  // A namespace is in itself, as the API server has it.
  const isOwn = third === undefined || third === 'status' || third === 'finalize';
  return placeIn(namespace, isOwn ? parts : parts.slice(2));
}

function placeIn(namespace: string, [resource, name, subresource, ...rest]: readonly string[]): Place {
  return {
    resource: apiName(resource!, 'resource'),
    namespace,
    name: name === undefined ? '' : objectName(name),
    ...(subresource === undefined ? {} : { subresource: apiName(subresource, 'subresource') }),
    ...(rest.length === 0 ? {} : { rest: rest.join('/') }),
  };
}

function apiName(segment: string, what: string): string {
  const name = plain(segment, what);
  if (!API_NAME.test(name) || name.length > NAME_MAX) throw oddName(what, name);
  return name;
}

function objectName(segment: string): string {
  const name = decoded(segment, 'name');
  // Nor has the API server such names (path segment names).
  if (name.length > NAME_MAX || name.includes('%') || name.includes('/')) throw oddName('name', segment);
  return name;
}

function oddName(what: string, name: string): CustodyError {
  return twoReadings(`has ${JSON.stringify(name.slice(0, 80))} as ${what}`);
}

/** Of `proxy` a slash may be the whole of what follows, and the query is for whoever is asked. Other APIs go on behind a subresource. */
function refuseBehind(
  { endsWithSlash, query }: RequestTarget,
  group: string,
  { subresource, rest }: Place,
): void {
  if (subresource === 'proxy') return;
  if (endsWithSlash) throw twoReadings('ends with a slash');
  if (group === '' && rest !== undefined) throw twoReadings('goes on behind a subresource');
  refuseTwice(query);
}

function refuseTwice(query: URLSearchParams): void {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    const meant = ONCE_IN_LOWER_CASE.get(name.toLowerCase());
    if (meant === undefined) continue;
    if (meant !== name) throw twoReadings(`has "${name}" in its query in place of "${meant}"`);
    if (seen.has(name)) throw twoReadings(`has "${name}" twice in its query`);
    seen.add(name);
  }
}
