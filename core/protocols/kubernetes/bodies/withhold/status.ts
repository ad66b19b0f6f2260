/** A Status in the place of what was asked for. Its words may quote the body: a parser's do, and so does what a webhook says. */
import { type BodyObject, type BodyValue, isList, isObject, textOf } from '../value.ts';
import { kept, marked } from './marks.ts';
import { markedMetadata } from './metadata.ts';
import type { MarkTerms } from './terms.ts';

/** Their words name the object, who asked and what stands in the way, where no webhook has spoken. */
const PLAIN_REASONS: ReadonlySet<string> = new Set([
  'NotFound',
  'AlreadyExists',
  'Forbidden',
  'Unauthorized',
  'Expired',
  'Gone',
  'TooManyRequests',
  'Timeout',
  'ServerTimeout',
  'ServiceUnavailable',
  'MethodNotAllowed',
]);

export function markedStatus(status: BodyObject, { isSecret }: MarkTerms): BodyValue {
  const words = isPlain(status) ? ['message'] : [];
  return kept(status, ['apiVersion', 'kind', 'status', 'reason', 'code', ...words], {
    metadata: markedMetadata,
    details: (details) => (isObject(details) ? markedDetails(details, isSecret) : marked(details)),
  });
}

function isPlain({ reason, message }: BodyObject): boolean {
  if (!PLAIN_REASONS.has(textOf(reason ?? null) ?? '')) return false;
  return !/webhook|denied the request|Invalid value|decod|pars/i.test(textOf(message ?? null) ?? '');
}

function markedDetails(details: BodyObject, isSecret: boolean): BodyValue {
  return kept(details, ['name', 'group', 'kind', 'uid', 'retryAfterSeconds'], {
    causes: (causes) =>
      isList(causes)
        ? causes.map((cause) =>
            isObject(cause) ? kept(cause, isSecret ? ['reason', 'field'] : ['reason']) : marked(cause),
          )
        : marked(causes),
  });
}
