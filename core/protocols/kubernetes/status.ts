/** A refusal as clients of Kubernetes know one: a `Status` of meta/v1 (API conventions, "Response Status Kind"), as JSON, which every client reads. */
import type { CustodyError, ErrorCode } from '#core/errors.ts';
import { escapeLines, escapeTerminal } from '#core/replay/text.ts';
import type { Call } from './call.ts';
import type { Headers } from './tape.ts';

export interface StatusAnswer {
  readonly code: number;
  /** Content-Type, and what the status asks for. */
  readonly headers: Headers;
  readonly body: Uint8Array;
}

interface Kind {
  readonly code: number;
  /** A StatusReason of meta/v1: kubectl writes `Error from server (Forbidden): …`. */
  readonly reason: string;
  /** client-go tries again by itself, up to ten times: only where nothing went to the cluster and a moment helps. */
  readonly retryAfter?: number;
}

const BAD_REQUEST: Kind = { code: 400, reason: 'BadRequest' };
const UNAUTHORIZED: Kind = { code: 401, reason: 'Unauthorized' };
const FORBIDDEN: Kind = { code: 403, reason: 'Forbidden' };
const NOT_FOUND: Kind = { code: 404, reason: 'NotFound' };
const CONFLICT: Kind = { code: 409, reason: 'Conflict' };
const INTERNAL: Kind = { code: 500, reason: 'InternalError' };
const UNAVAILABLE: Kind = { code: 503, reason: 'ServiceUnavailable' };
const ELSEWHERE: Kind = { ...UNAVAILABLE, retryAfter: 1 };
const TOO_MANY: Kind = { code: 429, reason: 'TooManyRequests', retryAfter: 1 };

const KINDS: Readonly<Record<ErrorCode, Kind>> = {
  'tls-required': BAD_REQUEST,
  'protocol-violation': BAD_REQUEST,
  unsupported: { code: 405, reason: 'MethodNotAllowed' },
  'too-slow': { code: 504, reason: 'Timeout' },
  'user-missing': UNAUTHORIZED,
  'token-missing': UNAUTHORIZED,
  'token-invalid': UNAUTHORIZED,
  'issuer-unreachable': UNAVAILABLE,
  'not-approved': FORBIDDEN,
  'contract-deviation': FORBIDDEN,
  'task-refused': FORBIDDEN,
  'transaction-failed': CONFLICT,
  'access-denied': FORBIDDEN,
  'approval-required': FORBIDDEN,
  'access-expired': FORBIDDEN,
  'evidence-redacted': FORBIDDEN,
  'access-revoked': FORBIDDEN,
  'precondition-failed': CONFLICT,
  // Not to be tried again at once: that would count, too.
  'too-many-failures': { code: 429, reason: 'TooManyRequests' },
  'peer-left': BAD_REQUEST,
  'target-unknown': NOT_FOUND,
  'target-unreachable': UNAVAILABLE,
  'target-refused': UNAVAILABLE,
  'target-lost': UNAVAILABLE,
  'recording-failed': UNAVAILABLE,
  'store-unavailable': UNAVAILABLE,
  'not-ready': ELSEWHERE,
  draining: ELSEWHERE,
  'too-many-connections': TOO_MANY,
  'task-fenced': ELSEWHERE,
  terminated: FORBIDDEN,
  'not-found': NOT_FOUND,
  'already-exists': { code: 409, reason: 'AlreadyExists' },
  conflict: CONFLICT,
  'config-invalid': INTERNAL,
  'state-damaged': INTERNAL,
  'format-invalid': BAD_REQUEST,
  'ledger-altered': INTERNAL,
  'delivery-failed': UNAVAILABLE,
  internal: INTERNAL,
};

/** `call`: what was asked for, where that is known. */
export function statusOf(error: CustodyError, call?: Call): StatusAnswer {
  const { code, reason, retryAfter } = KINDS[error.code];
  const status = {
    ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' },
    message: messageOf(error),
    reason,
    details: {
      ...placeOf(call),
      causes: [causeOf(error)],
      ...(retryAfter && { retryAfterSeconds: retryAfter }),
    },
    code,
  };
  return { code, headers: headersOf(code, retryAfter), body: Buffer.from(`${JSON.stringify(status)}\n`) };
}

/** One line, in which it is said whose words these are: the cluster says no in the same form. */
export function messageOf({ message, hint }: CustodyError): string {
  const words = hint === undefined ? message : `${message}; ${hint}`;
  // kubectl prints it as it is, and some of its words may be the client's or the cluster's (security case 18).
  return `custody: ${escapeTerminal(words.replaceAll(/\s+/g, ' '))}`;
}

/** For programs: our own code, which says more than a reason. */
function causeOf({ code, message }: CustodyError): { reason: string; message: string } {
  return { reason: code, message: escapeLines(message) };
}

/** As the API server has it, `kind` is the resource. */
function placeOf(call: Call | undefined): { name?: string; group?: string; kind?: string } {
  if (call?.kind !== 'resource') return {};
  const { name, group, resource } = call;
  return { ...(name && { name }), ...(group && { group }), kind: resource };
}

function headersOf(code: number, retryAfter: number | undefined): Headers {
  return [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-cache, private'],
    ...(code === 401 ? ([['WWW-Authenticate', 'Bearer']] as const) : []),
    ...(retryAfter === undefined ? [] : ([['Retry-After', String(retryAfter)]] as const)),
  ];
}
