import type { Tally } from './format.ts';
import type { StepMarks } from './stored-step.ts';

/** Sums up consecutive steps. */
export class Tallying {
  readonly #first: number;
  readonly #kinds = new Map<string, number>();
  readonly #outcomes = new Map<string, number>();
  readonly #sum = { steps: 0, errors: 0, writes: 0 };
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;
  readonly #segment: number;
  #lastSegment: number;

  /** `segment`: what had been read of the evidence when the step before `first` was complete. */
  constructor(first: number, segment: number) {
    this.#first = first;
    this.#segment = segment;
    this.#lastSegment = segment;
  }

  get steps(): number {
    return this.#sum.steps;
  }

  add({ at, isError, isWrite, kind, outcome, segment }: StepMarks): void {
    this.#sum.steps += 1;
    if (isError) this.#sum.errors += 1;
    if (isWrite) this.#sum.writes += 1;
    if (at < this.#from) this.#from = at;
    if (at > this.#to) this.#to = at;
    this.#lastSegment = segment;
    increase(this.#kinds, kind, 1);
    if (outcome !== '') increase(this.#outcomes, outcome, 1);
  }

  /** What was summed up elsewhere, of the steps that follow. */
  addAll({ steps, errors, writes, from, to, segments, kinds, outcomes }: Tally): void {
    this.#sum.steps += steps;
    this.#sum.errors += errors;
    this.#sum.writes += writes;
    this.#from = Math.min(this.#from, from);
    this.#to = Math.max(this.#to, to);
    this.#lastSegment = segments[1];
    for (const [kind, count] of Object.entries(kinds)) increase(this.#kinds, kind, count);
    for (const [outcome, count] of Object.entries(outcomes)) increase(this.#outcomes, outcome, count);
  }

  sum(): Tally {
    const isEmpty = this.#sum.steps === 0;
    return {
      first: this.#first,
      ...this.#sum,
      from: isEmpty ? 0 : this.#from,
      to: isEmpty ? 0 : this.#to,
      segments: [this.#segment, this.#lastSegment],
      kinds: sorted(this.#kinds),
      outcomes: sorted(this.#outcomes),
    };
  }
}

function increase(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

/** The same whatever came first. */
function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
