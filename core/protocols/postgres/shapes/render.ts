import type { DeclaredCommand } from '#core/tasks/schema.ts';
import type { GivenValues, RunnableCommand } from '#core/tasks/shapes.ts';
import type { LocalAnalyst } from './analyse.ts';
import { rewrite } from './analyse.ts';
import type { Source } from './analysis.ts';
import { invalid, onlyStatement } from './declare.ts';
import type { Parser } from './parser.ts';

/**
 * The statement with parameters in place of its open places, and their values as text. What is fixed stays as it is written: a parameter
 * in its place could be of another type. Throws `format-invalid`.
 */
export function render(
  parser: Parser,
  analyst: LocalAnalyst,
  command: DeclaredCommand,
  given: GivenValues,
): RunnableCommand {
  const { places } = onlyStatement(analyst, command);
  const parameters = new Parameters(given);
  const statement = rewrite(parser, command.statement!, (at, written) =>
    parameters.inPlace(places[at]!, written),
  );
  return { statement, values: parameters.values };
}

class Parameters {
  readonly values: (string | null)[] = [];
  readonly #given: GivenValues;
  readonly #numbers = new Map<string, string>();

  constructor(given: GivenValues) {
    this.#given = given;
  }

  inPlace(source: Source, written: string): string {
    const [open] = 'list' in source ? source.list : [source];
    if (open !== undefined && 'array' in open && 'parameter' in open.array)
      return this.#once(open.array.parameter, (value) => this.#next(arrayText(value)));
    if (open === undefined || !('parameter' in open)) return written;
    if ('list' in source) return this.#once(open.parameter, (value) => this.#listed(open.parameter, value));
    return this.#once(open.parameter, (value) => this.#next(single(open.parameter, value)));
  }

  /** A place that stands there twice has one parameter. */
  #once(number: number, write: (value: string | null | readonly string[]) => string): string {
    const hole = `$${number}`;
    const value = this.#given.get(hole);
    if (value === undefined) throw invalid(`a value for ${hole} is missing`);
    const written = this.#numbers.get(hole) ?? write(value);
    this.#numbers.set(hole, written);
    return written;
  }

  #listed(number: number, value: string | null | readonly string[]): string {
    const list = typeof value === 'string' || value === null ? [value] : value;
    if (list.length === 0) throw invalid(`the list for $${number} is empty`);
    return list.map((one) => this.#next(one)).join(', ');
  }

  #next(value: string | null): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

function single(number: number, value: string | null | readonly string[]): string | null {
  if (typeof value === 'string' || value === null) return value;
  throw invalid(`$${number} stands for one value, not a list`);
}

function arrayText(value: string | null | readonly string[]): string | null {
  if (value === null) return null;
  const members = typeof value === 'string' ? [value] : value;
  return `{${members.map((one) => `"${one.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
