import { STATUS_CODES } from 'node:http';
import type { MiddlewareObj } from '@middy/core';
import type { z } from 'zod';
import { asCustodyError, CustodyError, type ErrorCode } from '#core/errors.ts';
import type { ApiEvent, ApiResult } from './api-event.ts';
import type { problemShape } from './shapes.ts';

/** For the operator: an error that is the server's own fault. */
export type FaultLog = (error: CustodyError) => void;

const STATUS: Partial<Record<ErrorCode, number>> = {
  'token-missing': 401,
  'token-invalid': 401,
  'access-revoked': 401,
  'access-denied': 403,
  'evidence-redacted': 403,
  'approval-required': 403,
  conflict: 409,
  'already-exists': 409,
  'precondition-failed': 412,
  'too-many-failures': 429,
  'issuer-unreachable': 503,
  'store-unavailable': 503,
  'not-ready': 503,
  'target-unknown': 404,
  'not-found': 404,
  'format-invalid': 400,
  'protocol-violation': 400,
  unsupported: 422,
};

/** An issuer that is away was logged by the authorizer; what is being made is nobody's fault. */
const NOT_LOGGED: readonly ErrorCode[] = ['issuer-unreachable', 'not-ready'];

/** Answers every error of a handler as problem+json, and logs those that are the server's own fault. */
export function problemJson(log: FaultLog): MiddlewareObj<ApiEvent, ApiResult> {
  return {
    onError: (request) => {
      request.response = problem(asCustodyError(request.error), log);
    },
  };
}

/**
 * An error as problem+json (RFC 9457). What is the server's own fault is logged and answered without its words: those
 * can name files. `status` stands in for the code's own.
 */
export function problem(error: CustodyError, log: FaultLog, status = STATUS[error.code] ?? 500): ApiResult {
  if (status >= 500 && !NOT_LOGGED.includes(error.code)) log(error);
  const body: z.infer<typeof problemShape> = {
    type: `urn:custody:${error.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code: error.code,
    ...(status === 500 ? {} : wordsOf(error)),
  };
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...challenge(status, error),
    },
    body: JSON.stringify(body),
  };
}

function wordsOf({ message, hint }: CustodyError): { detail: string; hint?: string } {
  return hint === undefined ? { detail: message } : { detail: message, hint };
}

/** A refusal of the authorizer as a problem: what a server of our own answers in place of API Gateway. */
export function refusalProblem(
  { code, message, hint }: { readonly code: string; readonly message: string; readonly hint: string },
  log: FaultLog,
): ApiResult {
  return problem(new CustodyError(code as ErrorCode, message, hint === '' ? {} : { hint }), log);
}

/** RFC 6750 section 3: no error code where no token was shown. RFC 6585 section 4: when to come again. */
function challenge(status: number, { code }: CustodyError): Record<string, string> {
  if (status === 429 || code === 'not-ready') return { 'retry-after': '60' };
  if (status !== 401) return {};
  return { 'www-authenticate': code === 'token-missing' ? 'Bearer' : 'Bearer error="invalid_token"' };
}

/** Nothing is served under this name. */
export function noSuchOperation(): CustodyError {
  return new CustodyError('not-found', 'there is nothing here', { hint: 'see /v1/openapi.json' });
}
