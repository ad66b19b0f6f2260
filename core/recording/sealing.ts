import type { CustodyError } from '../errors.ts';

/** What came of sealing the sessions of tasks that are gone. */
export interface Sealing {
  /** How many sessions were sealed. */
  readonly sealed: number;
  /** Those that could not be sealed: keep their tails in the journal and tell the operator. */
  readonly failures: readonly SealFailure[];
  /** Tasks of which not even that is known: their sessions are tried again by the next run. */
  readonly troubles?: readonly TaskTrouble[];
  /** There was no time for some. */
  readonly isUnfinished?: true;
}

export interface SealFailure {
  readonly session: string;
  /** Its message names the session. */
  readonly error: CustodyError;
}

export interface TaskTrouble {
  readonly task: string;
  readonly error: CustodyError;
}

/** As one. */
export function together(done: readonly Sealing[]): Sealing {
  const troubles = done.flatMap(({ troubles: of = [] }) => of);
  return {
    sealed: done.reduce((n, { sealed }) => n + sealed, 0),
    failures: done.flatMap(({ failures }) => failures),
    ...(troubles.length === 0 ? {} : { troubles }),
    ...(done.some(({ isUnfinished }) => isUnfinished) ? { isUnfinished: true as const } : {}),
  };
}
