import type { Contract } from '../contract.ts';
import { isWanted, wantedOf } from '../input-deviations.ts';
import type { SeenBytes, StreamKind } from '../seen.ts';
import type { ValueFacts } from '../values.ts';
import type { ResultInput } from './result.ts';
import type { TakeBack } from './undo-log.ts';

/** More are not listed: that one is not what it has to be is a deviation besides. */
const LISTED_MAX = 1000;

/** The bytes that commands were given, and whether they are what the contract says. */
export class GivenInputs {
  readonly #contract: Contract;
  readonly #facts: ValueFacts;
  readonly #given: Omit<ResultInput, 'session'>[] = [];

  constructor(contract: Contract, facts: ValueFacts) {
    this.#contract = contract;
    this.#facts = facts;
  }

  /** Undefined where no input is meant. */
  given(command: number, stream: StreamKind, bytes: SeenBytes): TakeBack | undefined {
    const { name: of } = this.#contract.commands[command]!.declared;
    const declared = Object.entries(this.#contract.declared.inputs).filter(
      ([, input]) => input.of === of && input.stream === stream,
    );
    if (declared.length === 0 || this.#given.length >= LISTED_MAX) return undefined;
    for (const [name, { from, input }] of declared) {
      const origin = from ?? (input === undefined ? undefined : `input:${input}`);
      const matches = wantedOf({ from, input }, this.#facts).every((wanted) => isWanted(wanted, bytes));
      this.#given.push({ name, of, ...(origin !== undefined && { from: origin }), ...bytes, matches });
    }
    return () => void this.#given.splice(this.#given.length - declared.length, declared.length);
  }

  results(sessionOf: (origin: string) => string | undefined): readonly ResultInput[] {
    return this.#given.map((given) => {
      const session =
        given.from === undefined || given.from.startsWith('input:') ? undefined : sessionOf(given.from);
      return session === undefined ? given : { ...given, session };
    });
  }
}
