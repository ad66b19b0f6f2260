import type { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import type { Place } from '#core/search/port.ts';
import type { RelationTerm, SearchQuery } from '#core/search/query.ts';
import { shapeOfStatement } from '#core/search/shape-of.ts';
import { phrasesOf } from '#core/search/text.ts';
import type { searchQueryShape } from './shapes.ts';

type Asked = z.infer<typeof searchQueryShape>;

/** What was asked, as it is compared. Throws `format-invalid` for a statement of which no shape can be made. */
export async function termsOf(asked: Asked): Promise<SearchQuery> {
  const {
    limit: _limit,
    cursor: _cursor,
    since,
    until,
    text,
    statement,
    shape,
    relation,
    errors,
    writes,
    ...same
  } = asked;
  if (statement !== undefined && shape !== undefined)
    throw new CustodyError('format-invalid', 'statement: give a statement or a shape, not both');
  const digest = statement === undefined ? shape : await shapeOfStatement(statement, asked.protocol);
  return {
    ...(Object.fromEntries(Object.entries(same).filter(([, value]) => value !== undefined)) as typeof same &
      SearchQuery),
    ...(since !== undefined && { since: Date.parse(since) }),
    ...(until !== undefined && { until: Date.parse(until) }),
    ...(text !== undefined && { phrases: phrasesOf(text) }),
    ...(digest !== undefined && { shape: digest }),
    ...(relation !== undefined && { relation: relationOf(relation) }),
    ...(errors === true && { errorsOnly: true }),
    ...(writes === true && { writesOnly: true }),
  };
}

/** `orders`, `audit.log:read`. */
function relationOf(text: string): RelationTerm {
  const [, name = text, how] = /^(.+):(read|written|called)$/.exec(text) ?? [];
  return how === undefined ? { name } : { name, how: how as NonNullable<RelationTerm['how']> };
}

export function placeOf(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined;
  const [session = '', step] = cursor.split('/');
  return step === undefined ? { session } : { session, step: Number(step) };
}

export function cursorOf(place: Place | undefined): string | undefined {
  if (place === undefined) return undefined;
  return place.step === undefined ? place.session : `${place.session}/${place.step}`;
}
