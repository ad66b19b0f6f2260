import { z } from 'zod';
import { type Api, getJson } from '../api.ts';
import { count, person, text } from '../api-shapes.ts';
import { type Pages, type Paging, pagesOf, searchOf } from '../paging.ts';

const MATCHES_MAX = 100;
const session = z.uuid().lowercase();
const step = {
  step: z.int().min(1),
  time: text,
  at: z.number(),
  matched: z.array(z.object({ field: text, excerpt: text })).max(MATCHES_MAX),
};
const found = { session, protocol: text, target: text, principal: person, startedAt: text };
const pendingSchema = z.object({
  count,
  sessions: z.array(session).max(100),
  more: z.literal(true).optional(),
});
const hitSchema = z.object({ ...found, ...step });
const foundSessionSchema = z.object({
  ...found,
  outcome: text.optional(),
  steps: count,
  more: z.literal(true).optional(),
  errors: count,
  writes: count,
  first: z.object(step),
});
const next = text.optional();
const rest = { next, searchedSince: text.optional(), pending: pendingSchema };
const hitsSchema = z.object({ hits: z.array(hitSchema), ...rest });
const sessionsSchema = z.object({ sessions: z.array(foundSessionSchema), ...rest });

export type Hit = z.infer<typeof hitSchema>;
export type FoundSession = z.infer<typeof foundSessionSchema>;
/** What was not looked at: what is not in the search yet, and what began before the time that is looked at. */
export type NotSearched = Pick<z.infer<typeof hitsSchema>, 'pending' | 'searchedSince'>;

/** As the API takes them. */
export type SearchTerms = Readonly<Record<string, string | undefined>>;

/** `left` hears of what was not looked at. */
export function hitPages(
  api: Api,
  terms: SearchTerms,
  paging: Paging,
  left: (of: NotSearched) => void,
): Pages<Hit> {
  return pagesOf(paging, async (page) => {
    const answer = await getJson(api, `/v1/search?${searchOf({ ...terms, ...page })}`, hitsSchema);
    left(answer);
    return { items: answer.hits, next: answer.next };
  });
}

export function foundSessionPages(
  api: Api,
  terms: SearchTerms,
  paging: Paging,
  left: (of: NotSearched) => void,
): Pages<FoundSession> {
  return pagesOf(paging, async (page) => {
    const path = `/v1/search/sessions?${searchOf({ ...terms, ...page })}`;
    const answer = await getJson(api, path, sessionsSchema);
    left(answer);
    return { items: answer.sessions, next: answer.next };
  });
}
