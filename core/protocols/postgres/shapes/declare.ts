import { CustodyError } from '#core/errors.ts';
import type { DeclaredCommand } from '#core/tasks/schema.ts';
import type { SeenValue } from '#core/tasks/seen.ts';
import type { DeclaredShape } from '#core/tasks/shapes.ts';
import type { LocalAnalyst } from './analyse.ts';
import type { Source, Statement } from './analysis.ts';
import { arrayOf } from './bound.ts';

type Place = DeclaredShape['places'][number];

/** A contract's command as it is compared. Throws `format-invalid`. */
export function declare(analyst: LocalAnalyst, command: DeclaredCommand): DeclaredShape {
  const statement = onlyStatement(analyst, command);
  refuseMissing(statement);
  return {
    shape: statement.shape,
    text: statement.text,
    places: statement.places.map((source) => placeOf(source, command)),
  };
}

/** The one statement that a contract's command is. */
export function onlyStatement(analyst: LocalAnalyst, { statement: text }: DeclaredCommand): Statement {
  if (text === undefined) throw invalid('of a command here a statement is expected');
  const analysis = analyst.analyse(text);
  if ('why' in analysis)
    throw invalid(
      `the statement ${analysis.why}${analysis.detail === undefined ? '' : `: ${analysis.detail}`}`,
    );
  const [statement, another] = analysis.statements;
  if (statement === undefined) throw invalid('there is no command in the statement');
  if (another !== undefined)
    throw invalid('there are several commands in the statement: give each an entry of its own');
  if (statement.refusal !== undefined) throw invalid(`the statement ${statement.refusal}`);
  return statement;
}

const HOLES_MAX = 99;

/** The server wants a type for each parameter up to the highest. */
function refuseMissing({ places, parameters }: Statement): void {
  if (parameters > HOLES_MAX) throw invalid(`there are more open places than $${HOLES_MAX}`);
  const found = new Set(places.flatMap(parametersOf));
  for (let number = 1; number <= parameters; number += 1)
    if (!found.has(number)) throw invalid(`the statement has $${parameters}, and no $${number}`);
}

function parametersOf(source: Source): readonly number[] {
  if ('list' in source) return source.list.flatMap(parametersOf);
  if ('array' in source) return parametersOf(source.array);
  return 'parameter' in source ? [source.parameter] : [];
}

function placeOf(source: Source, command: DeclaredCommand): Place {
  if ('parameter' in source) return holeOf(source.parameter, false, command);
  if ('literal' in source) return { constant: source.literal };
  if ('array' in source) return arrayPlace(source.array, command);
  const [first, another] = source.list;
  if (first !== undefined && another === undefined && 'parameter' in first)
    return holeOf(first.parameter, true, command);
  const list = source.list.map((member) => ('literal' in member ? member.literal : undefined));
  if (!list.every((member) => member !== undefined))
    throw invalid('a list is either of fixed values or one open place, such as IN ($1) with many');
  return { constant: { list } };
}

function arrayPlace(source: Source, command: DeclaredCommand): Place {
  if ('parameter' in source) return holeOf(source.parameter, true, command);
  return { constant: constantArray(source) };
}

function constantArray(source: Source): SeenValue {
  const literal = 'literal' in source ? source.literal : { kind: 'any' as const, text: null };
  if (literal.text === null) return literal;
  const array = arrayOf(literal.text, 'any');
  if (array === undefined)
    throw invalid('an array is written there that has more than one dimension, or is none');
  return array;
}

function holeOf(number: number, isList: boolean, { values }: DeclaredCommand): Place {
  const hole = `$${number}`;
  const isMany = values[hole]?.many !== undefined;
  if (isList && !isMany && hole in values)
    throw invalid(`${hole} stands for a list: say under its values how many there may be (many)`);
  if (!isList && isMany)
    throw invalid(
      `${hole} stands for one value, not many: a list is IN (${hole}), ARRAY[${hole}] or = ANY (${hole})`,
    );
  return { hole };
}

export function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
