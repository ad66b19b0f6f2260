import { type Deviation, deviationWords } from '#core/tasks/deviation.ts';
import { otherBytes, type WantedBytes } from '#core/tasks/input-deviations.ts';
import type { SeenAnswer } from '#core/tasks/seen.ts';
import { Counted } from '../../counted.ts';
import type { ChannelGate, GateHands } from '../channels/gate.ts';
import { NOT_PERMITTED } from '../channels/own-words.ts';

/** What a program may be given. */
export type Input =
  | { readonly kind: 'none' | 'any' }
  /** These bytes and no others. */
  | ({ readonly kind: 'exactly' } & WantedBytes);

export interface ProgramParts {
  /** Of the command in the contract. */
  readonly name: string;
  readonly input: Input;
  /** What deviates goes on, marked. */
  readonly passes: boolean;
  readonly nowMs: () => number;
  /** What of an answer is not as it should be. */
  readonly answered: (answer: SeenAnswer) => readonly Deviation[];
  /** Told of deviations as they are seen; ends the session where the contract says so. */
  readonly deviate: (deviations: readonly Deviation[]) => void;
}

/** Input that is held back until all of it is seen to be what it has to be. A longer one goes on as it comes, and is told of at its end. */
const HELD_MAX = 512 << 10;

/** One program of a session under a contract: counts what it is given and what it says, and looks at how it ends. */
export class ProgramWatch implements ChannelGate {
  readonly #parts: ProgramParts;
  readonly #startedMs: number;
  readonly #streams = { stdin: new Counted(), stdout: new Counted(), stderr: new Counted() };
  #held: Uint8Array[] | undefined;
  #spoilt = false;

  constructor(parts: ProgramParts) {
    this.#parts = parts;
    this.#startedMs = parts.nowMs();
    const { input } = parts;
    if (input.kind === 'exactly' && (input.bytes?.bytes ?? 0) <= HELD_MAX) this.#held = [];
  }

  fromClient(data: Uint8Array, hands: GateHands): void {
    this.#streams.stdin.take(data);
    if (this.#isTooMuch()) this.#refuseInput(hands);
    if (this.#spoilt && !this.#parts.passes) return;
    if (this.#held === undefined) return hands.toTarget(data);
    this.#held.push(Uint8Array.from(data));
  }

  fromTarget(data: Uint8Array, hands: GateHands, error: boolean): void {
    this.#streams[error ? 'stderr' : 'stdout'].take(data);
    hands.toClient(data, error);
  }

  ended(side: 'client' | 'target', hands: GateHands): void {
    const { input } = this.#parts;
    if (side === 'target' || input.kind !== 'exactly') return;
    if (this.#streams.stdin.seen().sha256 !== input.bytes?.sha256) this.#refuseInput(hands);
    if (!this.#spoilt) this.#letGo(hands);
  }

  exited(how: { readonly status: number } | { readonly signal: string }): void {
    const error =
      'signal' in how ? `signal ${how.signal}` : how.status === 0 ? undefined : `exit ${how.status}`;
    const streams = Object.fromEntries(
      Object.entries(this.#streams).map(([name, counted]) => [name, counted.seen()]),
    );
    const tookMs = this.#parts.nowMs() - this.#startedMs;
    const answer: SeenAnswer = {
      outcome: error === undefined ? 'completed' : 'failed',
      tookMs,
      streams,
      ...(error && { error }),
    };
    const deviations = this.#parts.answered(answer);
    if (deviations.length > 0) this.#parts.deviate(deviations);
  }

  closed(): void {
    this.#held = undefined;
  }

  #isTooMuch(): boolean {
    const { input } = this.#parts;
    if (input.kind === 'exactly') return this.#streams.stdin.bytes > (input.bytes?.bytes ?? 0);
    return input.kind === 'none';
  }

  /** Told once. Where it does not go on, neither does the program. */
  #refuseInput(hands: GateHands): void {
    if (this.#spoilt) return;
    this.#spoilt = true;
    const { input, name, passes, deviate } = this.#parts;
    const deviation = input.kind === 'exactly' ? otherBytes(name, input) : someInput(name);
    deviate([deviation]);
    if (passes) return this.#letGo(hands);
    hands.close(deviationWords(deviation), NOT_PERMITTED);
  }

  #letGo(hands: GateHands): void {
    for (const bytes of this.#held ?? []) hands.toTarget(bytes);
    this.#held = undefined;
  }
}

function someInput(command: string): Deviation {
  return { kind: 'input', command, expected: `no input of ${command}`, seen: 'it was given some' };
}
