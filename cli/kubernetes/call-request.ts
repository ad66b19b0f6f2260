/** A contract's call as a request of the API. https://kubernetes.io/docs/reference/using-api/api-concepts/ */
import { CustodyError } from '#core/errors.ts';
import type { RunnableCommand } from '#core/tasks/shapes.ts';

export type RunnableCall = Extract<RunnableCommand, { readonly call: unknown }>['call'];

export interface CallRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly type?: string;
  readonly body?: string;
  /** Its answer is a stream of a command's channels. */
  readonly upgrades: boolean;
}

const METHODS: Readonly<Record<Exclude<RunnableCall['verb'], 'watch'>, string>> = {
  get: 'GET',
  list: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

const JSON_TYPE = 'application/json';

/** Asked where a call has no body that says it: `''` is the core group. */
export type VersionOf = (group: string) => Promise<string>;

/** Throws `unsupported` for a watch, which has no end. */
export async function requestOf(call: RunnableCall, versionOf: VersionOf): Promise<CallRequest> {
  const { verb, resource, command } = call;
  if (verb === 'watch')
    throw new CustodyError('unsupported', 'a watch has no end, and is for a client of its own', {
      hint: 'custody run task RUN TASK -- kubectl get --watch …',
    });
  const path = `${await pathOf(call, versionOf)}${queryOf(call)}`;
  if (command !== undefined) return { method: 'GET', path, upgrades: true };
  const body = bodyOf(call);
  const sent = body === undefined ? {} : { body: JSON.stringify(body), type: typeOf(call, resource) };
  return { method: METHODS[verb], path, upgrades: false, ...sent };
}

async function pathOf(
  { verb, resource, namespace, name, body }: RunnableCall,
  versionOf: VersionOf,
): Promise<string> {
  const [whole = '', subresource] = resource.split('/', 2);
  const dot = whole.indexOf('.');
  const [plural, group] = dot === -1 ? [whole, ''] : [whole.slice(0, dot), whole.slice(dot + 1)];
  const version = versionIn(body, group, subresource) ?? (await versionOf(group));
  // An object that is made is named by itself, one of many by a selector.
  const isOfMany =
    (verb === 'create' && subresource === undefined) || verb === 'list' || verb === 'deletecollection';
  const isNamed = name !== undefined && !isOfMany;
  return [
    ...(group === '' ? ['', 'api'] : ['', 'apis', group]),
    version,
    ...(namespace === '' ? [] : ['namespaces', encodeURIComponent(namespace)]),
    plural,
    ...(isNamed ? [encodeURIComponent(name)] : []),
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/');
}

/** An object says of which version it is; that of a subresource (`Scale`, `Eviction`) has a group of its own. */
function versionIn(body: unknown, group: string, subresource: string | undefined): string | undefined {
  if (group === '') return 'v1';
  const { apiVersion } = (body ?? {}) as { apiVersion?: unknown };
  if (subresource !== undefined || typeof apiVersion !== 'string') return undefined;
  return apiVersion.startsWith(`${group}/`) ? apiVersion.slice(group.length + 1) : undefined;
}

function queryOf({ verb, query = {}, name, resource, command }: RunnableCall): string {
  const { patch, ...rest } = query;
  const search = new URLSearchParams(rest);
  // Who made a change: server-side apply wants to be told.
  if (patch === 'apply' && !search.has('fieldManager')) search.set('fieldManager', 'custody');
  if ((verb === 'list' || verb === 'deletecollection') && name !== undefined)
    search.append('fieldSelector', `metadata.name=${name}`);
  if (command !== undefined && resource.endsWith('/exec')) {
    for (const stream of ['stdout', 'stderr']) search.set(stream, 'true');
    for (const word of command) search.append('command', word);
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

/** Of a deletion, what is said of it are its options. */
function bodyOf({ verb, body }: RunnableCall): unknown {
  if (body === undefined || !verb.startsWith('delete')) return body;
  return { kind: 'DeleteOptions', apiVersion: 'v1', ...(body as object) };
}

/** As kubectl has it: what the API server knows of its own kinds tells it how to merge their lists. */
function typeOf({ verb, query, body }: RunnableCall, resource: string): string {
  if (verb !== 'patch') return JSON_TYPE;
  if (query?.['patch'] === 'apply') return 'application/apply-patch+yaml';
  if (query?.['patch'] === 'merge') return 'application/merge-patch+json';
  if (Array.isArray(body)) return 'application/json-patch+json';
  const [, group = ''] = /^[^./]+\.([^/]+)/.exec(resource) ?? [];
  const isBuiltIn = !group.includes('.') || group.endsWith('.k8s.io');
  return isBuiltIn ? 'application/strategic-merge-patch+json' : 'application/merge-patch+json';
}
