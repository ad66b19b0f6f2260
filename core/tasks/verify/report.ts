/** What can be found against a run's evidence (FORMAT.md, "What a verifier MUST establish"). */

import type { Person } from '../../access/person.ts';
import { printable } from '../../printable.ts';
import type { Verdict as EvidenceVerdict } from '../../recording/verify/report.ts';
import type { Verdict } from '../result/result.ts';
import type { RunState } from '../run.ts';

/** Stable codes. */
export type RunFindingCode =
  | 'run-missing'
  | 'run-malformed'
  /** It is not the run that was asked for. */
  | 'run-other'
  | 'key-missing'
  | 'key-mismatch'
  | 'workflow-missing'
  | 'workflow-mismatch'
  | 'workflow-malformed'
  | 'object-unlisted'
  | 'object-unreadable'
  /** No proof: nothing says that these are all of the run's steps. */
  | 'ledger-missing'
  | 'ledger-unanchored'
  | 'ledger-proof-invalid'
  /** run.json has a step that the ledger does not have. */
  | 'step-unproved'
  /** The same of its last steps: they may be on their way into the ledger. */
  | 'step-pending'
  /** The ledger has a step that run.json does not have. */
  | 'step-removed'
  | 'step-impossible'
  | 'task-unknown'
  | 'ran-too-often'
  | 'began-too-early'
  | 'began-too-late'
  | 'session-missing'
  | 'session-unlisted'
  | 'session-failed'
  | 'session-unanchored'
  | 'session-unsealed'
  | 'session-of-another-run'
  | 'session-of-another-contract'
  | 'session-of-another-task'
  | 'session-of-another-target'
  | 'operator-unfit'
  | 'result-missing'
  | 'result-pending'
  | 'result-invalid'
  | 'result-mismatch'
  /** What is derived again of the evidence is another one. */
  | 'result-differs'
  | 'result-underivable'
  | 'deviation-unfounded'
  | 'approval-missing'
  | 'approval-mismatch';

export interface RunFinding {
  readonly code: RunFindingCode;
  /** The file or the folder it is about, safe to print. */
  readonly object: string;
  /** The session it is about, where it is about one. */
  readonly session?: string;
  /** One sentence, safe to print. */
  readonly message: string;
}

/** As of `custody verify`: `incomplete` where a session is not sealed, its result not derived, or a step not in the ledger yet. */
export type RunVerdict = EvidenceVerdict;

/** What the evidence says about itself; worth as much as the verdict. */
export interface RunFacts {
  readonly run: string;
  readonly workflow: { readonly name: string; readonly digest: string };
  readonly startedBy: Person;
  readonly startedAt: string;
  readonly until: string;
  /** As of the last step: nobody asked when it is now. */
  readonly state?: RunState;
  readonly executions: readonly ExecutionFacts[];
  readonly ledger?: { readonly origin: string; readonly size: number; readonly leaves: number };
  /** What the evidence does not tell: sentences, safe to print. */
  readonly untold: readonly string[];
}

export interface ExecutionFacts {
  readonly task: string;
  readonly session: string;
  readonly operator?: Person;
  /** Of the result that was derived again. */
  readonly verdict?: Verdict;
  readonly commands?: number;
  readonly deviations?: number;
  /** Values whose origin the contract names, and how many of them were found there. */
  readonly lineage?: { readonly values: number; readonly found: number };
}

export interface RunVerifyReport {
  readonly verdict: RunVerdict;
  readonly findings: readonly RunFinding[];
  /** Absent where there is no readable run. */
  readonly facts?: RunFacts;
}

export type RunReport = (code: RunFindingCode, object: string, message: string, session?: string) => void;

const UNFINISHED: ReadonlySet<RunFindingCode> = new Set([
  'ledger-missing',
  'session-unsealed',
  'result-pending',
  'step-pending',
]);
const UNANCHORED: ReadonlySet<RunFindingCode> = new Set(['ledger-unanchored', 'session-unanchored']);

export function runVerdictOf(findings: readonly RunFinding[]): RunVerdict {
  if (findings.some(({ code }) => !UNFINISHED.has(code) && !UNANCHORED.has(code))) return 'failed';
  if (findings.some(({ code }) => UNFINISHED.has(code))) return 'incomplete';
  return findings.length === 0 ? 'verified' : 'unanchored';
}

/** Of one kind: what somebody can put into a folder a million times is said a hundred times. */
const NAMED_MAX = 100;
const MESSAGE_MAX = 1000;

/** Collects findings. */
export class RunFindings {
  readonly #found: RunFinding[] = [];
  readonly #counts = new Map<RunFindingCode, number>();

  readonly report: RunReport = (code, object, message, session) => {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    if (count > NAMED_MAX) return;
    const finding = { code, object: printable(object), message: printable(message, { max: MESSAGE_MAX }) };
    this.#found.push(session === undefined ? finding : { ...finding, session });
  };

  all(): readonly RunFinding[] {
    return this.#found;
  }
}
