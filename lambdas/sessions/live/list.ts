import type { z } from 'zod';
import type { SessionPage, SessionRecord } from '#core/recording/session-index.ts';
import { isNamed } from '#core/recording/session-page.ts';
import type { Asking } from '../../asking.ts';
import type { sessionsQuery } from '../../shapes.ts';
import { isListed } from '../visible.ts';
import type { LivePorts } from './answer.ts';

/** Sessions that are not over, newest first; of those with `waiting` the ones that wait for somebody to watch them. */
export async function livePage(
  { state, limit, cursor, ...where }: z.infer<typeof sessionsQuery>,
  asking: Asking,
  { unsealed, presence }: Pick<LivePorts, 'unsealed' | 'presence'>,
): Promise<SessionPage> {
  const open = await unsealed();
  const waiting = state === 'waiting' ? new Set(await presence.waiting(asking.now)) : undefined;
  const found = open
    .filter(({ id }) => waiting?.has(id) !== false && (cursor === undefined || id < cursor))
    .filter((session) => isAsked(session, where) && isListed(session, asking))
    .toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const sessions = found.slice(0, limit);
  return found.length > limit ? { sessions, next: sessions.at(-1)!.id } : { sessions };
}

function isAsked(
  { target, principal, run, startedAt }: SessionRecord,
  asked: Omit<z.infer<typeof sessionsQuery>, 'state' | 'limit' | 'cursor'>,
): boolean {
  const at = Date.parse(startedAt);
  return (
    (asked.target === undefined || asked.target === target) &&
    (asked.person === undefined || isNamed(principal, asked.person)) &&
    (asked.run === undefined || asked.run === run?.id) &&
    (asked.since === undefined || at >= Date.parse(asked.since)) &&
    (asked.until === undefined || at < Date.parse(asked.until))
  );
}
