/** A body with marks in place of its values: what is not known to be harmless is marked. */
import { type BodyObject, type BodyValue, isList, isObject, memberOf, textOf } from '../value.ts';
import { isScalar, kept, MARK, marked, markedAll } from './marks.ts';
import { markedMetadata } from './metadata.ts';
import { markedOperations } from './operations.ts';
import { markedStatus } from './status.ts';
import type { MarkTerms } from './terms.ts';

const DELETE_OPTIONS = [
  'apiVersion',
  'kind',
  'gracePeriodSeconds',
  'orphanDependents',
  'propagationPolicy',
  'dryRun',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
];

/** Also of patches in any form, which have the places of values. */
export function markedRequest(value: BodyValue, terms: MarkTerms): BodyValue {
  if (isList(value)) return markedOperations(value, terms);
  if (!isObject(value)) return marked(value);
  if (terms.isDelete)
    return kept(value, DELETE_OPTIONS, {
      preconditions: (of) => (isObject(of) ? kept(of, ['uid', 'resourceVersion']) : marked(of)),
    });
  return markedObject(value, terms);
}

export function markedAnswer(value: BodyValue, terms: MarkTerms): BodyValue {
  if (!isObject(value)) return marked(value);
  const [apiVersion, kind] = [textOf(value['apiVersion']), textOf(value['kind'])];
  if (apiVersion === 'v1' && kind === 'Status') return markedStatus(value, terms);
  if (apiVersion?.startsWith('meta.k8s.io/') === true && kind === 'Table') return markedTable(value, terms);
  return markedObject(value, terms);
}

/** `{type, object}`, with a Status in it where the watch failed. */
export function markedEvent(value: BodyValue, terms: MarkTerms): BodyValue {
  if (!isObject(value)) return marked(value);
  return kept(value, ['type'], { object: (object) => markedAnswer(object, terms) });
}

/** An object, or a list of them. */
function markedObject(value: BodyObject, terms: MarkTerms): BodyValue {
  const isToken = textOf(value['kind']) === 'TokenRequest';
  return kept(value, ['apiVersion', 'kind', ...(terms.isSecret ? ['type', 'immutable'] : [])], {
    metadata: markedMetadata,
    items: (items) => (isList(items) ? items.map((item) => markedItem(item, terms)) : marked(items)),
    ...(terms.isSecret ? { data: markedAll, stringData: markedAll } : {}),
    ...(isToken ? { spec: markedTokenSpec, status: markedTokenStatus } : {}),
  });
}

function markedItem(item: BodyValue, terms: MarkTerms): BodyValue {
  return isObject(item) ? markedObject(item, terms) : marked(item);
}

function markedTokenSpec(spec: BodyValue): BodyValue {
  if (!isObject(spec)) return marked(spec);
  return kept(spec, ['audiences', 'expirationSeconds'], {
    boundObjectRef: (of) => (isObject(of) ? kept(of, ['kind', 'apiVersion', 'name', 'uid']) : marked(of)),
  });
}

function markedTokenStatus(status: BodyValue): BodyValue {
  return isObject(status) ? kept(status, ['expirationTimestamp']) : marked(status);
}

/** What the server prints of a Secret; columns of other resources are whatever their definition takes from them. */
const SECRET_COLUMNS: ReadonlySet<string> = new Set(['Name', 'Namespace', 'Type', 'Data', 'Age']);

function markedTable(table: BodyObject, terms: MarkTerms): BodyValue {
  const columns = isList(table['columnDefinitions']) ? table['columnDefinitions'] : [];
  const shown = columns.map((column) => isShown(column, terms));
  return kept(table, ['apiVersion', 'kind'], {
    metadata: markedMetadata,
    columnDefinitions: (of) =>
      isList(of)
        ? of.map((column) =>
            isObject(column)
              ? kept(column, ['name', 'type', 'format', 'description', 'priority'])
              : marked(column),
          )
        : marked(of),
    rows: (rows) => (isList(rows) ? rows.map((row) => markedRow(row, shown, terms)) : marked(rows)),
  });
}

function isShown(column: BodyValue, { isSecret }: MarkTerms): boolean {
  if (memberOf(column, 'format') === 'name') return true;
  return isSecret && SECRET_COLUMNS.has(textOf(memberOf(column, 'name')) ?? '');
}

function markedRow(row: BodyValue, shown: readonly boolean[], terms: MarkTerms): BodyValue {
  if (!isObject(row)) return marked(row);
  return kept(row, [], {
    cells: (cells) =>
      isList(cells)
        ? cells.map((cell, at) => (shown[at] === true && isScalar(cell) ? cell : MARK))
        : marked(cells),
    object: (object) => markedItem(object, terms),
  });
}
