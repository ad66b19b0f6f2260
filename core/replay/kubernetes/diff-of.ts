import { type Change, diffOf } from '#core/protocols/kubernetes/bodies/diff.ts';
import type { BodyValue } from '#core/protocols/kubernetes/bodies/read.ts';
import type { ResourceCall } from '#core/protocols/kubernetes/call.ts';
import { shownWords } from '../shown.ts';
import type { Shown } from '../step.ts';
import { asObject, type KnownObject, type KnownObjects, type ObjectValue, textOf } from './objects.ts';
import type { KubernetesReplayLimits, ShownChange, ShownDiff } from './step.ts';

/** Of one value in a list of changes. */
const VALUE_MAX = 1024;
const CHANGES: readonly string[] = ['create', 'update', 'patch', 'delete'];
/** Tables and lists of other kinds are no object after the change. */
const NO_OBJECT = /^(?:Status|Table|PartialObjectMetadata)$/;

/** What a call that was answered with success changed, where an earlier answer had the object; undefined where nobody can say. */
export function changeOf(
  call: ResourceCall,
  answer: BodyValue | undefined,
  objects: KnownObjects,
  limits: KubernetesReplayLimits,
): ShownDiff | undefined {
  if (!CHANGES.includes(call.verb)) return undefined;
  const after = objectIn(answer);
  const known = objects.before(call, after);
  if (known === undefined) return undefined;
  if (after === undefined)
    return call.verb === 'delete'
      ? { since: known.since, changes: [], before: json(known.value, limits.text) }
      : undefined;
  return diffBetween(known, after, limits);
}

export function diffBetween(
  { value, since }: KnownObject,
  after: ObjectValue,
  { list }: Pick<KubernetesReplayLimits, 'list'>,
): ShownDiff {
  const { changes, more } = diffOf(value, after);
  const kept = changes.slice(0, list).map(shownChange);
  const rest = more + changes.length - kept.length;
  return { since, changes: kept, ...(rest > 0 && { more: rest }) };
}

function objectIn(answer: BodyValue | undefined) {
  const object = asObject(answer);
  return object === undefined || NO_OBJECT.test(textOf(object['kind']) ?? '') ? undefined : object;
}

function shownChange({ path, kind, before, after }: Change): ShownChange {
  return {
    path,
    change: kind,
    ...(before !== undefined && { before: json(before, VALUE_MAX) }),
    ...(after !== undefined && { after: json(after, VALUE_MAX) }),
  };
}

function json(value: BodyValue, atMost: number): Shown {
  return shownWords(JSON.stringify(value), atMost);
}
