import { describe, expect, it } from 'vitest';
import type { LeafPlaces } from '#core/ledger/ports.ts';
import type { Given } from './given.ts';

const [ONE, TWO] = ['01a20966-0000-7000-8000-000000000001', '01a20966-0000-7000-8000-000000000002'];

/** The promises of LeafPlaces, for every adapter. `make` gives as many views of the same as it is asked for. */
export function leafPlacesContract(name: string, make: () => Given<() => LeafPlaces>): void {
  describe(`leaf places contract: ${name}`, () => {
    it('knows what was noted, ascending, by session, for everybody', async () => {
      const view = await make();
      await view().note([
        { session: ONE, index: 300 },
        { session: TWO, index: 7 },
      ]);
      await view().note([{ session: ONE, index: 12 }]);
      expect(await view().of(ONE)).toEqual([12, 300]);
      expect(await view().of(TWO)).toEqual([7]);
    });

    it('knows nothing of a session that was never noted', async () => {
      expect(await (await make())().of(ONE)).toEqual([]);
    });

    it('has a place once, however often it is noted, also at the same time', async () => {
      const view = await make();
      const again = [1, 2, 3].map((index) => view().note([{ session: ONE, index: index % 2 }]));
      await Promise.all([...again, view().note([{ session: ONE, index: 1 }])]);
      expect(await view().of(ONE)).toEqual([0, 1]);
    });

    it('takes many places, and none, at once', async () => {
      const view = await make();
      await view().note([]);
      await view().note(Array.from({ length: 100 }, (_, index) => ({ session: ONE, index })));
      expect(await view().of(ONE)).toHaveLength(100);
    });
  });
}
