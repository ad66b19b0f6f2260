/** What people look for in a step, whatever its protocol: derived from the step alone, and the same each time. */
import type { ReadStep } from './reader.ts';

export interface StepFacts {
  /** It failed, was refused, or is an error, a deviation or damage by itself. */
  readonly isError: boolean;
  /** It changed something at the target, or nobody can say that it did not. */
  readonly isWrite: boolean;
  /** What was asked, as a person would search for it: a statement, a command line. */
  readonly text?: string;
  /** SHA-256 of the command without its values, lower-case hex, where the protocol has shapes (core/tasks/shapes.ts). */
  readonly shape?: string;
  /** What a name in the command stood for: of EXECUTE the prepared statement, of FETCH the cursor's query. */
  readonly runs?: { readonly text: string; readonly shape?: string };
  /**
   * Tables, views, sequences and indexes, named as the command names them and folded as the server would: `orders`, `audit.log`. What
   * triggers, rules and views touch besides is in no command. One that failed names what it would have touched.
   */
  readonly relations: readonly Touched[];
  /** Functions and procedures that the command calls and that the server does not bring itself: nobody knows what they do. */
  readonly functions: readonly string[];
  /** Paths at the target. */
  readonly files: readonly TouchedFile[];
  /** Bind values and constants of the command, as texts. */
  readonly values: readonly string[];
  /** Values that came back, of the rows that are kept. */
  readonly results: readonly string[];
  /** What was said of it: errors, notices, notes; a program's output as far as it is kept. */
  readonly messages: readonly string[];
  /** SQLSTATE, `exit 1`, `signal KILL`, `refused 1` with the reason code of RFC 4254, `denied`, a deviation's kind. */
  readonly codes: readonly string[];
  readonly rows: { readonly out: number; readonly written: number };
  /** Payload that went to the target, and came from it. */
  readonly bytes: { readonly sent: number; readonly received: number };
}

export interface Touched {
  readonly name: string;
  readonly how: 'read' | 'written';
}

export interface TouchedFile {
  readonly path: string;
  readonly how: 'read' | 'written';
  readonly bytes?: number;
  /** Lower-case hex, where all of it is in the recording. */
  readonly sha256?: string;
}

/** One protocol's. It never throws for what a step says, and keeps nothing between steps but caches of bounded size. */
export type FactsOf = (read: ReadStep) => StepFacts;

export const NO_FACTS: StepFacts = {
  isError: false,
  isWrite: false,
  relations: [],
  functions: [],
  files: [],
  values: [],
  results: [],
  messages: [],
  codes: [],
  rows: { out: 0, written: 0 },
  bytes: { sent: 0, received: 0 },
};
