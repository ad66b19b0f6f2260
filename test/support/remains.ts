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
  const entries = tails.map(({ session, segment, content, head, voucher }) => ({
    ...{ session, segment, head, voucher },
    offset: 0,
    block: content,
  }));
  return remainsOfEntries(() => entries);
}

export async function giveAll(entries: readonly JournalEntry[], take: TakeEntry): Promise<void> {
  for (const entry of entries) {
    // It is its taker's until the taker is done.
    const [block, signature] = [Uint8Array.from(entry.block), Uint8Array.from(entry.voucher.signature)];
    await take({ ...entry, block, voucher: { ...entry.voucher, signature } });
    block.fill(0xee);
    signature.fill(0xee);
  }
}

/** Everything that a journal holds, as tails, all of it in memory. */
export async function tailsIn(remains: Pick<JournalRemains, 'read'>): Promise<JournaledTail[]> {
  const tails = new Map<string, JournaledTail>();
  await remains.read(({ session, segment, offset, block, head, voucher }) => {
    const key = `${session}/${segment}`;
    const content = tails.get(key)?.content ?? new Uint8Array(0);
    if (offset !== content.byteLength) return;
    const joined = Buffer.concat([content, block]);
    const own = { ...voucher, signature: Uint8Array.from(voucher.signature) };
    tails.set(key, { session, segment, content: joined, head, voucher: own });
  });
  return [...tails.values()];
}
