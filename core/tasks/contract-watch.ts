import { answerDeviations } from './answer-deviations.ts';
import type { Contract, ContractCommand } from './contract.ts';
import type { Deviation } from './deviation.ts';
import {
  isReadable,
  type SeenAnswer,
  type SeenCommand,
  type SeenValue,
  type UnreadableCommand,
} from './seen.ts';
import { isConstant, type ValueFacts } from './values.ts';

/** What a command is under the contract. */
export type Judgement =
  /** `command`: its index in the contract. */
  | { readonly fits: true; readonly command: number }
  /** `command`: the one that it comes nearest to, where there is one. */
  | { readonly fits: false; readonly command?: number; readonly deviation: Deviation };

/**
 * One execution of a task against its contract: what may go on, what came back, what is missing at the end. The same for a session
 * that runs and for its recording. It knows nothing of wires, and does not decide what a deviation leads to.
 */
export class ContractWatch {
  readonly #contract: Contract;
  readonly #facts: ValueFacts;
  /** How often each command ran. */
  readonly #times: number[];
  /** With `order: strict`: the command that ran last. */
  #last = 0;

  constructor(contract: Contract, facts: ValueFacts) {
    this.#contract = contract;
    this.#facts = facts;
    this.#times = contract.commands.map(() => 0);
  }

  /** The same, as it is now: for what may be taken back, a pipeline that does not pass as a whole. */
  copy(): ContractWatch {
    const copy = new ContractWatch(this.#contract, this.#facts);
    copy.#times.splice(0, Infinity, ...this.#times);
    copy.#last = this.#last;
    return copy;
  }

  /** `atMs`: since the task's first command. Changes nothing: `went` does. */
  judge(command: SeenCommand | UnreadableCommand, atMs: number): Judgement {
    if (atMs > this.#contract.withinMs) return no(tooLate(this.#contract.withinMs));
    if (!isReadable(command)) return no(unreadable(command));
    const candidates = this.#contract.byShape.get(command.shape) ?? [];
    let nearest: Judgement | undefined;
    for (const at of candidates) {
      const deviation = this.#misfit(at, command);
      if (deviation === undefined) return { fits: true, command: at };
      nearest ??= no(deviation, at);
    }
    return nearest ?? no(unknown(command));
  }

  /** A command of the contract goes on, or went on. */
  went(command: number): void {
    this.#times[command]! += 1;
    this.#last = Math.max(this.#last, command);
  }

  /** It was taken back with its transaction: it may run again. */
  undone(command: number): void {
    this.#times[command]! -= 1;
  }

  /** How often a command of the contract ran. */
  times(command: number): number {
    return this.#times[command] ?? 0;
  }

  /** What of an answer is not as the contract has it. `isWhole`: no more of it comes; before that, only what is too much already is said. */
  answered(command: number, answer: SeenAnswer, isWhole = true): readonly Deviation[] {
    const { declared } = this.#contract.commands[command]!;
    return answerDeviations(declared.name, declared.answers, answer, isWhole);
  }

  /** What has not run as often as it has to. */
  missing(): readonly Deviation[] {
    return this.#contract.commands.flatMap(({ declared: { name, times } }, at) =>
      this.times(at) >= times.min
        ? []
        : [
            {
              kind: 'missing' as const,
              command: name,
              expected: `${name} at least ${often(times.min)}`,
              seen: `it ran ${often(this.times(at))}`,
            },
          ],
    );
  }

  #misfit(at: number, command: SeenCommand): Deviation | undefined {
    const { declared, shape, places, repeated } = this.#contract.commands[at]!;
    const { name, times } = declared;
    const firsts = repeated.size === 0 ? undefined : new Map<string, SeenValue>();
    for (let index = 0; index < shape.places.length; index += 1) {
      const place = shape.places[index]!;
      const value = command.values[index]!;
      if ('constant' in place) {
        if (!isConstant(place.constant, value))
          return {
            kind: 'value',
            command: name,
            expected: `in ${name} a fixed value at place ${index + 1}`,
            seen: 'another value stands there',
          };
        continue;
      }
      const misfit = places.get(place.hole)!.misfit(value, this.#facts);
      if (misfit !== undefined)
        return {
          kind: misfit.kind,
          command: name,
          expected: `for ${name}.${place.hole} ${misfit.expected}`,
          seen: 'another value stands there',
        };
      if (firsts === undefined || !repeated.has(place.hole)) continue;
      const first = firsts.get(place.hole) ?? value;
      firsts.set(place.hole, first);
      if (textOf(first) !== textOf(value))
        return {
          kind: 'value',
          command: name,
          expected: `one value for ${name}.${place.hole}, wherever it stands`,
          seen: 'two values stand there',
        };
    }
    if (this.times(at) >= times.max)
      return {
        kind: 'too-often',
        command: name,
        expected: `${name} at most ${often(times.max)}`,
        seen: 'it would run once more',
      };
    return this.#outOfOrder(at);
  }

  /** In strict order a command comes again or after it, and what stands between has run as often as it has to. */
  #outOfOrder(at: number): Deviation | undefined {
    const { declared, commands } = this.#contract;
    if (declared.order === 'any') return undefined;
    const { name } = commands[at]!.declared;
    if (at < this.#last)
      return {
        kind: 'out-of-order',
        command: name,
        expected: `${name} before ${nameAt(commands, this.#last)}`,
        seen: 'it comes after it',
      };
    const owed = commands.slice(0, at).findIndex((one, index) => this.times(index) < one.declared.times.min);
    if (owed < 0) return undefined;
    const { name: before, times } = commands[owed]!.declared;
    return {
      kind: 'out-of-order',
      command: name,
      expected: `${before} ${often(times.min)} before ${name}`,
      seen: `it ran ${often(this.times(owed))}`,
    };
  }
}

function textOf(value: SeenValue): string {
  return JSON.stringify('list' in value ? value.list.map(({ text }) => text) : value.text);
}

function no(deviation: Deviation, command?: number): Judgement {
  return { fits: false, deviation, ...(command === undefined ? {} : { command }) };
}

function nameAt(commands: readonly ContractCommand[], at: number): string {
  return commands[at]!.declared.name;
}

function unknown({ text }: SeenCommand): Deviation {
  return {
    kind: 'not-in-contract',
    expected: 'no such command',
    seen: `another command: ${shortened(text)}`,
  };
}

function unreadable({ why }: UnreadableCommand): Deviation {
  return {
    kind: 'unreadable',
    expected: 'commands of known shapes alone',
    seen: `a command that cannot be looked at: it ${why}`,
  };
}

function tooLate(withinMs: number): Deviation {
  return { kind: 'too-late', expected: `${withinMs / 1000} s for the whole task`, seen: 'its time is over' };
}

const SHOWN_CHARACTERS = 200;

function shortened(text: string): string {
  const characters = Array.from(text);
  return characters.length <= SHOWN_CHARACTERS ? text : `${characters.slice(0, SHOWN_CHARACTERS).join('')}…`;
}

function often(times: number): string {
  return times === 1 ? 'once' : `${times} times`;
}
