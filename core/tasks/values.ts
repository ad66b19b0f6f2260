/** Whether a value is what its place in a contract wants. */
import { RE2JS } from 're2js';
import { compareDecimals, decimalOf, isWhole, smallInteger } from './decimal.ts';
import type { DeviationKind } from './deviation.ts';
import { comparable, type RunDigests, truth } from './digests.ts';
import type { ValueTerms } from './schema.ts';
import type { LiteralKind, SeenBytes, SeenLiteral, SeenValue } from './seen.ts';

/** What of its run a value is compared with. */
export interface ValueFacts {
  /** What the run was started with, by the names of its inputs. */
  readonly inputs: ReadonlyMap<string, string | null>;
  /** Digests of all values of `task.output.column`; undefined where that output is not there. */
  column(origin: string): ReadonlySet<string> | undefined;
  /** Of the bytes of `task.output`; undefined where that output is not there. */
  stream?(origin: string): SeenBytes | undefined;
  readonly digests: RunDigests;
}

/** What is wrong with a value. */
export interface Misfit {
  readonly kind: Extract<DeviationKind, 'value' | 'origin'>;
  readonly expected: string;
}

/** Terms of one place, ready to be looked at many times. */
export class ValuePlace {
  readonly #terms: ValueTerms;
  readonly #pattern: RE2JS | undefined;

  /** Throws for a pattern that is none. */
  constructor(terms: ValueTerms) {
    this.#terms = terms;
    this.#pattern = terms.pattern === undefined ? undefined : RE2JS.compile(terms.pattern);
  }

  /** Undefined when it fits. */
  misfit(value: SeenValue, facts: ValueFacts): Misfit | undefined {
    const { many } = this.#terms;
    if ('list' in value) {
      if (many === undefined || value.list.length > many) return wrong(`at most ${many ?? 1} of them`);
      return value.list.map((one) => this.#misfitOf(one, facts)).find((one) => one !== undefined);
    }
    return this.#misfitOf(value, facts);
  }

  #misfitOf({ kind, text }: SeenLiteral, facts: ValueFacts): Misfit | undefined {
    const terms = this.#terms;
    if (text === null) return terms.nullable ? undefined : wrong('a value, not NULL');
    if (!FITTING[terms.type].includes(kind) || !isOfType(text, terms.type))
      return wrong(`a value of type ${terms.type}`);
    return this.#outOfBounds(text) ?? this.#fromElsewhere(text, facts);
  }

  #outOfBounds(text: string): Misfit | undefined {
    const { type, min, max, oneOf, maxLength } = this.#terms;
    if (min !== undefined && compare(text, String(min), type) < 0) return wrong(`at least ${min}`);
    if (max !== undefined && compare(text, String(max), type) > 0) return wrong(`at most ${max}`);
    if (maxLength !== undefined && Array.from(text).length > maxLength)
      return wrong(`at most ${maxLength} characters`);
    if (oneOf !== undefined && !this.#isOneOf(comparable(text, type)))
      return wrong('one of those that it lists');
    if (this.#pattern !== undefined && !this.#pattern.matches(text))
      return wrong(`a text of the form ${this.#terms.pattern}`);
    return undefined;
  }

  #isOneOf(form: string): boolean {
    const { oneOf = [], type } = this.#terms;
    return oneOf.some((one) => comparable(String(one), type) === form);
  }

  #fromElsewhere(text: string, facts: ValueFacts): Misfit | undefined {
    const { type, from, input } = this.#terms;
    if (input !== undefined) {
      const given = facts.inputs.get(input);
      if (given === undefined || comparable(given, type) !== comparable(text, type))
        return { kind: 'origin', expected: `the input ${input} of the run` };
    }
    if (from === undefined || facts.column(from)?.has(facts.digests.ofValue(text, type)) === true)
      return undefined;
    return { kind: 'origin', expected: `a value from ${from}` };
  }
}

function wrong(expected: string): Misfit {
  return { kind: 'value', expected };
}

/** Which literals a type takes. A text in quotes where a number belongs may mean another function or operator. */
const FITTING: Readonly<Record<ValueTerms['type'], readonly LiteralKind[]>> = {
  integer: ['integer', 'any'],
  number: ['integer', 'number', 'any'],
  text: ['text', 'any'],
  boolean: ['boolean', 'any'],
  uuid: ['uuid', 'text', 'any'],
  date: ['date', 'text', 'any'],
  timestamp: ['timestamp', 'text', 'any'],
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;
const TIMESTAMP =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[ T](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?$/;

export function isOfType(text: string, type: ValueTerms['type']): boolean {
  switch (type) {
    case 'integer': {
      if (smallInteger(text) !== undefined) return true;
      const decimal = decimalOf(text);
      return decimal !== undefined && isWhole(decimal);
    }
    case 'number':
      return smallInteger(text) !== undefined || decimalOf(text) !== undefined;
    case 'text':
      return true;
    case 'boolean':
      return truth(text) !== undefined;
    case 'uuid':
      return UUID.test(text);
    case 'date':
      return DATE.test(text);
    case 'timestamp':
      return TIMESTAMP.test(text);
  }
}

/** Of two values of this type; texts by their code points. */
function compare(one: string, other: string, type: ValueTerms['type']): number {
  if (type === 'integer' || type === 'number') {
    const small = smallInteger(one);
    const smallOther = smallInteger(other);
    if (small !== undefined && smallOther !== undefined) return small - smallOther;
    const [a, b] = [decimalOf(one), decimalOf(other)];
    return a === undefined || b === undefined ? Number.NaN : compareDecimals(a, b);
  }
  if (type === 'timestamp') return instant(one) - instant(other);
  return one < other ? -1 : one === other ? 0 : 1;
}

/** Where a timestamp names no zone it is taken as UTC: both are, or the contract says one. */
function instant(text: string): number {
  const written = text
    .replace(' ', 'T')
    .replace(/([+-]\d\d)$/, '$1:00')
    .replace(/([+-]\d\d)(\d\d)$/, '$1:$2');
  return Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(written) ? written : `${written}Z`);
}

/** Whether what was seen is the value that a contract has written in its place. A bind value's type is the receiver's choice. */
export function isConstant(constant: SeenValue, seen: SeenValue): boolean {
  if ('list' in constant || 'list' in seen)
    return 'list' in constant && 'list' in seen && isSameList(constant.list, seen.list);
  if (seen.kind !== constant.kind && seen.kind !== 'any') return false;
  return comparable(seen.text, constant.kind) === comparable(constant.text, constant.kind);
}

function isSameList(constants: readonly SeenLiteral[], seen: readonly SeenLiteral[]): boolean {
  return constants.length === seen.length && constants.every((one, at) => isConstant(one, seen[at]!));
}
