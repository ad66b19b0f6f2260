/** Going through a step's JSON. */
import type { JsonStep } from '../reader.ts';
import type { Patterns } from './patterns.ts';

/** Their values are words of a step's shape, or digests. */
const FIXED = new Set([
  'kind',
  'outcome',
  'foundBy',
  'format',
  'by',
  'operation',
  'direction',
  'change',
  'sqlstate',
  'sha256',
  'marks',
]);

type Node = Readonly<Record<string, unknown>>;

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Makes another text of one. */
export type Change = (text: string, isCut: boolean) => string;

/** All texts of a step but the words of its shape. What nothing was changed in is the very same value. */
export function changeTexts(step: JsonStep, change: Change): JsonStep {
  return changed(step, change, true) as JsonStep;
}

export function withoutPatterns(step: JsonStep, patterns: Patterns): JsonStep {
  return patterns.isEmpty ? step : changeTexts(step, (text, isCut) => patterns.leaveOut(text, isCut));
}

/** As `changeTexts`, of any value: all that is in it. */
export function changeAll(value: unknown, change: Change): unknown {
  return changed(value, change, false);
}

function changed(value: unknown, change: Change, isShape: boolean): unknown {
  if (typeof value === 'string') return change(value, false);
  if (Array.isArray(value)) return changedList(value, change, isShape);
  return isNode(value) ? changedNode(value, change, isShape) : value;
}

function changedList(list: readonly unknown[], change: Change, isShape: boolean): readonly unknown[] {
  const made = list.map((one) => changed(one, change, isShape));
  return made.every((one, at) => one === list[at]) ? list : made;
}

function changedNode(node: Node, change: Change, isShape: boolean): Node {
  const entries = Object.entries(node).map(([key, value]): [string, unknown] => {
    if (isShape && FIXED.has(key) && !isNode(value)) return [key, value];
    if (typeof value === 'string') return [key, change(value, isCut(node, key))];
    return [key, changed(value, change, isShape && key !== 'note')];
  });
  if (entries.every(([key, value]) => value === node[key])) return node;
  const made = Object.fromEntries(entries);
  // A digest of what was left out would let anybody try what it was.
  if (isNode(node['sample']) && made['sample'] !== node['sample']) delete made['sha256'];
  return made;
}

/** `Shown` says it of its text, a report of the server of its fields by name. */
function isCut({ cut }: Node, key: string): boolean {
  return cut === true ? key === 'text' : isNode(cut) && cut[key] !== undefined;
}
