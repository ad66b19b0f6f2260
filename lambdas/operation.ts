/** How operations are written for the OpenAPI document. */
import type { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { problemShape } from './shapes.ts';

export const PUBLIC = { security: [] };

type ErrorStatus = '400' | '401' | '403' | '404' | '409' | '412' | '422';
type Success = z.ZodType | Readonly<Partial<Record<'200' | '201' | '202', z.ZodType | BareType>>>;
/** An answer that is not JSON. */
type BareType = 'text/plain' | 'application/octet-stream';

interface Operation extends Omit<ZodOpenApiOperationObject, 'requestBody'> {
  /** JSON that has to be sent. */
  readonly body?: z.ZodType;
  /** In its place, a form. */
  readonly form?: z.ZodType;
}

export function operation(
  operationId: string,
  summary: string,
  { body, form, ...rest }: Operation,
): ZodOpenApiOperationObject {
  const content = {
    ...(body === undefined ? {} : { 'application/json': { schema: body } }),
    ...(form === undefined ? {} : { 'application/x-www-form-urlencoded': { schema: form } }),
  };
  const requestBody = Object.keys(content).length === 0 ? {} : { requestBody: { required: true, content } };
  return { operationId, summary, ...rest, ...requestBody };
}

/** 200 with this shape, or these; these problems; 500, which can always happen, and 429 where a token is checked. */
export function answers(success: Success, ...problems: readonly ErrorStatus[]): ZodOpenApiResponsesObject {
  const always = problems.includes('401') ? (['429', '500', '503'] as const) : (['500'] as const);
  const failures = [...problems, ...always].map((status) => [status, PROBLEM] as const);
  const good = '_zod' in success ? { '200': success } : success;
  return {
    ...Object.fromEntries(Object.entries(good).map(([status, content]) => [status, goodAnswer(content)])),
    ...Object.fromEntries(failures),
  } as ZodOpenApiResponsesObject;
}

function goodAnswer(content: z.ZodType | BareType) {
  if (typeof content !== 'string') {
    return { description: 'OK', content: { 'application/json': { schema: content } } };
  }
  return { description: 'OK', content: { [content]: { schema: { type: 'string' } } } };
}

const PROBLEM = {
  description: 'a problem',
  content: { 'application/problem+json': { schema: problemShape } },
};
