/** What is looked for among the steps of a session, and where. */
import type { Tally } from './format.ts';
import type { StepMarks, StoredStep } from './stored-step.ts';

export interface StepFilter {
  /** Only steps that are errors. */
  readonly errors?: boolean;
  /** Only steps that are writes. */
  readonly writes?: boolean;
  readonly kind?: string;
  readonly outcome?: string;
}

/** Where a page begins: a place between two steps by the number of the one before it, a step, or a time in microseconds. */
export type StepPlace = { readonly cursor: number } | { readonly from: number } | { readonly at: number };

export interface StepQuery extends StepFilter {
  readonly place: StepPlace;
  /** `previous`: steps before the place (a step or a time: up to it), the nearest of them. A page is in ascending order always. */
  readonly direction: 'next' | 'previous';
  readonly limit: number;
  /** Without the rows of results, of which a page of steps may hold few otherwise. */
  readonly brief?: boolean;
}

export interface StepPage {
  readonly steps: readonly StoredStep[];
  /** The cursor of what follows, where something may; a page that looked far may hold less than `limit`, or nothing. */
  readonly next?: number;
  /** The cursor, with direction `previous`, of what comes before. */
  readonly previous?: number;
}

/** Characters of JSON in a page, about. With the largest step there can be, it stays below the 6 MB that a function may answer. */
export const PAGE_MAX_CHARACTERS = 1 << 20;

export function isWanted(marks: StepMarks, { errors, writes, kind, outcome }: StepFilter): boolean {
  return (
    (!errors || marks.isError) &&
    (!writes || marks.isWrite) &&
    (kind === undefined || marks.kind === kind) &&
    (outcome === undefined || marks.outcome === outcome)
  );
}

/** False where none of these steps can be wanted. */
export function mayHold(
  { steps, errors, writes, kinds, outcomes }: Tally,
  { errors: onlyErrors, writes: onlyWrites, kind, outcome }: StepFilter,
): boolean {
  return (
    steps > 0 &&
    (!onlyErrors || errors > 0) &&
    (!onlyWrites || writes > 0) &&
    (kind === undefined || Object.hasOwn(kinds, kind)) &&
    (outcome === undefined || Object.hasOwn(outcomes, outcome))
  );
}
