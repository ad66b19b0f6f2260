/** What a call does beyond its line: the commands that run by it, and whether it reaches the node under a pod. */
import type { Call, ResourceCall } from '../call.ts';
import type { LookedBody } from './looked-body.ts';

export interface Seen {
  readonly call: Call;
  /** Absent while nobody has looked at it. */
  readonly body?: LookedBody | undefined;
}

const STREAMS: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);

/** It may bring a pod, or a template of one. */
function bringsBody(call: Call): boolean {
  if (call.kind === 'path') return false;
  const isWrite = call.verb === 'create' || call.verb === 'update' || call.verb === 'patch';
  return isWrite && !STREAMS.has(call.subresource ?? '');
}

/** Undefined: the body would tell. `unsure`: it does not. */
export function commandsOf({ call, body }: Seen): readonly (readonly string[])[] | 'unsure' | undefined {
  if (call.kind === 'resource' && call.subresource === 'exec') return [call.query.getAll('command')];
  if (!bringsBody(call)) return [];
  if (body?.kind !== 'read') return undefined;
  if (body.pod === undefined) return [];
  if (body.pod.unsure) return 'unsure';
  return [...body.pod.commands, ...body.pod.ephemeralContainers].map(({ words }) => words);
}

/** Undefined: the body would tell. `unsure`: it does not. */
export function reachesNode({ call, body }: Seen): boolean | 'unsure' | undefined {
  if (call.kind === 'resource' && (isOfKubelet(call) || binds(call))) return true;
  if (!bringsBody(call)) return false;
  if (body?.kind !== 'read') return undefined;
  const { pod } = body;
  if (pod === undefined) return false;
  const { privileged, hostPID, hostIPC, hostNetwork, hostPaths, capabilities, nodeName } = pod;
  if (privileged || hostPID || hostIPC || hostNetwork) return true;
  if (hostPaths.length > 0 || capabilities.length > 0) return true;
  // Where a pod runs already is said in each whole one, and cannot be changed.
  const isThere = call.kind === 'resource' && call.resource === 'pods' && call.verb !== 'create';
  if (nodeName !== undefined && !isThere) return true;
  return pod.unsure ? 'unsure' : false;
}

function isOfKubelet({ group, resource, subresource }: ResourceCall): boolean {
  return group === '' && resource === 'nodes' && subresource === 'proxy';
}

/** Puts a pod on a node of its own choice, as a scheduler does. */
function binds({ group, resource, subresource, verb }: ResourceCall): boolean {
  const isBinding = resource === 'bindings' || (resource === 'pods' && subresource === 'binding');
  return group === '' && isBinding && verb !== 'get';
}

/** Paths of a kubelet that do what a pod's subresources do. */
const KUBELET: Readonly<Record<string, string>> = {
  exec: 'exec',
  run: 'exec',
  attach: 'attach',
  portforward: 'portforward',
  containerlogs: 'log',
};

/**
 * By the proxy of a node its kubelet is reached, which runs commands in pods and knows nothing of namespaces and their rights: what is
 * forbidden of a pod is so by this way, too (security case 4).
 */
export function byKubelet(call: Call): ResourceCall | undefined {
  if (call.kind === 'path' || !isOfKubelet(call)) return undefined;
  const [what = '', namespace, name] = (call.rest ?? '').split('/').map((part) => decodeURIComponent(part));
  const subresource = KUBELET[what.toLowerCase()];
  if (subresource === undefined || namespace === undefined || name === undefined) return undefined;
  const { group, version, upgrades } = call;
  const verb = subresource === 'log' ? 'get' : 'create';
  return {
    kind: 'resource',
    verb,
    group,
    version,
    resource: 'pods',
    subresource,
    namespace,
    name,
    query: queryOf(call),
    upgrades,
  };
}

/** `run` has one text, which the kubelet takes apart at its spaces. */
function queryOf({ query }: ResourceCall): URLSearchParams {
  const words = query.get('cmd')?.split(' ');
  return words === undefined
    ? query
    : new URLSearchParams(words.map((word): [string, string] => ['command', word]));
}
