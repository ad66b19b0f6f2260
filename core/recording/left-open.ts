import type { LeaseBook, TaskLease } from './leases.ts';
import type { SealFailure } from './seal.ts';
import type { SessionIndex, SessionRecord } from './session-index.ts';

const END_OF_TIME = new Date(8.64e15);

/** Sessions without an outcome that no living task holds: nobody but the sealer will ever end them. */
export async function openWithoutLease(
  index: Pick<SessionIndex, 'unsealed'>,
  book: Pick<LeaseBook, 'endedBefore'>,
  now: Date,
): Promise<readonly SessionRecord[]> {
  // The sessions first: a task has its lease before its first session.
  const open = await index.unsealed();
  return withoutLease(open, await allLeases(book), now);
}

/** The leases of all tasks that are not forgotten. */
export function allLeases(book: Pick<LeaseBook, 'endedBefore'>): Promise<readonly TaskLease[]> {
  return book.endedBefore(END_OF_TIME);
}

/** Of open sessions, those that no living task holds. */
export function withoutLease(
  open: readonly SessionRecord[],
  leases: readonly TaskLease[],
  now: Date,
): readonly SessionRecord[] {
  const alive = new Set(leases.filter(({ until }) => until > now).map(({ task }) => task));
  return open.filter(({ task }) => !alive.has(task));
}

/** With those that could not be sealed: an index that was lost knows nothing of them, and somebody has to look all the same. */
export function unsealedCount(left: readonly SessionRecord[], failures: readonly SealFailure[]): number {
  return new Set([...left.map(({ id }) => id), ...failures.map(({ session }) => session)]).size;
}
