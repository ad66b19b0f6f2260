/** A statement of a skeleton, to be filled with the literals of each text that has it. */
import type { SeenCommand, SeenLiteral, SeenValue } from '#core/tasks/seen.ts';
import type { Source, Statement } from './analysis.ts';
import { arrayOf } from './bound.ts';
import type { Literal, Skeleton } from './skeleton.ts';

export type Filler =
  | { readonly constant: SeenLiteral }
  /** Of the skeleton's literals. */
  | { readonly literal: number; readonly negated: boolean }
  | { readonly parameter: number }
  | { readonly list: readonly Filler[] }
  | { readonly array: Filler };

export interface Template {
  readonly statement: Statement;
  readonly fillers: readonly Filler[];
}

export interface Linked {
  readonly templates: readonly Template[];
  /** The literals that no place takes: as they are part of the shape, they must stay what they were. */
  readonly fixed: readonly number[];
}

/** Undefined where the scanner's literals are not the parser's: the skeleton is not to be used. */
export function link(statements: readonly Statement[], { literals }: Skeleton): Linked | undefined {
  const byPlace = new Map(literals.map(({ at }, index) => [at, index]));
  const used = new Set<number>();
  const fillerOf = (source: Source): Filler | undefined => {
    if ('parameter' in source) return source;
    if ('list' in source) return listed(source.list.map(fillerOf));
    if ('array' in source) {
      const array = fillerOf(source.array);
      return array && { array };
    }
    // The words true, false and null are no literals of the scanner: they stay in the skeleton.
    if (source.literal.kind === 'boolean' || source.literal.text === null)
      return { constant: source.literal };
    const literal = byPlace.get(source.at);
    if (literal === undefined) return undefined;
    used.add(literal);
    const negated = source.negated === true;
    return isSame(source.literal, literalOf(literals[literal]!, negated)) ? { literal, negated } : undefined;
  };
  const templates: Template[] = [];
  for (const statement of statements) {
    const fillers = statement.places.map(fillerOf);
    if (!fillers.every((one) => one !== undefined)) return undefined;
    templates.push({ statement, fillers });
  }
  const fixed = literals.map((_, index) => index).filter((index) => !used.has(index));
  return { templates, fixed };
}

function listed(list: readonly (Filler | undefined)[]): Filler | undefined {
  return list.every((one) => one !== undefined) ? { list } : undefined;
}

/** The value of `$n`; undefined where there is none that can be read. */
export type ParameterOf = (number: number, asArray: boolean) => SeenValue | undefined;

/** The command with its values; undefined where one cannot be read. */
export function fill(
  { statement: { shape, text }, fillers }: Template,
  literals: readonly Literal[],
  trace: string | undefined,
  parameterOf: ParameterOf,
): SeenCommand | undefined {
  const values: SeenValue[] = [];
  for (const filler of fillers) {
    const value = valueOf(filler, literals, parameterOf);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return trace === undefined ? { shape, text, values } : { shape, text, values, trace };
}

function valueOf(
  filler: Filler,
  literals: readonly Literal[],
  parameterOf: ParameterOf,
): SeenValue | undefined {
  if ('literal' in filler) return literalOf(literals[filler.literal]!, filler.negated);
  if ('parameter' in filler) return parameterOf(filler.parameter, false);
  if ('constant' in filler) return filler.constant;
  if ('list' in filler) return listOf(filler.list, literals, parameterOf);
  const { array } = filler;
  if ('parameter' in array) return parameterOf(array.parameter, true);
  const value = valueOf(array, literals, parameterOf);
  if (value === undefined || 'list' in value || value.text === null) return value;
  // As of a bind value, the server chooses what its members are.
  return arrayOf(value.text, 'any');
}

function listOf(
  fillers: readonly Filler[],
  literals: readonly Literal[],
  parameterOf: ParameterOf,
): SeenValue | undefined {
  const list: SeenLiteral[] = [];
  for (const filler of fillers) {
    const value = valueOf(filler, literals, parameterOf);
    if (value === undefined || 'list' in value) return undefined;
    list.push(value);
  }
  return { list };
}

function literalOf({ value }: Literal, negated: boolean): SeenLiteral {
  return negated ? { kind: value.kind, text: value.text === '0' ? '0' : `-${value.text}` } : value;
}

function isSame(one: SeenLiteral, other: SeenLiteral): boolean {
  return one.kind === other.kind && one.text === other.text;
}
