import middy from '@middy/core';
import httpEventNormalizer from '@middy/http-event-normalizer';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { type FaultLog, problemJson } from './problem.ts';

/** A Lambda function behind API Gateway's HTTP API (payload format 2.0). It never rejects. */
export type HttpHandler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

/** Wraps what answers a GET: queries are never undefined, errors become problem+json. */
export function httpHandler(
  log: FaultLog,
  answer: (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>,
): HttpHandler {
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use(problemJson(log))
    .use(httpEventNormalizer<APIGatewayProxyEventV2>())
    .handler(answer);
}

/** 200 with JSON that nothing on the way keeps, and nothing in it that `shape` does not name. */
export function json<Shape extends z.ZodType>(
  shape: Shape,
  value: z.input<Shape>,
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(shape.parse(value)),
  };
}

/** The query as `shape` has it. Throws `format-invalid` that names the parameter, which is never passed over. */
export function queryOf<Shape extends z.ZodType>(
  shape: Shape,
  { queryStringParameters = {} }: APIGatewayProxyEventV2,
): z.infer<Shape> {
  const parsed = shape.safeParse(queryStringParameters);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new CustodyError('format-invalid', path.length === 0 ? message : `${path.join('.')}: ${message}`, {
    hint: 'see /v1/openapi.json',
  });
}
