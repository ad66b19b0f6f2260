import type { Deck } from './deck.ts';

/** A segment is put at the latest when it is about so old, so that the journal never has to keep much. */
const YOUNGEST_MS = 30_000;
const OLDEST_MS = 60_000;

/** The `most` decks whose segment is oldest, of those where it is old. `at`: the gateway's monotonic clock. */
export function dueDecks(decks: ReadonlyMap<number, Deck>, at: number, most: number): Map<number, Deck> {
  const overdue = ({ tape, segmentSinceMs }: Deck): number => at - segmentSinceMs - oldFrom(tape.session);
  const due = [...decks].filter(([, deck]) => mayBePut(deck) && overdue(deck) > 0);
  due.sort(([, a], [, b]) => overdue(b) - overdue(a));
  return new Map(due.slice(0, most));
}

/** One whose last segment is not stored yet has enough there. */
function mayBePut({ tape, unstored, isDue, isPutting, failure }: Deck): boolean {
  return tape.openBytes > 0 && unstored.length === 0 && !isDue && !isPutting && failure === undefined;
}

/** Sessions that began together do not grow old together: each has an age of its own, by its id, whose end is random. */
export function oldFrom(session: string): number {
  const share = Number.parseInt(session.slice(-4), 16) / 0x1_0000;
  return YOUNGEST_MS + share * (OLDEST_MS - YOUNGEST_MS);
}
