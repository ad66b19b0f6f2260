import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { asCustodyError, type CustodyError, type ErrorCode } from '#core/errors.ts';

const STATUS: Partial<Record<ErrorCode, number>> = {
  'token-missing': 401,
  'token-invalid': 401,
  'access-denied': 403,
  'target-unknown': 404,
  'not-found': 404,
  'format-invalid': 400,
  'protocol-violation': 400,
};

/** Answers every error of a handler as problem+json (RFC 9457). What is not ours says nothing of its cause. */
export function problemJson(): MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2> {
  return {
    onError: (request) => {
      request.response = problem(asCustodyError(request.error));
    },
  };
}

export function problem({ code, message, hint }: CustodyError): APIGatewayProxyStructuredResultV2 {
  const status = STATUS[code] ?? 500;
  const body = {
    type: `urn:custody:${code}`,
    title: message,
    status,
    code,
    ...(hint === undefined ? {} : { hint }),
  };
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  return {
    statusCode: status,
    headers: { 'content-type': 'application/problem+json', ...challenge },
    body: JSON.stringify(body),
  };
}

/** 200 with JSON that nothing on the way keeps. */
export function json(value: unknown): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(value),
  };
}
