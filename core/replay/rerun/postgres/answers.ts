/** Answers of both sides, as they come: each pair is compared and let go. */
import { type Difference, Findings } from '../report.ts';
import { compareAnswers, outcomeOf } from './compare.ts';
import { type Rules, shortened } from './found.ts';
import type { Answered } from './side.ts';

export class Answers {
  readonly findings: Findings;
  readonly #rules: Rules;
  readonly #recorded = new Map<string, Answered>();
  readonly #rerun = new Map<string, Answered>();
  readonly #until: number;
  /** Once it has stopped. */
  #notReached: number | undefined;

  /** `until`: steps of the recording behind that do not count. */
  constructor(rules: Rules, until = Infinity, findings = new Findings()) {
    this.#rules = rules;
    this.#until = until;
    this.findings = findings;
  }

  /** Answers of the recording that the rerun does not have yet. */
  get waiting(): number {
    return this.#recorded.size;
  }

  /** The first of those. */
  get first(): Answered | undefined {
    return [...this.#recorded.values()].toSorted((one, other) => one.number - other.number)[0];
  }

  /** The rerun goes no further: `difference` says why, at the first answer that it does not have. */
  stop(difference: Omit<Difference, 'step'>): void {
    const first = this.first;
    if (first !== undefined) this.#recorded.delete(first.key);
    const statement = first?.step.statement;
    this.findings.compared([
      {
        step: first?.number ?? 1,
        ...(statement !== undefined && { statement: shortened(statement.text) }),
        ...(first !== undefined && { recorded: shortened(outcomeOf(first)) }),
        ...difference,
      },
    ]);
    this.#notReached = this.#left().length;
    this.#recorded.clear();
  }

  recorded(answered: Answered): void {
    if (this.#notReached !== undefined) {
      this.#notReached += this.#counts(answered) ? 1 : 0;
      free(answered);
      return;
    }
    this.#meet(this.#recorded, answered, this.#rerun.get(answered.key), (other) => [answered, other]);
  }

  rerun(answered: Answered): void {
    if (this.#notReached !== undefined) return free(answered);
    this.#meet(this.#rerun, answered, this.#recorded.get(answered.key), (other) => [other, answered]);
  }

  /** No answer will come any more. Gives how many steps the rerun did not come to. */
  finish(): number {
    if (this.#notReached !== undefined) return this.#notReached;
    for (const answered of this.#left()) this.findings.compared([onlyRecorded(answered)]);
    for (const answered of this.#rerun.values())
      if (!isNothing(answered)) this.findings.add(onlyRerun(answered));
    return 0;
  }

  #left(): Answered[] {
    return [...this.#recorded.values()].filter((answered) => this.#counts(answered));
  }

  #counts({ number, step }: Answered): boolean {
    return number <= this.#until && step.outcome !== 'unfinished';
  }

  #meet(
    own: Map<string, Answered>,
    answered: Answered,
    other: Answered | undefined,
    pair: (other: Answered) => [Answered, Answered],
  ): void {
    if (other === undefined) {
      own.set(answered.key, answered);
      return;
    }
    this.#recorded.delete(answered.key);
    this.#rerun.delete(answered.key);
    const [recorded, rerun] = pair(other);
    if (this.#counts(recorded)) this.findings.compared(compareAnswers(recorded, rerun, this.#rules));
    free(recorded);
    free(rerun);
  }
}

function free({ rows, copied }: Answered): void {
  rows?.free();
  copied?.free();
}

function isNothing({ step: { outcome } }: Answered): boolean {
  return outcome === 'unfinished' || outcome === 'skipped';
}

/** The gateway's own words are of that time; what was passed over may not even be there to be passed over. */
function onlyRecorded(answered: Answered): Difference {
  const { number, step, isOfGateway } = answered;
  return {
    step: number,
    kind: 'missing',
    ...(step.statement !== undefined && { statement: shortened(step.statement.text) }),
    recorded: shortened(outcomeOf(answered)),
    ...(isOfGateway && { because: 'gateway' }),
  };
}

function onlyRerun(answered: Answered): Difference {
  const { statement } = answered.step;
  return {
    step: 0,
    kind: 'extra',
    ...(statement !== undefined && { statement: shortened(statement.text) }),
    rerun: shortened(outcomeOf(answered)),
  };
}
