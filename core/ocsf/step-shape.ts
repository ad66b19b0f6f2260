/** How a protocol says what its steps are among OCSF's classes. */
import type { StepFacts } from '../replay/facts.ts';
import type { ReadStep } from '../replay/reader.ts';
import type { ActivityOf, EventClass } from './classes.ts';

/** A class with one of its activities, and the class's own attributes. */
export type StepShape = {
  readonly [C in EventClass]: {
    readonly class: C;
    readonly activity: ActivityOf<C>;
    readonly fields?: Readonly<Record<string, unknown>>;
  };
}[EventClass];

/** What is known of the session whose step it is. */
export interface StepPlace {
  /** `<session>:<number of the step>` */
  readonly uid: string;
  readonly session: string;
  /** Name of the target. */
  readonly target: string;
}

/** One protocol's. `read` is what may be seen of the step. It never throws for what a step says, and keeps nothing between steps. */
export type StepShapeOf = (read: ReadStep, facts: StepFacts, place: StepPlace) => StepShape;
