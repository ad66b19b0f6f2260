/** Objects as answers of the session had them, so that a change can be shown as one. */

import type { BodyValue } from '#core/protocols/kubernetes/bodies/read.ts';
import type { Call, ResourceCall } from '#core/protocols/kubernetes/call.ts';

export type ObjectValue = { readonly [name: string]: BodyValue };

export interface KnownObject {
  readonly value: ObjectValue;
  /** The call whose answer had it. */
  readonly since: number;
}

interface Kept extends KnownObject {
  readonly bytes: number;
}

/** Their answers are the object itself, and not a kind of their own. */
const SAME_OBJECT: readonly (string | undefined)[] = [undefined, 'status', 'ephemeralcontainers', 'resize'];
/** What is no object of the resource that was asked for. */
const OTHER_KINDS = /^(?:Status|Table|PartialObjectMetadata|PartialObjectMetadataList)$/;

/** Bounded by bytes; what was not seen for the longest goes first. */
export class KnownObjects {
  readonly #most: number;
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** As it was seen last, if it is the same object: one that was made anew under its name is another. */
  before(call: ResourceCall, after: ObjectValue | undefined): KnownObject | undefined {
    const known = this.#same(keyOf(call, after), after);
    if (call.subresource !== 'scale' || after === undefined) return known;
    const scaled = this.#same(keyOf(call, after, ''), after);
    if (scaled === undefined || (known !== undefined && known.since >= scaled.since)) return known;
    return asScale(scaled, after) ?? known;
  }

  #same(key: string | undefined, after: ObjectValue | undefined): KnownObject | undefined {
    const known = this.#kept.get(key ?? '');
    if (known === undefined || after === undefined) return known;
    return uidOf(known.value) === uidOf(after) ? known : undefined;
  }

  /** All objects that an answer has. `bytes`: of the answer. */
  saw(call: ResourceCall, value: BodyValue, number: number, bytes: number): void {
    const objects = objectsOf(value);
    for (const one of objects) this.#keep(call, one, number, Math.ceil(bytes / objects.length));
  }

  gone(call: ResourceCall, value: ObjectValue | undefined): void {
    this.#forget(keyOf(call, value) ?? '');
  }

  #keep(call: ResourceCall, value: ObjectValue, since: number, bytes: number): void {
    const key = keyOf(call, value);
    if (key === undefined || bytes > this.#most) return;
    this.#forget(key);
    this.#kept.set(key, { value, since, bytes });
    this.#bytes += bytes;
    for (const [oldest] of this.#kept) {
      if (this.#bytes <= this.#most) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}

/** The Scale of an object has its uid, and one number of it; where that is not at the usual place nobody can say. */
function asScale({ value, since }: KnownObject, after: ObjectValue): KnownObject | undefined {
  const replicas = asObject(value['spec'])?.['replicas'];
  if (typeof replicas !== 'number') return undefined;
  return { since, value: { ...after, spec: { ...asObject(after['spec']), replicas } } };
}

/** One object, or those of a list; none of what is something else, such as a table for people. */
function objectsOf(value: BodyValue): readonly ObjectValue[] {
  const object = asObject(value);
  if (object === undefined) return [];
  const { kind, items } = object;
  if (typeof kind === 'string' && OTHER_KINDS.test(kind)) return [];
  if (!Array.isArray(items)) return asObject(object['metadata']) === undefined ? [] : [object];
  return items.map(asObject).filter((item) => item !== undefined);
}

export function asObject(value: BodyValue | undefined): ObjectValue | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as ObjectValue)
    : undefined;
}

export function textOf(value: BodyValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function metadataOf(value: ObjectValue | undefined): {
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
} {
  const metadata = asObject(value?.['metadata']);
  return { name: textOf(metadata?.['name']), namespace: textOf(metadata?.['namespace']) };
}

function uidOf(value: ObjectValue): string | undefined {
  return textOf(asObject(value['metadata'])?.['uid']);
}

function keyOf(
  call: ResourceCall,
  value: ObjectValue | undefined,
  part = SAME_OBJECT.includes(call.subresource) ? '' : call.subresource,
): string | undefined {
  const { name = call.name, namespace = call.namespace } = metadataOf(value);
  if (name === '') return undefined;
  return [call.group, call.resource, namespace, name, part].join('/');
}

export function isResource(call: Call | undefined): call is ResourceCall {
  return call?.kind === 'resource';
}
