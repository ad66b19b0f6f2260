/** JSON Patch (RFC 6902). */
import { type BodyObject, type BodyValue, isObject } from '../value.ts';
import { isScalar, kept, MARK, marked } from './marks.ts';
import type { MarkTerms } from './terms.ts';

const HARMLESS = /^\/metadata\/labels(?:\/|$)/;

export function markedOperations(operations: readonly BodyValue[], terms: MarkTerms): BodyValue {
  return operations.map((operation) =>
    isObject(operation) ? markedOperation(operation, terms) : marked(operation),
  );
}

function markedOperation(operation: BodyObject, { isSecret }: MarkTerms): BodyValue {
  const { path } = operation;
  const keepsValue = typeof path === 'string' && HARMLESS.test(path) && isScalar(operation['value'] ?? null);
  const place = (of: BodyValue): BodyValue => (typeof of === 'string' ? placeOf(of, isSecret) : marked(of));
  return kept(operation, keepsValue ? ['op', 'value'] : ['op'], { path: place, from: place });
}

/** A name within a custom resource may be a value; those of metadata and of a Secret's data are names. */
function placeOf(path: string, isSecret: boolean): string {
  const parts = path.split('/');
  const most = parts[1] === 'metadata' ? 4 : isSecret ? 3 : 2;
  return parts.length <= most ? path : `${parts.slice(0, most).join('/')}/${MARK}`;
}
