import { sameAccount, sameEmail } from '../access/person.ts';
import type { SessionPage, SessionQuery, SessionRecord } from './session-index.ts';

const LIMIT_MAX = 1_000;
/** About 4 MB of sessions: a call that looks for few among many ends in a second or so. */
const EXAMINE_MAX = 5_000;

/** How many sessions a page of this query holds at most. */
export function pageLimit({ limit }: Pick<SessionQuery, 'limit'>): number {
  return Math.max(1, Math.min(LIMIT_MAX, Math.trunc(limit)));
}

/**
 * A page of what an adapter finds, newest first and within the query's cursor and `from`: of all that it gives, those that
 * the query is about. It looks at `examine` of them at most, and the page says where to go on.
 */
export async function takePage(
  newestFirst: AsyncIterable<SessionRecord> | Iterable<SessionRecord>,
  query: SessionQuery,
  examine = EXAMINE_MAX,
): Promise<SessionPage> {
  const limit = pageLimit(query);
  const sessions: SessionRecord[] = [];
  let [examined, last] = [0, ''];
  for await (const session of newestFirst) {
    if (sessions.length === limit || examined === examine) return { sessions, next: last };
    [examined, last] = [examined + 1, session.id];
    if (isAskedFor(session, query)) sessions.push(session);
  }
  return { sessions };
}

function isAskedFor(
  { target, principal, run, approvedBy = [] }: SessionRecord,
  { target: asked, subject, approver, person, run: wanted }: SessionQuery,
): boolean {
  if (approver !== undefined && !approvedBy.some((one) => sameAccount(one, approver))) return false;
  if (wanted !== undefined && run?.id !== wanted) return false;
  if (asked !== undefined && target !== asked) return false;
  if (subject !== undefined && (principal.issuer !== subject.issuer || principal.subject !== subject.subject))
    return false;
  return person === undefined || isNamed(principal, person);
}

/** By the subject to the letter, also of who acted, or by the e-mail address as people read it. */
export function isNamed({ subject, email, actors = [] }: SessionRecord['principal'], name: string): boolean {
  const isActor = actors.some((actor) => actor.subject === name);
  return isActor || subject === name || (email !== undefined && sameEmail(email, name));
}

/**
 * The pages of several queries from one cursor on as one page. What is older than where a query stopped is left for the next
 * page: that query may find something between.
 */
export function mergePages(pages: readonly SessionPage[], limit: number): SessionPage {
  const stops = pages.map(({ next }) => next).filter((next) => next !== undefined);
  const stop = stops.toSorted().at(-1);
  const byId = new Map(pages.flatMap(({ sessions }) => sessions).map((session) => [session.id, session]));
  const found = [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  const known = stop === undefined ? found : found.filter(({ id }) => id >= stop);
  const sessions = known.slice(0, limit);
  const next = known.length > limit ? sessions.at(-1)!.id : stop;
  return next === undefined ? { sessions } : { sessions, next };
}
