import type { Counts } from '../tally.ts';
import type { ChildState } from './messages.ts';

/** Nothing is known to end. */
const END_OF_TIME = 8.64e15;

/** What a task is that has several processes: sums of what happened, and the worst of how they are. */
export class Totals {
  readonly #states: () => readonly ChildState[];
  readonly #own: { take(): Counts };
  #counts: Counts[] = [];

  /** `states`: what those say of themselves that live. `own`: what happened in the parent. */
  constructor(states: () => readonly ChildState[], own: { take(): Counts }) {
    this.#states = states;
    this.#own = own;
  }

  /** A process said how it is: what it counted since the last time is counted once, whatever becomes of it. */
  readonly heard = ({ counts }: ChildState): void => void this.#counts.push(counts);

  readonly sessions = (): number => this.#states().reduce((sum, { sessions }) => sum + sessions, 0);

  readonly journalLagMs = (): number =>
    Math.max(0, ...this.#states().map(({ journalLagMs }) => journalLagMs));

  readonly certificateEnds = (): Date =>
    new Date(Math.min(END_OF_TIME, ...this.#states().map(({ certificateEnds }) => certificateEnds)));

  /** The counts of all, which begin anew. */
  take(): Counts {
    const all = [this.#own.take(), ...this.#counts.splice(0)];
    return all.reduce(plus);
  }
}

function plus(one: Counts, other: Counts): Counts {
  const sums = Object.entries(one).map(([name, count]) => [name, count + other[name as keyof Counts]]);
  return Object.fromEntries(sums) as Counts;
}
