/** The canonical text of a call that a client makes: what approvals and contracts compare. */
import { CustodyError } from '#core/errors.ts';
import type { BodyValue } from '../bodies/read.ts';
import { readBody } from '../bodies/read.ts';
import { isList, isObject } from '../bodies/value.ts';
import type { Call, ResourceCall } from '../call.ts';
import { resourceWords } from '../call-words.ts';
import type { JudgedBody } from '../judge.ts';
import { isCollective } from '../request-info.ts';
import { type CallText, sorted } from './call-text.ts';

/** What makes no other call of it: how an answer looks, how much of it there is, who says to have made a change; and a try without effect. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...[
    'pretty',
    'timeout',
    'timeoutSeconds',
    'limit',
    'continue',
    'includeObject',
    'fieldManager',
    'fieldValidation',
  ],
  ...[
    'watch',
    'resourceVersion',
    'resourceVersionMatch',
    'allowWatchBookmarks',
    'sendInitialEvents',
    'dryRun',
  ],
  ...['follow', 'timestamps', 'tailLines', 'limitBytes', 'sinceSeconds', 'sinceTime'],
  ...['stdin', 'stdout', 'stderr', 'tty', 'command'],
]);

/** Neither do these of a deletion's body; `Background` is what happens without a word. */
const HARMLESS_OPTIONS: ReadonlySet<string> = new Set(['kind', 'apiVersion', 'dryRun', 'preconditions']);

/** Undefined: of this call the body is needed, and was not given. Throws `not-approved` for what no text can name. */
export function textOfCall(call: Call, body?: JudgedBody): CallText | undefined {
  if (call.kind === 'path') return pathText(call);
  refuseStreams(call);
  const { verb, namespace, name } = call;
  const base = { verb, what: resourceWords(call), place: { namespace, name } };
  const parameters = parametersOf(call);
  if (call.subresource === 'exec') return { ...base, parameters, carries: call.query.getAll('command') };
  if (READS.has(verb)) return { ...base, parameters };
  if (body === undefined) return undefined;
  return { ...base, ...carriedBy(call, body, parameters) };
}

const READS: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

function pathText({ verb, path, query }: Extract<Call, { kind: 'path' }>): CallText {
  if (verb !== 'get' && verb !== 'head') throw unnameable('what is no resource is only read here');
  return { verb, what: path, parameters: sorted([...query].filter(([name]) => !HARMLESS.has(name))) };
}

/** What passes in a stream is nothing that somebody named. */
function refuseStreams({ subresource = '', resource, query, upgrades, verb }: ResourceCall): void {
  if (subresource === 'attach' || subresource === 'portforward' || subresource === 'proxy')
    throw unnameable(`what passes by ${resource}/${subresource} has no name`);
  if (resource.includes('.')) throw unnameable('its resource has a dot in its name');
  if (subresource !== 'exec') {
    if (upgrades && verb !== 'watch' && subresource !== 'log')
      throw unnameable('what passes in its stream has no name');
    return;
  }
  const stdin = query.get('stdin');
  if (stdin !== null && !/^(?:false|0)$/i.test(stdin))
    throw unnameable('it takes input, which nobody named: leave out -i');
}

/** The text's own word for how a patch is meant: in a query it says nothing to the API server, and would say it to whoever approves. */
function parametersOf({ query, verb }: ResourceCall): CallText['parameters'] {
  if (query.has('patch')) throw unnameable('its query has "patch", which no call of Kubernetes has');
  const kept = [...query].filter(([name, value]) => !HARMLESS.has(name) && !isJustName(name, value, verb));
  return sorted(kept);
}

/** The name stands in the place. */
function isJustName(name: string, value: string, verb: ResourceCall['verb']): boolean {
  return name === 'fieldSelector' && isCollective(verb) && /^metadata\.name==?[^,=!]+$/.test(value);
}

function carriedBy(
  call: ResourceCall,
  body: JudgedBody,
  parameters: CallText['parameters'],
): Pick<CallText, 'parameters' | 'carries'> {
  const isDeletion = call.verb === 'delete' || call.verb === 'deletecollection';
  if (body.bytes.length === 0) {
    if (isDeletion) return { parameters };
    throw unnameable('it has no body');
  }
  const read = readBody(body.bytes, body.type, body.encoding);
  if (read.kind === 'unreadable') throw unnameable(`its body ${read.why}`);
  if (read.unknown.length > 0) throw unnameable('its body has fields that are not known here');
  if (isDeletion) return { parameters, ...optionsOf(read.value) };
  const how = call.verb === 'patch' ? patchParameters(body.type, read.value, call) : [];
  return { parameters: sorted([...parameters, ...how]), carries: bare(read.value, call.namespace) };
}

/**
 * Without a word it is `merge` or `strategic`, by the kind of resource; a list is a JSON Patch. A merge takes away whatever a list does not
 * name, and apply what the same manager set before and does not name now: whose name that is, is part of the call.
 */
function patchParameters(
  type = '',
  value: BodyValue,
  { query, group }: ResourceCall,
): readonly (readonly [string, string])[] {
  const form = type.trim().toLowerCase();
  if (form.startsWith('application/apply-patch')) {
    const manager = query.get('fieldManager') ?? '';
    return USUAL_MANAGERS.has(manager)
      ? [['patch', 'apply']]
      : [
          ['fieldManager', manager],
          ['patch', 'apply'],
        ];
  }
  const isJsonPatch = form.startsWith('application/json-patch');
  if (isJsonPatch !== isList(value)) throw unnameable('its patch is not of the form that it says');
  const isMerge = form.startsWith('application/merge-patch');
  return isMerge && isBuiltIn(group) && replacesLists(value) ? [['patch', 'merge']] : [];
}

/** What `kubectl apply --server-side` calls itself, and what the executor of tasks does. */
const USUAL_MANAGERS: ReadonlySet<string> = new Set(['kubectl', 'custody']);

/** Kinds of the API server's own, whose lists it can merge. Of any other there is no strategic patch. */
function isBuiltIn(group: string): boolean {
  return !group.includes('.') || group.endsWith('.k8s.io');
}

/** Where a merge and a strategic merge are two things. */
function replacesLists(value: BodyValue): boolean {
  if (isList(value)) return true;
  return (
    isObject(value) && Object.entries(value).some(([name, one]) => name.startsWith('$') || replacesLists(one))
  );
}

function optionsOf(value: BodyValue): { carries?: BodyValue } {
  if (!isObject(value)) throw unnameable('its options are none');
  const kept = Object.entries(value).filter(
    ([name, option]) =>
      !HARMLESS_OPTIONS.has(name) && !(name === 'propagationPolicy' && option === 'Background'),
  );
  return kept.length === 0 ? {} : { carries: Object.fromEntries(kept) };
}

/** A text that somebody wrote, in the form in which calls have theirs. */
export function bareText(text: CallText): CallText {
  const { verb, place, carries } = text;
  if (carries === undefined || isList(carries)) return text;
  const { carries: _, ...rest } = text;
  if (verb === 'delete' || verb === 'deletecollection') return { ...rest, ...optionsOf(carries) };
  // Who says it where it makes no other call means the same.
  const isMerge = verb === 'patch' && !replacesLists(carries);
  const parameters = text.parameters.filter(
    ([name, value]) => !(isMerge && name === 'patch' && value === 'merge'),
  );
  return { ...text, parameters, carries: bare(carries, place?.namespace ?? '') };
}

/**
 * Without what clients write for nothing: Go's zero time, a status that the API server drops, and the namespace once more, which has to be
 * that of the path.
 */
function bare(value: BodyValue, namespace: string): BodyValue {
  if (!isObject(value)) return withoutZeroTimes(value);
  const { status, metadata, ...rest } = value;
  const kept = {
    ...(status === undefined || isEmpty(status) ? {} : { status }),
    ...(metadata === undefined ? {} : { metadata: withoutNamespace(metadata, namespace) }),
  };
  return withoutZeroTimes({ ...rest, ...kept });
}

function isEmpty(value: BodyValue): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

function withoutNamespace(metadata: BodyValue, namespace: string): BodyValue {
  if (!isObject(metadata) || metadata['namespace'] !== namespace) return metadata;
  const { namespace: _, ...rest } = metadata;
  return rest;
}

function withoutZeroTimes(value: BodyValue): BodyValue {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw unnameable('its body has a number that is not exact');
  if (isList(value)) return value.map(withoutZeroTimes);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([name, one]) => !(name === 'creationTimestamp' && one === null));
  return Object.fromEntries(kept.map(([name, one]): [string, BodyValue] => [name, withoutZeroTimes(one)]));
}

/** The words say why. */
function unnameable(why: string): CustodyError {
  return new CustodyError('not-approved', `no text can name this call: ${why}`);
}
