import type { Contract } from '../contract.ts';
import { comparable } from '../digests.ts';
import type { ValueTerms } from '../schema.ts';
import type { SeenCommand, SeenLiteral } from '../seen.ts';
import type { ValueFacts } from '../values.ts';
import type { Lineage } from './result.ts';
import type { UndoLog } from './undo-log.ts';

/** An open place whose values have to be from somewhere. */
class Origin {
  values = 0;
  found = 0;
  readonly command: string;
  readonly hole: string;
  /** `task.output.column`, or `input:name`. */
  readonly from: string;
  readonly #terms: ValueTerms;
  readonly #facts: ValueFacts;

  constructor(command: string, hole: string, from: string, terms: ValueTerms, facts: ValueFacts) {
    this.command = command;
    this.hole = hole;
    this.from = from;
    this.#terms = terms;
    this.#facts = facts;
  }

  isFound({ text }: SeenLiteral): boolean {
    const { inputs, digests } = this.#facts;
    const { type } = this.#terms;
    if (!this.from.startsWith(INPUT))
      return this.#facts.column(this.from)?.has(digests.ofValue(text, type)) === true;
    const given = inputs.get(this.from.slice(INPUT.length));
    return given !== undefined && comparable(given, type) === comparable(text, type);
  }
}

const INPUT = 'input:';

/** Where the values of the commands that count came from. */
export class LineageCounts {
  /** By the command's index and the place of the value. */
  readonly #origins = new Map<string, Origin[]>();

  constructor(contract: Contract, facts: ValueFacts) {
    for (const [at, { declared, shape }] of contract.commands.entries())
      for (const [index, place] of shape.places.entries()) {
        if (!('hole' in place)) continue;
        const terms = declared.values[place.hole]!;
        const froms = [terms.from, terms.input === undefined ? undefined : INPUT + terms.input];
        const origins = froms.flatMap((from) =>
          from === undefined ? [] : [this.#origin(declared.name, place.hole, from, terms, facts)],
        );
        if (origins.length > 0) this.#origins.set(keyOf(at, index), origins);
      }
  }

  /** A place may stand in a command twice. */
  #origin(command: string, hole: string, from: string, terms: ValueTerms, facts: ValueFacts): Origin {
    const all = [...this.#origins.values()].flat();
    const is = (one: Origin): boolean => one.command === command && one.hole === hole && one.from === from;
    return all.find(is) ?? new Origin(command, hole, from, terms, facts);
  }

  count({ values }: SeenCommand, at: number, number: number, undo: UndoLog): void {
    for (const [index, value] of values.entries()) {
      const origins = this.#origins.get(keyOf(at, index));
      if (origins === undefined) continue;
      const literals = ('list' in value ? value.list : [value]).filter(({ text }) => text !== null);
      for (const origin of origins) countOne(origin, literals, number, undo);
    }
  }

  results(sessionOf: (from: string) => string | undefined): readonly Lineage[] {
    const origins = new Set([...this.#origins.values()].flat());
    return Array.from(origins, ({ command, hole, from, values, found }) => {
      const session = from.startsWith(INPUT) ? undefined : sessionOf(from);
      return { command, hole, from, values, found, ...(session !== undefined && { session }) };
    });
  }
}

function countOne(origin: Origin, literals: readonly SeenLiteral[], number: number, undo: UndoLog): void {
  const found = literals.filter((literal) => origin.isFound(literal)).length;
  origin.values += literals.length;
  origin.found += found;
  undo.add(number, () => {
    origin.values -= literals.length;
    origin.found -= found;
  });
}

function keyOf(at: number, index: number): string {
  return `${at}/${index}`;
}
