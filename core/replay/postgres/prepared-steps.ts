import type { Prepared } from './memory.ts';
import type { Outcome, ReplayLimits, ShownReport, Step } from './step.ts';
import type { Texts } from './texts.ts';

const OWED_MAX = 10_000;
type Bytes = NonNullable<Step['bytes']>;

interface Owed {
  readonly prepared: Prepared;
  readonly step: Step;
}

/** Steps of statements that were prepared: shown, unless an execution shows their text before it is time. */
export class PreparedSteps {
  readonly #limits: ReplayLimits;
  readonly #texts: Texts;
  readonly #emit: (step: Step) => void;
  #owed: Owed[] = [];

  constructor(limits: ReplayLimits, texts: Texts, emit: (step: Step) => void) {
    this.#limits = limits;
    this.#texts = texts;
    this.#emit = emit;
  }

  owe(prepared: Prepared, asked: number, at: number, outcome: Outcome, error?: ShownReport): void {
    const { name, text } = prepared;
    const shown = text && { statement: this.#texts.shown(text, this.#limits.text) };
    const step = { kind: 'prepare', at: asked, took: at - asked, ...shown, name, outcome } as const;
    this.#owed.push({ prepared, step: error === undefined ? step : { ...step, error } });
    if (this.#owed.length > OWED_MAX) this.flush();
  }

  /** Shows those that are owed; true when there were any. `bytes` are the last one's. */
  flush(bytes?: Bytes): boolean {
    const owed = this.#owed.filter(({ prepared }) => !prepared.shown);
    this.#owed = [];
    for (const { prepared, step } of owed) {
      prepared.shown = true;
      const named = this.#texts.named(step, prepared.text);
      this.#emit(prepared === owed.at(-1)?.prepared && bytes !== undefined ? { ...named, bytes } : named);
    }
    return owed.length > 0;
  }
}
