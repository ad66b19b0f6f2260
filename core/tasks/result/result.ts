/** What a task came to, as anyone can derive it again from its sealed evidence (FORMAT.md, "Results"). */
import type { Person } from '../../access/person.ts';
import type { Deviation } from '../deviation.ts';
import type { SeenAnswer } from '../seen.ts';

/** `kept`: nothing left the contract but what reviewers approved, and nothing is missing. */
export const verdicts = ['kept', 'deviated'] as const;
export type Verdict = (typeof verdicts)[number];

export interface TaskResult {
  readonly type: 'custody/task-result/1';
  readonly run: string;
  /** Digest of the run's beginning. */
  readonly beginning: string;
  readonly workflow: { readonly name: string; readonly digest: string };
  readonly task: string;
  readonly session: string;
  /** As the open statement names them. */
  readonly operator: Person & { readonly groups: readonly string[] };
  readonly startedAt: string;
  readonly endedAt: string;
  readonly verdict: Verdict;
  readonly commands: readonly CommandResult[];
  /** Commands that are not listed: there are more than a result holds. */
  readonly commandsOmitted: number;
  readonly deviations: readonly ResultDeviation[];
  readonly deviationsOmitted: number;
  /** Where the values of open places that have an origin came from. */
  readonly lineage: readonly Lineage[];
  readonly inputs: readonly ResultInput[];
  readonly outputs: readonly ResultOutput[];
  /** SHA-256 of the session's statements: which evidence it was derived of. */
  readonly evidence: { readonly open: string; readonly close: string };
}

export interface CommandResult {
  /** Of the contract; absent for one that it does not have. */
  readonly command?: string;
  readonly shape?: string;
  /** Microseconds since the session's start: its place in the recording. */
  readonly at: number;
  readonly tookMs: number;
  readonly outcome: SeenAnswer['outcome'];
  readonly rows?: number;
  readonly affected?: number;
  readonly undone?: true;
  /** W3C traceparent that the command named. */
  readonly trace?: string;
}

export interface ResultDeviation extends Deviation {
  /** Microseconds since the session's start. */
  readonly at: number;
  /** What came of it: reviewers' approval goes by the request's id. */
  readonly how: 'recorded' | 'stopped' | 'approved' | 'denied';
  readonly request?: string;
}

/** "37 of 37 values of refund.$1 are in find.returned.id" */
export interface Lineage {
  readonly command: string;
  readonly hole: string;
  /** `task.output.column`, or `input:name`. */
  readonly from: string;
  readonly values: number;
  readonly found: number;
  /** The session that the output is of. */
  readonly session?: string;
}

export interface ResultInput {
  readonly name: string;
  readonly of: string;
  /** `task.output`, or `input:name`. */
  readonly from?: string;
  readonly sha256: string;
  readonly bytes: number;
  /** It is what it has to be. */
  readonly matches: boolean;
  readonly session?: string;
}

/** Rows as digests under the run's key; bytes as their SHA-256. */
export type ResultOutput = { readonly name: string; readonly of: string } & (
  | {
      readonly rows: number;
      /** Over the rows' digests, sorted: the order in which rows come says nothing. */
      readonly digest: string;
      readonly columns: readonly ColumnDigest[];
      /** Where the contract keeps them. */
      readonly kept?: readonly (readonly (string | null)[])[];
    }
  | { readonly sha256: string; readonly bytes: number; readonly kept?: string }
);

export interface ColumnDigest {
  readonly name: string;
  /** How many different values it has. */
  readonly distinct: number;
  /** Over the digests of its different values, sorted. */
  readonly digest: string;
}
