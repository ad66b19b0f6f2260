/** What became of an object: its values before and after, side by side as Kubernetes itself merges them. */
import { escapeTerminal } from '#core/replay/text.ts';
import { type BodyObject, type BodyValue, isList, isObject, sameValue } from './value.ts';

export interface Change {
  /** As `spec.template.spec.containers[name=main].image`. */
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly before?: BodyValue;
  readonly after?: BodyValue;
}

export interface Diff {
  readonly changes: readonly Change[];
  /** How many there are beside these. */
  readonly more: number;
}

const CHANGES_MAX = 200;
const DEPTH_MAX = 64;

/** What each write changes by itself says nothing of what somebody did. */
const NOISE: ReadonlySet<string> = new Set([
  'metadata.managedFields',
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]',
]);

/**
 * What names an element within its list, as strategic merge has it: the first of these that all elements have, each another. Ports
 * of containers by their number, those of services by `port`.
 */
const KEYS = [
  'name',
  'uid',
  'containerPort',
  'mountPath',
  'devicePath',
  'topologyKey',
  'port',
  'ip',
  'key',
  'type',
];

/** The structural difference of two objects. Bounded: one of a large list is its first changes and a number. */
export function diffOf(before: BodyValue, after: BodyValue): Diff {
  const differ = new Differ();
  differ.compare('', before, after, 0);
  return { changes: differ.changes, more: differ.more };
}

class Differ {
  readonly changes: Change[] = [];
  more = 0;

  compare(path: string, before: BodyValue, after: BodyValue, depth: number): void {
    if (NOISE.has(path)) return;
    if (depth < DEPTH_MAX && isObject(before) && isObject(after))
      this.#compareObjects(path, before, after, depth);
    else if (depth < DEPTH_MAX && isList(before) && isList(after))
      this.#compareLists(path, before, after, depth);
    else if (!sameValue(before, after)) this.#add({ path, kind: 'changed', before, after });
  }

  #compareObjects(path: string, before: BodyObject, after: BodyObject, depth: number): void {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const there = pathTo(path, name);
      this.#compareMaybe(there, ownOf(before, name), ownOf(after, name), depth + 1);
    }
  }

  #compareMaybe(
    path: string,
    before: BodyValue | undefined,
    after: BodyValue | undefined,
    depth: number,
  ): void {
    if (before !== undefined && after !== undefined) this.compare(path, before, after, depth);
    else if (!NOISE.has(path) && before !== undefined) this.#add({ path, kind: 'removed', before });
    else if (!NOISE.has(path) && after !== undefined) this.#add({ path, kind: 'added', after });
  }

  #compareLists(
    path: string,
    before: readonly BodyValue[],
    after: readonly BodyValue[],
    depth: number,
  ): void {
    const key = keyOf(before, after);
    if (key === undefined) {
      this.#compareByPlace(path, before, after, depth);
      return;
    }
    const [old, now] = [byKey(before, key), byKey(after, key)];
    for (const name of new Set([...old.keys(), ...now.keys()]))
      this.#compareMaybe(`${path}[${key}=${name}]`, old.get(name), now.get(name), depth + 1);
    const order = [...old.keys()].filter((name) => now.has(name));
    const newOrder = [...now.keys()].filter((name) => old.has(name));
    if (!sameValue(order, newOrder))
      this.#add({ path: `${path}[]`, kind: 'changed', before: order, after: newOrder });
  }

  /** Texts and numbers are one value: what a command's words were, and are. Of objects without a key each is compared with its like. */
  #compareByPlace(
    path: string,
    before: readonly BodyValue[],
    after: readonly BodyValue[],
    depth: number,
  ): void {
    if (!before.every(isObject) || !after.every(isObject)) {
      if (!sameValue(before, after)) this.#add({ path, kind: 'changed', before, after });
      return;
    }
    for (let at = 0; at < Math.max(before.length, after.length); at += 1)
      this.#compareMaybe(`${path}[${at}]`, before[at], after[at], depth + 1);
  }

  #add(change: Change): void {
    if (this.changes.length < CHANGES_MAX) this.changes.push(change);
    else this.more += 1;
  }
}

function ownOf(object: BodyObject, name: string): BodyValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function pathTo(path: string, name: string): string {
  if (/^[A-Za-z0-9_#-]+$/.test(name)) return path === '' ? name : `${path}.${name}`;
  return `${path}[${JSON.stringify(name)}]`;
}

function keyOf(before: readonly BodyValue[], after: readonly BodyValue[]): string | undefined {
  if (before.length === 0 && after.length === 0) return undefined;
  return KEYS.find((key) => isKeyed(before, key) && isKeyed(after, key));
}

function isKeyed(list: readonly BodyValue[], key: string): boolean {
  return byKey(list, key).size === list.length;
}

/** Elements whose key is no text and no number are left out, and of two with one key one. */
function byKey(list: readonly BodyValue[], key: string): Map<string, BodyValue> {
  const keyed = new Map<string, BodyValue>();
  for (const element of list) {
    const value = isObject(element) ? ownOf(element, key) : undefined;
    if (typeof value === 'string' || typeof value === 'number') keyed.set(String(value), element);
  }
  return keyed;
}

const VALUE_MAX = 200;

/** A line each: `~ spec.replicas: 1 → 3`, `+ metadata.labels.app: "web"`, `- spec.paused: true`. Safe for a terminal. */
export function diffLines({ changes, more }: Diff): string[] {
  const lines = changes.map(lineOf);
  if (more > 0) lines.push(`… and ${more} more`);
  return lines;
}

function lineOf({ path, kind, before, after }: Change): string {
  const where = escapeTerminal(path === '' ? 'all of it' : path);
  switch (kind) {
    case 'added':
      return `+ ${where}: ${short(after)}`;
    case 'removed':
      return `- ${where}: ${short(before)}`;
    case 'changed':
      return `~ ${where}: ${short(before)} → ${short(after)}`;
  }
}

function short(value: BodyValue | undefined): string {
  const text = escapeTerminal(JSON.stringify(value) ?? '');
  return text.length <= VALUE_MAX ? text : `${text.slice(0, VALUE_MAX)}… (${text.length} characters)`;
}
