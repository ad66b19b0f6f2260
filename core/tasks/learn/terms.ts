/** What a place of a command may be, by the values that were seen there. */
import { compareDecimals, decimalOf } from '../decimal.ts';
import type { ValueTerms } from '../schema.ts';
import type { LiteralKind, SeenLiteral, SeenValue } from '../seen.ts';
import { isOfType } from '../values.ts';

/** As custody.yaml has it. */
export type WrittenTerms = Partial<ValueTerms> & Pick<ValueTerms, 'type'>;

/** A few different ones among many are a list; otherwise it is said how large they were. */
const LISTED_MAX = 8;
const SEEN_PER_LISTED = 3;

/** Whether a text can have it as a fixed value: it was the same each time, more than once. */
export function isFixed(values: readonly SeenValue[]): boolean {
  const different = new Set(values.map((value) => JSON.stringify(value)));
  return (
    different.size === 1 && values.length > 1 && literalsOf(values).every(({ kind }) => WRITABLE.has(kind))
  );
}

const WRITABLE: ReadonlySet<LiteralKind> = new Set(['integer', 'number', 'text', 'boolean']);

/**
 * `bySession`: the values of each session, in the order in which they were. `origin`: `task.output.column`, where all of them come
 * from.
 */
export function termsOf(
  bySession: readonly (readonly SeenValue[])[],
  origin: string | undefined,
): WrittenTerms {
  const values = bySession.flat();
  const literals = literalsOf(values);
  const texts = textsOf(values);
  const type = typeOf(literals, texts);
  const many = Math.max(0, ...values.map((value) => ('list' in value ? value.list.length : 0)));
  return {
    type,
    ...(origin === undefined ? boundsOf(type, texts, bySession.map(textsOf)) : { from: origin }),
    ...(texts.length < literals.length && { nullable: true }),
    ...(many > 0 && { many }),
  };
}

export function literalsOf(values: readonly SeenValue[]): readonly SeenLiteral[] {
  return values.flatMap((value) => ('list' in value ? value.list : [value]));
}

function textsOf(values: readonly SeenValue[]): readonly string[] {
  return literalsOf(values).flatMap(({ text }) => (text === null ? [] : [text]));
}

function typeOf(literals: readonly SeenLiteral[], texts: readonly string[]): ValueTerms['type'] {
  const kinds = new Set(literals.filter(({ text }) => text !== null).map(({ kind }) => kind));
  const only = (...allowed: LiteralKind[]) =>
    [...kinds].every((kind) => kind === 'any' || allowed.includes(kind));
  const all = (type: ValueTerms['type']) => texts.length > 0 && texts.every((text) => isOfType(text, type));
  if (only('integer') && all('integer')) return 'integer';
  if (only('integer', 'number') && all('number')) return 'number';
  if (kinds.has('boolean') && only('boolean')) return 'boolean';
  if (only('text', 'uuid') && all('uuid')) return 'uuid';
  if (only('text', 'date') && all('date')) return 'date';
  if (only('text', 'timestamp') && all('timestamp')) return 'timestamp';
  return 'text';
}

function boundsOf(
  type: ValueTerms['type'],
  texts: readonly string[],
  bySession: readonly (readonly string[])[],
): Partial<WrittenTerms> {
  const different = [...new Set(texts)];
  if (type === 'boolean') return different.length === 1 ? { oneOf: [different[0] === 'true'] } : {};
  const isListed = different.length <= LISTED_MAX && texts.length >= SEEN_PER_LISTED * different.length;
  if (type === 'text')
    return isListed && recur(different, bySession)
      ? { oneOf: different.toSorted() }
      : { maxLength: longest(texts) };
  if (type === 'uuid') return {};
  const isNumber = type === 'integer' || type === 'number';
  const bounds = isNumber
    ? numbersBetween(different)
    : { min: least(different, byCode), max: greatest(different, byCode) };
  if (type === 'number' || !grows(bySession, isNumber ? byNumber : byCode)) return bounds;
  return bounds.min === undefined ? {} : { min: bounds.min };
}

/** Whether no session has values of its own, as it has keys and tokens: the next one would have others. */
function recur(different: readonly string[], bySession: readonly (readonly string[])[]): boolean {
  const all = bySession.filter(({ length }) => length > 0).map((texts) => new Set(texts));
  return all.length < 2 || different.every((text) => all.filter((texts) => texts.has(text)).length > 1);
}

/** As ids that are given and clocks do: all that one session has is greater than what those before it had. The next has greater ones. */
function grows(bySession: readonly (readonly string[])[], order: Order): boolean {
  const sessions = bySession.filter(({ length }) => length > 0);
  return (
    sessions.length > 1 &&
    sessions.slice(1).every((texts, at) => order(least(texts, order), greatest(sessions[at]!, order)) > 0)
  );
}

function longest(texts: readonly string[]): number {
  return Math.max(1, ...texts.map((text) => Array.from(text).length));
}

/** A number that JavaScript does not have exactly stays a text. */
function numbersBetween(texts: readonly string[]): Partial<WrittenTerms> {
  if (texts.length === 0) return {};
  const [min, max] = [least(texts, byNumber), greatest(texts, byNumber)];
  return { min: exactly(min), max: exactly(max) };
}

function exactly(text: string): number | string {
  const number = Number(text);
  return String(number) === text ? number : text;
}

/** Numbers of sessions one after the other, each greater than all before: nothing can be said of how large the next ones are. */
export function growing(bySession: readonly (readonly number[])[]): boolean {
  return grows(
    bySession.map((numbers) => numbers.map(String)),
    byNumber,
  );
}

type Order = (one: string, other: string) => number;

const byCode: Order = (one, other) => (one < other ? -1 : one === other ? 0 : 1);
const byNumber: Order = (one, other) => compareDecimals(decimalOf(one)!, decimalOf(other)!);

function least(texts: readonly string[], order: Order): string {
  return texts.reduce((found, one) => (order(one, found) < 0 ? one : found));
}

function greatest(texts: readonly string[], order: Order): string {
  return texts.reduce((found, one) => (order(one, found) > 0 ? one : found));
}
