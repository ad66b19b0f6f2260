import type { Session } from '../api/types.ts';

/** What the list shows of the sessions that are known, for each of its states. */
export function rowsOf(
  state: string | undefined,
  all: readonly Session[] | undefined,
  open: readonly Session[] | undefined,
  waiting: ReadonlySet<string>,
): readonly Session[] | undefined {
  if (state === 'waiting') return open?.filter(({ id }) => waiting.has(id));
  if (state === 'open') return open;
  return all && liveFirst(all, open ?? []);
}

/** A session that ended since it was seen live is where it belongs at the next look. */
export function liveFirst(all: readonly Session[], open: readonly Session[]): readonly Session[] {
  const ids = new Set(open.map(({ id }) => id));
  return [...open, ...all.filter(({ id }) => !ids.has(id))];
}
