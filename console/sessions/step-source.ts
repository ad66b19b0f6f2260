/** Where a list of steps has its steps from: each place of the list is one, which may not be here yet. */
import type { ReadonlySignal } from '@preact/signals';
import type { Step } from '../api/sessions.ts';
import type { Problem } from '../api/problem.ts';

export interface StepSource {
  /** Changes with each that comes. */
  readonly version: ReadonlySignal<number>;
  readonly problem: ReadonlySignal<Problem | undefined>;
  /** Places; of a filtered list those that are known so far. */
  readonly count: number;
  /** There are more than `count`. */
  readonly goesOn: boolean;
  /** At a place, from 0. */
  at(place: number): Step | undefined;
  /** The number of the step at a place, where that is known without the step. */
  numberAt(place: number): number | undefined;
  /** Where a step stands; undefined where it does not, or not yet. */
  placeOf(number: number): number | undefined;
  /** These are in sight, or soon. */
  want(first: number, last: number): void;
  /** After a problem. */
  retry(): void;
  stop(): void;
}
