/** Errors as the API server says them: a `Status` that kubectl prints well (metav1.Status). */
import type { CustodyError, ErrorCode } from '#core/errors.ts';

/** kubectl looks at the code and the reason, and prints the message. */
export interface StatusOf {
  readonly code: number;
  readonly reason: string;
  readonly retryAfterSeconds?: number;
}

const FORBIDDEN: StatusOf = { code: 403, reason: 'Forbidden' };
const UNAUTHORIZED: StatusOf = { code: 401, reason: 'Unauthorized' };
const BAD_REQUEST: StatusOf = { code: 400, reason: 'BadRequest' };
/** A client of the API tries again by itself where it is told when; 403 it does not. */
const AGAIN_SOON: StatusOf = { code: 503, reason: 'ServiceUnavailable', retryAfterSeconds: 1 };
const UNAVAILABLE: StatusOf = { code: 503, reason: 'ServiceUnavailable' };

const KNOWN: { readonly [code in ErrorCode]?: StatusOf } = {
  'token-missing': UNAUTHORIZED,
  'token-invalid': UNAUTHORIZED,
  'protocol-violation': BAD_REQUEST,
  'format-invalid': BAD_REQUEST,
  unsupported: BAD_REQUEST,
  'user-missing': { code: 404, reason: 'NotFound' },
  'not-found': { code: 404, reason: 'NotFound' },
  conflict: { code: 409, reason: 'Conflict' },
  'already-exists': { code: 409, reason: 'AlreadyExists' },
  'too-slow': { code: 504, reason: 'Timeout' },
  'too-many-connections': { code: 429, reason: 'TooManyRequests', retryAfterSeconds: 1 },
  'too-many-failures': { code: 429, reason: 'TooManyRequests', retryAfterSeconds: 10 },
  draining: AGAIN_SOON,
  'not-ready': AGAIN_SOON,
  'target-unreachable': UNAVAILABLE,
  'target-refused': UNAVAILABLE,
  'target-lost': UNAVAILABLE,
  'recording-failed': UNAVAILABLE,
  'store-unavailable': UNAVAILABLE,
  'issuer-unreachable': UNAVAILABLE,
  'task-fenced': AGAIN_SOON,
  internal: { code: 500, reason: 'InternalError' },
};

export function statusOf({ code }: CustodyError): StatusOf {
  return KNOWN[code] ?? FORBIDDEN;
}

/** The object itself. The message is what people see, so what to do next is in it. */
export function statusBody(
  error: CustodyError,
  { code, reason, retryAfterSeconds } = statusOf(error),
): string {
  const details = {
    causes: [{ reason: `custody/${error.code}`, message: error.message }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  const message = `custody: ${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`;
  return JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    details,
    code,
  });
}

/** Names and values of an answer that has it. */
export function statusHeaders({ code, retryAfterSeconds }: StatusOf, length: number): string[] {
  return [
    'Content-Type',
    'application/json',
    'Cache-Control',
    'no-cache, private',
    'Content-Length',
    String(length),
    ...(code === 401 ? ['WWW-Authenticate', 'Bearer realm="custody"'] : []),
    ...(retryAfterSeconds === undefined ? [] : ['Retry-After', String(retryAfterSeconds)]),
  ]; // prettier-ignore
}
