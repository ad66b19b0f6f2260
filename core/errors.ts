/**
 * The one error type. `code` is stable and meant for programs; `message` is for the client, in words that
 * say what to do next and never carry a secret; `detail` is for the operator's log.
 */
export class CustodyError extends Error {
  override readonly name = 'CustodyError';
  readonly code: ErrorCode;
  /** What the client can do about it, when there is something. */
  readonly hint: string | undefined;
  /** For the operator's log only; never sent to a client. */
  readonly detail: string | undefined;
  /** What was shown proves nothing, so that whoever shows it may be guessing: it counts against them (TokenFailures). */
  readonly guess: boolean;

  constructor(code: ErrorCode, message: string, more: ErrorMore = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.hint = more.hint;
    this.detail = more.detail;
    this.guess = more.guess ?? false;
  }
}

interface ErrorMore {
  readonly hint?: string;
  readonly detail?: string;
  readonly cause?: unknown;
  readonly guess?: boolean;
}

/** Stable codes. Each protocol maps them to its own (PostgreSQL: SQLSTATE; HTTP: status). */
export type ErrorCode =
  | 'tls-required'
  | 'protocol-violation'
  | 'unsupported'
  | 'too-slow'
  | 'user-missing'
  | 'token-missing'
  | 'token-invalid'
  | 'issuer-unreachable'
  | 'not-approved'
  | 'contract-deviation'
  | 'task-refused'
  | 'transaction-failed'
  | 'access-denied'
  | 'approval-required'
  | 'access-expired'
  /** The evidence has what somebody may not see, and bytes of it cannot be left out. */
  | 'evidence-redacted'
  | 'access-revoked'
  | 'precondition-failed'
  | 'too-many-failures'
  | 'peer-left'
  | 'target-unknown'
  | 'target-unreachable'
  | 'target-refused'
  | 'target-lost'
  | 'recording-failed'
  | 'store-unavailable'
  | 'not-ready'
  | 'draining'
  | 'too-many-connections'
  | 'task-fenced'
  | 'terminated'
  | 'not-found'
  | 'already-exists'
  | 'conflict'
  | 'config-invalid'
  | 'state-damaged'
  | 'format-invalid'
  | 'ledger-altered'
  | 'delivery-failed'
  | 'internal';

/** Any thrown value as a CustodyError: ours unchanged, everything else as `internal` with its text for the operator. */
export function asCustodyError(thrown: unknown): CustodyError {
  if (thrown instanceof CustodyError) return thrown;
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new CustodyError('internal', 'internal error in the gateway', { detail, cause: thrown });
}
