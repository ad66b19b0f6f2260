/**
 * A call as a text that people approve: verb, resource, place, and what it carries.
 *
 *     patch deployments.apps/scale prod/web {"spec":{"replicas":3}}
 *     create pods/exec prod/web-0?container=main ["sh","-c","id"]
 *     delete pods prod/web-0
 *     get /version
 *
 * A place is `namespace/name`; either may be empty: `list pods prod/`, `get nodes /node-1`. A parameter of the query that makes it
 * another call stands behind its place. One call has one canonical text, in which members are sorted.
 */
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type { BodyValue } from '../bodies/read.ts';
import { isList, isObject } from '../bodies/value.ts';

export interface CallText {
  readonly verb: string;
  /** `deployments.apps/scale`, or the path of what is no resource. */
  readonly what: string;
  /** Absent of a path. */
  readonly place?: { readonly namespace: string; readonly name: string };
  /** Sorted by name, then as they came. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** Of exec its words, else the body. */
  readonly carries?: BodyValue;
}

export function callText({ verb, what, place, parameters, carries }: CallText): string {
  const where = place === undefined ? what : `${what} ${place.namespace}/${place.name}`;
  const query = parameters.map(([name, value]) => `${part(name)}=${part(value)}`).join('&');
  const line = `${verb} ${where}${query === '' ? '' : `?${query}`}`;
  return carries === undefined ? line : `${line} ${canonicalJson(carries)}`;
}

function part(text: string): string {
  return encodeURIComponent(text);
}

/** Members in the order of their names; numbers and texts as JSON.stringify writes them. */
export function canonicalJson(value: BodyValue): string {
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name]!)}`);
  return `{${members.join(',')}}`;
}

const RESOURCE_VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
const PATH_VERBS = ['get', 'head', 'post', 'put', 'patch', 'delete'];
const WHAT = /^[a-z0-9_-]+(?:\.[a-z0-9.-]+)?(?:\/[a-z0-9_.-]+)?$/;
const LINE = /^(\S+) +(\S+)(?: +(?![[{])([^\s?]+))?(?:\?(\S*))?(?: +([[{].*))?$/s;

/** Throws `format-invalid` for what is no call's text. */
export function parseCallText(text: string): CallText {
  const [, verb, what, where, query, carries] = LINE.exec(text.trim()) ?? [];
  if (verb === undefined || what === undefined) throw invalid('is no call');
  const behind = { parameters: parametersOf(query), ...carried(carries) };
  if (what.startsWith('/')) {
    if (!PATH_VERBS.includes(verb) || where !== undefined) throw invalid('is no call of a path');
    return { verb, what, ...behind };
  }
  if (!RESOURCE_VERBS.includes(verb))
    throw invalid(`has no verb of Kubernetes: ${JSON.stringify(verb.slice(0, 40))}`);
  if (!WHAT.test(what)) throw invalid('names no resource such as pods, pods/exec or deployments.apps');
  return { verb, what, place: placeOf(where ?? '/'), ...behind };
}

function placeOf(where: string): { namespace: string; name: string } {
  const slash = where.indexOf('/');
  if (slash === -1) throw invalid('names no place: write namespace/name, as in prod/web, prod/ or /node-1');
  const [namespace, name] = [where.slice(0, slash), where.slice(slash + 1)];
  if (name.includes('/')) throw invalid('has two slashes in its place');
  return { namespace, name };
}

function parametersOf(query = ''): CallText['parameters'] {
  return sorted([...new URLSearchParams(query)]);
}

export function sorted(parameters: readonly (readonly [string, string])[]): CallText['parameters'] {
  return parameters.toSorted(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
}

function carried(json: string | undefined): { carries?: BodyValue } {
  if (json === undefined) return {};
  try {
    return { carries: parseJson(json) as BodyValue };
  } catch (thrown) {
    throw invalid(`carries no JSON${thrown instanceof CustodyError ? `: ${thrown.message}` : ''}`);
  }
}

/** Throws `format-invalid` for a text that no judge would ever find a call for: what passes in a stream has no name. */
export function refuseUnnameable({ verb, what, carries }: CallText): void {
  const subresource = what.startsWith('/') ? '' : (what.split('/')[1] ?? '');
  if (['attach', 'portforward', 'proxy'].includes(subresource))
    throw invalid(`is of ${what}: what passes by it is no call that could be named`);
  if (what.startsWith('/') && verb !== 'get' && verb !== 'head')
    throw invalid('is of a path, which is only read here');
  const isWords = isList(carries) && carries.length > 0 && carries.every((word) => typeof word === 'string');
  if ((subresource === 'exec') !== (verb === 'create' && isWords)) throw invalid(EXEC);
  const isBare = verb === 'get' || verb === 'list' || verb === 'watch' || verb === 'head';
  if (isBare && carries !== undefined) throw invalid('reads, and carries nothing');
  if (['create', 'update', 'patch'].includes(verb) && carries === undefined) throw invalid('has no body');
}

const EXEC = 'has words of a command where exec alone has them: create pods/exec prod/web-0 ["sh","-c","id"]';

/** The words complete "the call …". */
export function invalid(how: string): CustodyError {
  return new CustodyError('format-invalid', `the call ${how}`, {
    hint: 'write it as in: patch deployments.apps/scale prod/web {"spec":{"replicas":3}}',
  });
}
