import type { CloseReason } from '../format.ts';

/** Stable codes of what can be wrong with evidence. */
export type FindingCode =
  | 'open-missing'
  | 'close-missing'
  | 'signature-missing'
  | 'signature-invalid'
  | 'statement-malformed'
  | 'statement-type-unknown'
  | 'signer-missing'
  | 'signer-malformed'
  | 'signer-unanchored'
  | 'signer-untrusted'
  | 'signer-mismatch'
  | 'recorder-invalid'
  | 'session-mismatch'
  | 'open-hash-mismatch'
  | 'last-hash-mismatch'
  | 'totals-mismatch'
  | 'object-unlisted'
  | 'object-unreadable'
  | 'object-too-large'
  | 'segment-missing'
  | 'segment-unlisted'
  | 'segment-malformed'
  | 'segment-empty'
  | 'head-signature-invalid'
  | 'manifest-misplaced'
  | 'head-number-mismatch'
  | 'previous-hash-mismatch'
  | 'content-length-mismatch'
  | 'content-hash-mismatch'
  | 'content-invalid'
  | 'frames-mismatch'
  | 'bytes-mismatch'
  | 'until-mismatch'
  | 'ledger-proof-invalid'
  | 'ledger-proof-mismatch'
  | 'ledger-proof-incomplete'
  | 'ledger-unanchored'
  | 'task-result-invalid'
  | 'task-result-mismatch';

/** One thing that is wrong, or that keeps evidence from being proof. */
export interface Finding {
  readonly code: FindingCode;
  /** The name of the object it is about, made safe to print. */
  readonly object: string;
  /** One sentence: what was found, where, expected against found. Safe to print. */
  readonly message: string;
}

/**
 * - `verified`: everything FORMAT.md asks for holds, under a signer the caller trusts.
 * - `unanchored`: all of it is consistent, but nobody said which signer to trust, or which ledger to expect: whoever made
 *   the folder could have made those too.
 * - `incomplete`: consistent so far, but there is no close statement: the session is live or was never sealed.
 * - `failed`: at least one finding contradicts the evidence.
 */
export type Verdict = 'verified' | 'incomplete' | 'unanchored' | 'failed';

/**
 * What the evidence says about itself, and what was found in it. Worth as much as the verdict, no more. Texts are the
 * statement's own, some of them chosen by clients: make them safe before printing them on a terminal.
 */
export interface EvidenceFacts {
  readonly session: string;
  readonly principal: {
    readonly issuer: string;
    /** What the configuration called the issuer. */
    readonly issuerName?: string;
    readonly subject: string;
    readonly email?: string | undefined;
    /** Who acted for them, the one that did first. */
    readonly actors?: readonly { readonly issuer: string; readonly subject: string }[];
    /** Seconds of leeway that the token needed to be in its time. */
    readonly leeway?: number;
  };
  readonly target: { readonly name: string; readonly protocol: string; readonly address: string };
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly reason?: CloseReason;
  /** The gateway died, and the session was sealed from what was durable. */
  readonly recovered: boolean;
  /** Segments, frames and payload bytes that were read. */
  readonly segments: number;
  readonly frames: number;
  readonly bytes: number;
  /** Microseconds since `startedAt` up to which the recording is complete. */
  readonly recordedUntil: number;
  /** SHA-256 of the signer's SubjectPublicKeyInfo in lower-case hexadecimal. */
  readonly signer?: string;
  /** For recovered and unsealed sessions: a sentence on what the recording covers and what may be missing. */
  readonly completeness?: string;
  /** What the folder proves about the ledger; absent when it holds no proof. */
  readonly ledger?: {
    readonly origin: string;
    /** Leaves under the proof's checkpoint. */
    readonly size: number;
    readonly opened: boolean;
    readonly ended: boolean;
  };
}

export interface VerifyReport {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** Absent when there is no readable open statement. */
  readonly facts?: EvidenceFacts;
}

/** Collects findings while a verification runs. */
export type Report = (code: FindingCode, object: string, message: string) => void;

/** Codes that withhold the verdict `verified` without contradicting the evidence. */
const gaps: ReadonlySet<FindingCode> = new Set(['close-missing', 'signer-unanchored', 'ledger-unanchored']);

/** The verdict that findings amount to. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ code }) => !gaps.has(code))) return 'failed';
  if (findings.some(({ code }) => code === 'close-missing')) return 'incomplete';
  return findings.length === 0 ? 'verified' : 'unanchored';
}
