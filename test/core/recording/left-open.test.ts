import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { openWithoutLease, unsealedCount } from '#core/recording/left-open.ts';
import { MemoryLeases } from '#test/support/memory-leases.ts';
import { sessionRecord } from '#test/support/session-records.ts';

const NOW = new Date('2026-11-23T09:00:00.000Z');
const after = (ms: number): Date => new Date(NOW.getTime() + ms);
const open = (n: number, task: string): SessionRecord => ({ ...sessionRecord(n), task, state: 'open' });

describe('sessions that nobody but the sealer will end', () => {
  it('are those of tasks whose lease is over, or that never had one', async () => {
    const book = new MemoryLeases();
    await book.renew('alive', after(1));
    await book.renew('over', after(0));
    await book.renew('fenced', after(-1));
    await book.fence({ task: 'fenced', until: after(-1) });
    const sessions = ['alive', 'over', 'fenced', 'unknown'].map((task, n) => open(n, task));
    const left = await openWithoutLease({ unsealed: async () => sessions }, book, NOW);
    expect(left.map(({ task }) => task)).toEqual(['over', 'fenced', 'unknown']);
  });

  it('are not those of a task that began while it was looked: sessions are looked for first', async () => {
    const book = new MemoryLeases();
    const looked: string[] = [];
    const index = {
      unsealed: async () => {
        looked.push('sessions');
        await book.renew('new', after(1_000));
        return [open(1, 'new')];
      },
    };
    const leases = {
      endedBefore: async (time: Date) => {
        looked.push('leases');
        return book.endedBefore(time);
      },
    };
    expect(await openWithoutLease(index, leases, NOW)).toEqual([]);
    expect(looked).toEqual(['sessions', 'leases']);
  });
});

describe('the count of unsealed sessions, which an alarm goes by', () => {
  const failure = (session: string) => ({ session, error: new CustodyError('recording-failed', session) });

  it('has those that could not be sealed, whatever the index says of them, and each once', () => {
    const [one, two] = [open(1, 'over'), open(2, 'over')];
    expect(unsealedCount([], [])).toBe(0);
    expect(unsealedCount([one, two], [failure(one.id)])).toBe(2);
    expect(unsealedCount([], [failure('unknown to the index')])).toBe(1);
  });
});
