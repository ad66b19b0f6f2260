import type { CustodyError } from '../errors.ts';
import type { Contract } from './contract.ts';
import type { Deviation } from './deviation.ts';
import type { ValueFacts } from './values.ts';

/** What became of a deviation. */
export type Outcome =
  /** It goes on, marked, or as reviewers approved it. */
  | { readonly goesOn: true }
  /** It does not go on. `ends`: neither does the session. */
  | { readonly goesOn: false; readonly error: CustodyError; readonly ends: boolean };

/** A session that is a task of a run, as its protocol keeps it to the contract. */
export interface TaskSession {
  readonly run: string;
  readonly task: string;
  readonly contract: Contract;
  readonly facts: ValueFacts;
  /**
   * To be called before the first command of the session goes on, and awaited: the execution of the task becomes this session's, durably.
   * Rejects with `task-refused` where it is another's, a task before it is not done, or its time is over. Asks once, however often it is called.
   */
  begin(): Promise<void>;
  /** Milliseconds since `begin` resolved; 0 before. */
  elapsedMs(): number;
  /**
   * A command that is about to go on, or an answer, is not as the contract has it. The recording has a note of it when this resolves; with
   * `ask` that is when reviewers have decided.
   */
  deviated(deviation: Deviation, about: DeviationPlace): Promise<Outcome>;
}

/** What a deviation is about. */
export interface DeviationPlace {
  /** All of its text, for reviewers. */
  readonly command: string;
  /** It has happened already. */
  readonly isAnswer: boolean;
  /** Aborted when the client no longer waits: the outcome then counts for nothing. */
  readonly signal?: AbortSignal;
  /** Tells the client something while it waits. */
  readonly announce?: (message: string, hint: string) => void;
}

/** The note of a deviation in the recording, at its place. */
export interface DeviationNote {
  readonly note: 'task-deviation';
  readonly kind: Deviation['kind'];
  readonly command?: string;
  readonly expected: string;
  readonly seen: string;
  readonly how: 'recorded' | 'stopped' | 'approved' | 'denied';
  /** Of `ask`. */
  readonly request?: string;
}
