import { describe, expect, it } from 'vitest';
import { leafHash } from '#core/ledger/merkle.ts';
import type { LeafQueue } from '#core/ledger/ports.ts';
import type { Given } from './given.ts';

const leaf = (text: string): Uint8Array => Buffer.from(text);
const idOf = (text: string): string => leafHash(leaf(text)).toString('hex');

/** The promises of LeafQueue, for every adapter. `make` gives as many views of one queue as it is asked for. */
export function leafQueueContract(name: string, make: () => Given<() => LeafQueue>): void {
  describe(`leaf queue contract: ${name}`, () => {
    async function queued(queue: LeafQueue, limit = 100): Promise<string[]> {
      return (await queue.list(limit)).map(({ leaf }) => Buffer.from(leaf).toString()).sort();
    }

    it('lists what was added, by its leaf hash, to everybody', async () => {
      const view = await make();
      await view().add(leaf('a'));
      await view().add(leaf('b'));
      const listed = await view().list(100);
      expect(listed.map(({ id }) => id).sort()).toEqual([idOf('a'), idOf('b')].sort());
      expect(await queued(view())).toEqual(['a', 'b']);
    });

    it('lists no more than it is asked for', async () => {
      const queue = (await make())();
      for (const text of ['a', 'b', 'c']) await queue.add(leaf(text));
      expect(await queued(queue, 2)).toHaveLength(2);
      expect(await queued(queue, 0)).toEqual([]);
    });

    it('has a leaf once, however often it is added', async () => {
      const view = await make();
      await Promise.all([view().add(leaf('a')), view().add(leaf('a')), view().add(leaf('a'))]);
      expect(await queued(view())).toEqual(['a']);
    });

    it('forgets what is removed, and never takes it again', async () => {
      const view = await make();
      await view().add(leaf('a'));
      await view().add(leaf('b'));
      await view().remove([idOf('a'), idOf('never there')]);
      expect(await queued(view())).toEqual(['b']);
      await view().add(leaf('a'));
      expect(await queued(view())).toEqual(['b']);
      await view().remove([idOf('a')]);
    });
  });
}
