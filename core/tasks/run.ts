/** One execution of a workflow: a beginning that never changes, and steps that are only added, as access requests have them. */
import type { Person } from '../access/person.ts';
import type { DeviationKind } from './deviation.ts';
import type { Verdict } from './result/result.ts';

export interface Run extends RunBeginning {
  /** Assigned by Custody: UUID version 7. */
  readonly id: string;
  /** SHA-256 of the beginning, over canonical JSON: what leaves and results name. */
  readonly digest: string;
  /** Their number is the version: `append` compares it. */
  readonly steps: readonly RunStep[];
}

export interface RunBeginning {
  readonly workflow: string;
  /** `Workflow.digest`: its text is stored under it. */
  readonly workflowDigest: string;
  /** The configuration it was started under. */
  readonly policy: string;
  readonly startedBy: Person;
  /** RFC 3339, UTC, milliseconds; as all times here. */
  readonly startedAt: string;
  /** No task begins after it. */
  readonly until: string;
  /** By their names, as texts. */
  readonly inputs: Readonly<Record<string, string | null>>;
  /** SHA-256 of the run's key (`RunDigests`), which is kept apart. */
  readonly keyDigest: string;
  /** W3C traceparent of whoever orchestrates it. */
  readonly trace?: string;
}

/** What happened in a run. Each is a leaf of the ledger. */
export type RunStep = { readonly at: string } & (
  | {
      /** The first command of this session is about to go on: of two sessions at once, one has the step. */
      readonly kind: 'task-started';
      readonly task: string;
      readonly session: string;
    }
  | {
      /** The first deviation of a session, as it happened; the result has all of them. */
      readonly kind: 'deviated';
      readonly task: string;
      readonly session: string;
      readonly deviation: DeviationKind;
      readonly how: 'recorded' | 'asked' | 'stopped';
    }
  | {
      /** The result that was derived of its sealed evidence. */
      readonly kind: 'task-ended';
      readonly task: string;
      readonly session: string;
      readonly verdict: Verdict;
      /** SHA-256 of the result's statement, as it is signed. */
      readonly result: string;
    }
  | { readonly kind: 'ended'; readonly by: Person; readonly comment?: string }
);
export type RunStepKind = RunStep['kind'];
export type RunStepOf<K extends RunStepKind> = RunStep & { readonly kind: K };

/** `done`: every task has kept its contract. `expired`: its time was over before. `ended`: somebody ended it before. */
export const runStates = ['running', 'done', 'ended', 'expired'] as const;
export type RunState = (typeof runStates)[number];

/** `waiting`: tasks before it are not done. `ready`: it may begin. `running`: a session has it, or its result is not derived yet. */
export const taskStates = ['waiting', 'ready', 'running', 'kept', 'deviated'] as const;
export type TaskState = (typeof taskStates)[number];
