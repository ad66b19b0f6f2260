/** What a call is called, for people and for those who search. */
import type { Call } from '#core/protocols/kubernetes/call.ts';
import { callOf } from '#core/protocols/kubernetes/request-info.ts';
import type { RequestHead } from '#core/protocols/kubernetes/tape.ts';
import { shownWords } from '../shown.ts';
import { headerOf } from './body.ts';
import { isTrue } from './command-reading.ts';
import type { KubernetesReplayLimits, KubernetesStepKind, ShownCall, ShownPair } from './step.ts';

/** Of one value of a query, or of a header that is shown. */
const VALUE_MAX = 1024;
/** They are told otherwise. */
const TOLD = new Set(['command', 'container', 'tty', 'stdin', 'stdout', 'stderr', 'watch', 'timeout']);
const UPGRADES: readonly string[] = ['exec', 'attach', 'portforward'];

/** Undefined where nobody can say what was asked: the gateway lets none of those pass. */
export function callIn({ method, target, headers }: RequestHead): Call | undefined {
  try {
    return callOf(method, target, headers);
  } catch {
    return undefined;
  }
}

/** The kind of its step, once it is over and was let pass. */
export function kindOf(
  call: Call | undefined,
): Extract<KubernetesStepKind, 'call' | 'watch' | 'logs' | 'exec' | 'attach' | 'portforward'> {
  if (call?.kind !== 'resource') return 'call';
  const { verb, resource, subresource, group } = call;
  if (verb === 'watch') return 'watch';
  if (group !== '' || resource !== 'pods') return 'call';
  if (subresource === 'log') return 'logs';
  return UPGRADES.includes(subresource ?? '') ? (subresource as 'exec' | 'attach' | 'portforward') : 'call';
}

/** It goes on until somebody ends it. */
export function isLasting(call: Call | undefined): boolean {
  const kind = kindOf(call);
  return kind === 'logs' ? isTrue(call!.query.get('follow')) : kind !== 'call';
}

export function namesOf(
  head: RequestHead,
  call: Call | undefined,
  { text, list }: Pick<KubernetesReplayLimits, 'text' | 'list'>,
): Pick<ShownCall, 'method' | 'target' | 'http' | 'connection' | 'verb' | 'resource' | 'path' | 'query'> {
  const { method, target, http, connection, headers } = head;
  const agent = headerOf(headers, 'user-agent')?.slice(0, VALUE_MAX);
  const query = queryOf(call, list);
  return {
    ...{ method, target: shownWords(target, text), http, connection },
    ...placeOf(call),
    ...(query.length > 0 && { query }),
    ...(agent && { agent }),
  };
}

function placeOf(call: Call | undefined): Partial<ShownCall> {
  if (call === undefined) return {};
  if (call.kind === 'path') return { verb: call.verb, path: call.path };
  const { verb, version, namespace, name, rest } = call;
  return {
    verb,
    resource: resourceName(call),
    version,
    ...(namespace !== '' && { namespace }),
    ...(name !== '' && { name }),
    ...(rest !== undefined && { path: rest }),
  };
}

function resourceName({ group, resource, subresource }: Extract<Call, { kind: 'resource' }>): string {
  const whole = group === '' ? resource : `${resource}.${group}`;
  return subresource === undefined ? whole : `${whole}/${subresource}`;
}

function queryOf(call: Call | undefined, most: number): readonly ShownPair[] {
  const pairs = [...(call?.query ?? [])].filter(([name]) => !TOLD.has(name));
  return pairs.slice(0, most).map(([name, value]) => ({ name, value: value.slice(0, VALUE_MAX) }));
}

/** `delete pods dev/web-0`, `list deployments.apps dev/*`, `get /version`. */
export function callText(call: ShownCall): string {
  const { verb, method, resource, path, target } = call;
  if (verb === undefined) return `${method} ${target.text}`;
  if (resource === undefined) return `${verb} ${path}`;
  const rest = path === undefined ? '' : `/${path.replace(/^\//, '')}`;
  return [verb, resource, placeText(call), rest].filter(Boolean).join(' ');
}

/** Are about all that there are. */
const OF_ALL: ReadonlySet<string | undefined> = new Set(['list', 'watch', 'deletecollection']);

/** `dev/web-0`; of a list `dev/*`. A namespace itself is in the namespace of its name, to the API server. */
export function placeText({ verb, resource, namespace, name = '' }: ShownCall): string {
  const isNamespace = resource?.split('/')[0] === 'namespaces';
  if (namespace === undefined || isNamespace) return name;
  return `${namespace}/${name === '' && OF_ALL.has(verb) ? '*' : name}`;
}

/** What a client asks to learn what there is to ask for: no work of whom it is for. */
const DISCOVERY = /^\/(?:api(?:\/[^/]+)?|apis(?:\/[^/]+){0,2}|openapi\/.+|version)\/?$/;

export function isDiscovery({ verb, path, resource }: ShownCall): boolean {
  return verb === 'get' && resource === undefined && DISCOVERY.test(path ?? '');
}
