/** What a body of the Kubernetes API says, whatever it was written in: as JSON has it. */
import { CustodyError } from '#core/errors.ts';

/** Bytes are base64, times RFC 3339, quantities and the like as JSON shows them. Integers are as exact as those of JSON.parse. */
export type BodyValue =
  | null
  | boolean
  | number
  | string
  | readonly BodyValue[]
  | { readonly [name: string]: BodyValue };
export type BodyObject = { readonly [name: string]: BodyValue };

/** The API server takes 3 MiB and gives lists of any length. */
export const BODY_MAX_BYTES = 16 << 20;
/** Definitions of custom resources are some 60 levels deep. */
export const BODY_MAX_DEPTH = 128;
/** An element of a list may be a single byte. */
export const BODY_MAX_VALUES = 2_000_000;

export function isObject(value: BodyValue | undefined): value is BodyObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: BodyValue | undefined): value is readonly BodyValue[] {
  return Array.isArray(value);
}

/** What stands at the end of a path of names; undefined where there is none. */
export function memberOf(value: BodyValue | undefined, ...path: readonly string[]): BodyValue | undefined {
  let at = value;
  for (const name of path) {
    if (!isObject(at) || !Object.hasOwn(at, name)) return undefined;
    at = at[name];
  }
  return at;
}

export function textOf(value: BodyValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** An object that has no name twice, of which none reaches a prototype. */
export class ObjectBuilder {
  readonly object: { [name: string]: BodyValue } = {};

  add(name: string, value: BodyValue): void {
    if (name === '__proto__') throw unreadable('has a member named __proto__');
    if (Object.hasOwn(this.object, name)) throw unreadable('has a name twice in one object');
    this.object[name] = value;
  }
}

/** Counts what was read: memory is bounded by it where a value takes a byte. */
export class Budget {
  #left = BODY_MAX_VALUES;

  take(): void {
    this.#left -= 1;
    if (this.#left < 0) throw unreadable('has too many values');
  }
}

/** The message completes "the body …" and has nothing of what the body says. */
export function unreadable(why: string): CustodyError {
  return new CustodyError('format-invalid', why);
}

export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unreadable('is not UTF-8');
  }
}

const BASE64_BLOCK = 0x6000;

/** RFC 4648 section 4. In pieces: a function takes no million arguments. */
export function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += BASE64_BLOCK)
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + BASE64_BLOCK)));
  return text;
}

/** The order of names is no part of a value. Of anything: what is no body's value is the same as itself alone. */
export function sameValue(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((value, at) => sameValue(value, other[at]));
  if (!isPlain(one) || !isPlain(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && sameValue(one[name], other[name]))
  );
}

function isPlain(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
