import { describe, expect, it } from 'vitest';
import type { LeaseBook, TaskLeases } from '#core/recording/leases.ts';
import type { Given } from './given.ts';

const at = (ms: number): Date => new Date(1_800_000_000_000 + ms);

/** The promises of TaskLeases and LeaseBook, for every adapter. `make` gives as many views of one book as it is asked for. */
export function taskLeasesContract(name: string, make: () => Given<() => TaskLeases & LeaseBook>): void {
  describe(`task leases contract: ${name}`, () => {
    it('lists a task once its lease has ended, and not before', async () => {
      const book = (await make())();
      await book.renew('a', at(100));
      expect(await book.endedBefore(at(100))).toEqual([]);
      expect(await book.endedBefore(at(101))).toEqual([{ task: 'a', until: at(100) }]);
      await book.renew('a', at(200));
      expect(await book.endedBefore(at(101))).toEqual([]);
    });

    it('fences a task for ever', async () => {
      const view = await make();
      const [task, sealer] = [view(), view()];
      await task.renew('a', at(100));
      await task.renew('b', at(100));
      const seen = (await sealer.endedBefore(at(101))).find((lease) => lease.task === 'a')!;
      expect(await sealer.fence(seen)).toBe(true);
      await expect(task.renew('a', at(300))).rejects.toMatchObject({ code: 'task-fenced' });
      await task.renew('b', at(300));
    });

    it('does not fence a task that has renewed since it was seen', async () => {
      const view = await make();
      const [task, sealer] = [view(), view()];
      await task.renew('a', at(100));
      const [seen] = await sealer.endedBefore(at(101));
      await task.renew('a', at(200));
      expect(await sealer.fence(seen!)).toBe(false);
      await task.renew('a', at(300));
    });

    it('lets two sealers have the same task: whoever comes second finds it fenced', async () => {
      const view = await make();
      const [task, one, two] = [view(), view(), view()];
      await task.renew('a', at(100));
      const [seen] = await one.endedBefore(at(101));
      expect([await one.fence(seen!), await two.fence(seen!)]).toEqual([true, true]);
      expect(await two.endedBefore(at(0))).toEqual([{ task: 'a', until: at(100) }]);
    });

    it('does not list a forgotten task, which stays fenced; forgets no other', async () => {
      const book = (await make())();
      await book.renew('a', at(100));
      await book.renew('b', at(100));
      await book.forget('b');
      await book.fence({ task: 'a', until: at(100) });
      await book.forget('a');
      expect(await book.endedBefore(at(101))).toEqual([{ task: 'b', until: at(100) }]);
      await expect(book.renew('a', at(300))).rejects.toMatchObject({ code: 'task-fenced' });
    });
  });
}
