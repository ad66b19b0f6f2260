/** What is left undone: deliveries that nobody took, sessions that the search does not have. */
import type { DeadLetters } from '#core/notify/deliveries.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import type { Status } from './shapes.ts';

export interface DeadLettersPorts {
  readonly deadLetters: Pick<DeadLetters, 'dead'>;
}

export interface SearchPorts {
  /** Sessions that are not in the search, running ones among them; absent where that is not asked. */
  readonly unsearched?: (limit: number) => Promise<readonly string[]>;
}

const COUNTED_MAX = 1_000;

export async function deadLettersState({ deadLetters }: DeadLettersPorts): Promise<Status['deadLetters']> {
  const dead = await deadLetters.dead(COUNTED_MAX + 1);
  const oldest = dead.map(({ news }) => news.at).toSorted()[0];
  return {
    count: Math.min(dead.length, COUNTED_MAX),
    more: dead.length > COUNTED_MAX,
    ...(oldest === undefined ? {} : { oldestAt: oldest }),
  };
}

/** Those that are over: whatever runs is not to be found yet, and nobody expects it. */
export async function searchState(
  { unsearched }: SearchPorts,
  open: readonly SessionRecord[],
): Promise<Status['search']> {
  if (unsearched === undefined) return undefined;
  const running = new Set(open.map(({ id }) => id));
  const left = await unsearched(COUNTED_MAX + running.size + 1);
  const pending = left.filter((id) => !running.has(id)).length;
  return { pending: Math.min(pending, COUNTED_MAX), more: pending > COUNTED_MAX };
}
