import { expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { pathsOf } from '#core/ledger/export.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { settled } from '../../cli/evidence/settled.ts';

/** A store in which the object `late` is there from the `after`-th question on. */
function storeWith(size: number, late: string, after: number) {
  const keys = new Set([...pathsOf(size)].map(tileKey));
  const asked: string[] = [];
  return {
    asked,
    size: async (key: string) => {
      asked.push(key);
      if (!keys.has(key)) throw new CustodyError('internal', `no tile of the tree: ${key}`);
      if (key === late && asked.filter((other) => other === late).length < after)
        throw new CustodyError('not-found', 'no such object');
      return 32;
    },
  };
}

it.each([1, 255, 256, 257, 65_536, 70_000])(
  'waits for the tiles at the edge of a tree of %i leaves',
  async (size) => {
    const paths = [...pathsOf(size)];
    for (const path of [paths.at(-1)!, paths.findLast((path) => path.includes('entries'))!]) {
      const store = storeWith(size, tileKey(path), 3);
      await settled(size, store);
      expect(store.asked.filter((key) => key === tileKey(path))).toHaveLength(3);
      expect(store.asked.length).toBeLessThan(3 * 60);
    }
  },
);

it('waits for nothing where there are no leaves', async () => {
  const store = storeWith(0, '', 0);
  await settled(0, store);
  expect(store.asked).toEqual([]);
});
