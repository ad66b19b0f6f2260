import type { Answer } from './answer.ts';
import type { CopyRun } from './copy-run.ts';
import type { Statement } from './statement.ts';
import type { Step } from './step.ts';
import type { Texts } from './texts.ts';
import type { CutValue } from './values.ts';

/** What became of a transaction, or of a part of it. */
export type TransactionEvent =
  | { readonly kind: 'savepoint' | 'release' | 'rollback-to'; readonly name: string }
  /**
   * Also of one that no BEGIN began: a query, or a pipeline up to its Sync. PREPARE TRANSACTION counts as a commit: what it did stays
   * at the server, whoever commits it.
   */
  | { readonly kind: 'end'; readonly committed: boolean };

/** How the server reads texts. */
export interface Reading {
  readonly utf8: boolean;
  /** standard_conforming_strings is on. */
  readonly standardStrings: boolean;
}

/** A command of a statement, as it is answered. */
export interface Answering {
  readonly statement: Statement;
  /** Which of the commands of its text, from 0. */
  readonly part: number;
  readonly answer: Answer;
  readonly texts: Texts;
  readonly reading: Reading;
}

/**
 * Whoever wants more of a session than its steps keep: every row, all data of COPYs, what was taken back. It is called while the
 * recording is read, in the server's order; what it is given does not last.
 */
export interface Tap {
  /** The server, or the gateway in its place, says something. */
  said(by: 'target' | 'gateway'): void;
  /** What a statement is answered begins. The step of that answer is the next of a statement. */
  answers(answering: Answering): void;
  row(values: readonly (CutValue | null)[], formatOf: (column: number) => number): void;
  /** Of one CopyData, as its bytes come; `server`: of the answer that is coming in. */
  copied(by: 'client' | 'server', bytes: Uint8Array): void;
  /** The client sent something by which CopyData that follows is no longer the same COPY's. */
  copyEnds(): void;
  /** What the data that the client is sending belongs to. */
  readonly copyRun: CopyRun | undefined;
  /** The answer that is coming in is the data of a COPY. */
  copyBegins(): void;
  /** The server reports a setting after the login. */
  setting?(name: CutValue, value: CutValue): void;
  /** The server is ready for the next query, with this status of the transaction. */
  ready(status: string): void;
  /** An answer is complete: what it did to its transaction is said next, then its step. */
  ending(): void;
  transaction(event: TransactionEvent): void;
  step(step: Step): void;
}
