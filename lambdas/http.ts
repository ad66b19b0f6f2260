import middy from '@middy/core';
import httpEventNormalizer from '@middy/http-event-normalizer';
import type { Context } from 'aws-lambda';
import type { z } from 'zod';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { parseJsonBytes } from '#core/json.ts';
import type { ApiEvent, ApiResult } from './api-event.ts';
import { type FaultLog, problemJson } from './problem.ts';

export type { ApiEvent, ApiResult };

/** A Lambda function behind API Gateway's HTTP API. It never rejects. */
export type HttpHandler = (event: ApiEvent, context: Context) => Promise<ApiResult>;

/** The longest body that is looked at: 64 KiB of commands, and words about them. */
export const BODY_MAX_BYTES = 128 << 10;

/** Wraps what answers a request: queries are never undefined, errors become problem+json. */
export function httpHandler(log: FaultLog, answer: (event: ApiEvent) => Promise<ApiResult>): HttpHandler {
  return middy<ApiEvent, ApiResult>()
    .use(problemJson(log))
    .use(httpEventNormalizer())
    .handler(answer) as unknown as HttpHandler;
}

/** JSON that nothing on the way keeps, and nothing in it that `shape` does not name. */
export function json<Shape extends z.ZodType>(
  shape: Shape,
  value: z.input<Shape>,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): ApiResult {
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(shape.parse(value)),
  };
}

/** The query as `shape` has it. Throws `format-invalid` that names the parameter, which is never passed over. */
export function queryOf<Shape extends z.ZodType>(shape: Shape, event: ApiEvent): z.infer<Shape> {
  return parsed(shape, event.queryStringParameters ?? {});
}

/** The body, which is JSON, as `shape` has it. Throws `format-invalid` that names the member. */
export function bodyOf<Shape extends z.ZodType>(shape: Shape, event: ApiEvent): z.infer<Shape> {
  const type = event.headers['content-type'] ?? '';
  if (!/^application\/json *(?:;|$)/i.test(type))
    throw invalid('send JSON, with content-type: application/json');
  const bytes = bytesOf(event);
  if (bytes.byteLength > BODY_MAX_BYTES) throw invalid(`the body is longer than ${BODY_MAX_BYTES} bytes`);
  return parsed(shape, jsonOf(bytes));
}

/** The body, whatever it is; API Gateway hands over what is no text as base64. */
export function bytesOf({ body = '', isBase64Encoded }: ApiEvent): Buffer {
  return Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return parseJsonBytes(bytes, BODY_MAX_BYTES);
  } catch (thrown) {
    throw invalid(`the body ${asCustodyError(thrown).message}`);
  }
}

function parsed<Shape extends z.ZodType>(shape: Shape, value: unknown): z.infer<Shape> {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw invalid(path.length === 0 ? message : `${path.join('.')}: ${message}`);
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message, { hint: 'see /v1/openapi.json' });
}
