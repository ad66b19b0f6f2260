/** One entry of a rule's `calls` or `deny`, and whether a call fits it. */
import { fits, leads } from '#core/access/patterns.ts';
import type { Call, ResourceCall, Verb } from '../call.ts';
import { resourceWords } from '../call-words.ts';
import { isCollective } from '../request-info.ts';
import type { CallPattern } from '../schema.ts';
import { fitsCommand } from './command-pattern.ts';
import { commandsOf, reachesNode, type Seen } from './does.ts';
import { fitsResource, resourcePattern } from './resource-pattern.ts';

/** In `deny` a pattern has whatever might do what it forbids, in `calls` only what surely does what it lets pass. */
export type Side = 'calls' | 'deny';

/** Undefined: the body would tell. */
export type Fit = boolean | undefined;

/** True where all that the pattern says holds. */
export function fitOf(pattern: CallPattern, seen: Seen, side: Side): Fit {
  let isKnown = true;
  for (const part of PARTS) {
    const fit = part(pattern, seen, side);
    if (fit === false) return false;
    isKnown &&= fit === true;
  }
  return isKnown ? true : undefined;
}

type Part = (pattern: CallPattern, seen: Seen, side: Side) => Fit;

/** Those that need no body come first. */
const PARTS: readonly Part[] = [
  ({ verbs }, { call }, side) => verbs?.some((verb) => fitsVerb(verb, call, side)) ?? true,
  fitsPlace,
  fitsNamespace,
  fitsName,
  fitsCommands,
  fitsPrivileged,
];

const READS: ReadonlySet<Verb> = new Set(['get', 'list', 'watch', 'head', 'options']);
/** What is no resource has verbs of its own. */
const SAME: Readonly<Partial<Record<Verb, string>>> = { head: 'get', post: 'create', put: 'update' };
/** They give, and take, the same objects: whoever forbids the one means the other, or its names would be of no use. */
const WIDER: Readonly<Partial<Record<Verb, string>>> = {
  list: 'get',
  watch: 'get',
  deletecollection: 'delete',
};

function fitsVerb(wanted: string, call: Call, side: Side): boolean {
  const { verb } = call;
  if (wanted === '*' || wanted === (READS.has(verb) ? 'read' : 'write')) return true;
  if (wanted === (SAME[verb] ?? verb)) return true;
  if (side === 'calls') return false;
  return (
    wanted === WIDER[verb] || (wanted === 'create' && call.kind === 'resource' && call.mayCreate === true)
  );
}

function fitsPlace({ paths, resources, ...more }: CallPattern, { call }: Seen): boolean {
  if (call.kind === 'resource')
    return (
      paths === undefined && (resources?.some((one) => fitsResource(resourcePattern(one), call)) ?? true)
    );
  if (paths !== undefined) return paths.some((path) => fitsPath(path, call.path));
  return [resources, more.namespaces, more.names, more.commands, more.privileged].every(
    (one) => one === undefined,
  );
}

/** A slash at the end makes no difference to servers that know the path. */
function fitsPath(pattern: string, path: string): boolean {
  return fits(pattern, path) || fits(pattern, path.endsWith('/') ? path.slice(0, -1) : `${path}/`);
}

function fitsNamespace({ namespaces }: CallPattern, { call }: Seen, side: Side): boolean {
  if (namespaces === undefined || call.kind === 'path') return true;
  if (namespaces.some((pattern) => fits(pattern, call.namespace))) return true;
  return side === 'deny' && isOfAllNamespaces(call);
}

/** Kubernetes' own resources that are in no namespace: to list them gives nothing of any. */
const IN_NONE: ReadonlySet<string> = new Set([
  ...['namespaces', 'nodes', 'persistentvolumes', 'componentstatuses'],
  ...['clusterroles.rbac.authorization.k8s.io', 'clusterrolebindings.rbac.authorization.k8s.io'],
  ...['storageclasses', 'volumeattachments', 'csidrivers', 'csinodes'].map(
    (name) => `${name}.storage.k8s.io`,
  ),
  ...['ingressclasses.networking.k8s.io', 'priorityclasses.scheduling.k8s.io', 'runtimeclasses.node.k8s.io'],
  ...['certificatesigningrequests.certificates.k8s.io', 'apiservices.apiregistration.k8s.io'],
  'customresourcedefinitions.apiextensions.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
]);

function isOfAllNamespaces({ verb, namespace, resource, group }: ResourceCall): boolean {
  return isCollective(verb) && namespace === '' && !IN_NONE.has(resourceWords({ resource, group }));
}

function fitsName({ names }: CallPattern, { call, body }: Seen, side: Side): Fit {
  if (names === undefined) return true;
  if (call.kind === 'path') return false;
  const known = namesOf(call);
  if (known.length > 0) return known.some((name) => names.some((pattern) => fits(pattern, name)));
  if (call.verb !== 'create') return side === 'deny';
  if (body === undefined || body.kind === 'unreadable') return undefined;
  const { name, generateName } = body;
  if (name !== undefined) return names.some((pattern) => fits(pattern, name));
  return generateName !== undefined && names.some((pattern) => fitsMade(pattern, generateName, side));
}

/** Of `proxy` the name may be `https:web:443`: with a scheme and a port (Kubernetes, "Access Services Running on Clusters"). */
function namesOf({ name, subresource, group }: ResourceCall): readonly string[] {
  if (name === '') return [];
  if (subresource !== 'proxy' || group !== '') return [name];
  const parts = name.split(':');
  return [name, parts.length === 3 ? parts[1]! : parts[0]!];
}

/** A made name ends with five characters of its server's choice, and 63 are its longest. */
const MADE_OF_MAX = 58;

/**
 * Surely fits: with two ends that have no character in common, whatever of the pattern stands for itself has its place in front
 * of them, and the rest takes any.
 */
function fitsMade(pattern: string, front: string, side: Side): boolean {
  if (side === 'deny') return leads(pattern, front.slice(0, MADE_OF_MAX));
  return front.length <= MADE_OF_MAX && ['bcdfg', 'zzzzz'].every((end) => fits(pattern, front + end));
}

function fitsCommands({ commands }: CallPattern, seen: Seen, side: Side): Fit {
  if (commands === undefined) return true;
  const runs = commandsOf(seen);
  if (runs === undefined || runs === 'unsure') return runs === undefined ? undefined : side === 'deny';
  const isNamed = (words: readonly string[]): boolean => commands.some((one) => fitsCommand(one, words));
  // Without words it is whatever the image has for it.
  if (side === 'deny') return runs.some((words) => words.length > 0 && isNamed(words));
  return runs.length > 0 && runs.every((words) => words.length > 0 && isNamed(words));
}

function fitsPrivileged({ privileged }: CallPattern, seen: Seen, side: Side): Fit {
  if (privileged === undefined) return true;
  const reaches = reachesNode(seen);
  if (reaches === 'unsure') return side === 'deny';
  return reaches === undefined ? undefined : reaches === privileged;
}
