import type { JournalEntry, JournaledTail, JournalRemains, TakeEntry } from '#core/recording/ports.ts';

/** Remains in memory: of what `entries` gives each time. */
export function remainsOfEntries(entries: () => readonly JournalEntry[]): JournalRemains {
  return {
    read: (take) => giveAll(entries(), take),
    clear: async () => undefined,
  };
}

/** Remains of tails, each as one entry. */
export function remainsOfTails(tails: readonly JournaledTail[]): JournalRemains {
  const entries = tails.map(({ session, segment, content, trailer }) => ({
    ...{ session, segment, trailer },
    offset: 0,
    block: content,
  }));
  return remainsOfEntries(() => entries);
}

export async function giveAll(entries: readonly JournalEntry[], take: TakeEntry): Promise<void> {
  for (const entry of entries) {
    // It is its taker's until the taker is done.
    const [block, trailer] = [Uint8Array.from(entry.block), Uint8Array.from(entry.trailer)];
    await take({ ...entry, block, trailer });
    block.fill(0xee);
    trailer.fill(0xee);
  }
}

/** Everything that a journal holds, as tails, all of it in memory. */
export async function tailsIn(remains: Pick<JournalRemains, 'read'>): Promise<JournaledTail[]> {
  const tails = new Map<string, JournaledTail>();
  await remains.read(({ session, segment, offset, block, trailer }) => {
    const key = `${session}/${segment}`;
    const content = tails.get(key)?.content ?? new Uint8Array(0);
    if (offset !== content.byteLength) return;
    const joined = Buffer.concat([content, block]);
    tails.set(key, { session, segment, content: joined, trailer: Uint8Array.from(trailer) });
  });
  return [...tails.values()];
}
