/** Marks in the place of values. A mark stands for a value whole: also its length and form say nothing. */
import { type BodyObject, type BodyValue, isList, isObject } from '../value.ts';

export const MARK = '(withheld)';

/** That there is nothing is no secret: a patch takes a value away by null. */
export function marked(value: BodyValue): BodyValue {
  return value === null ? null : MARK;
}

/** Names stay, and each value is a mark. */
export function markedAll(value: BodyValue): BodyValue {
  if (!isObject(value)) return marked(value);
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, marked(of)]));
}

export function isScalar(value: BodyValue): boolean {
  return typeof value !== 'object' || value === null;
}

/**
 * Members of these names where they are scalars or lists of them, what `others` make of theirs, and marks for the rest: also for
 * what stands in the place of something that is known.
 */
export function kept(
  value: BodyObject,
  names: readonly string[],
  others: Readonly<Record<string, (value: BodyValue) => BodyValue>> = {},
): BodyObject {
  const isKept = (of: BodyValue): boolean => isScalar(of) || (isList(of) && of.every(isScalar));
  return Object.fromEntries(
    Object.entries(value).map(([name, of]) => {
      if (Object.hasOwn(others, name)) return [name, others[name]!(of)];
      return [name, names.includes(name) && isKept(of) ? of : marked(of)];
    }),
  );
}
