import { expect, it } from 'vitest';
import { once } from '#core/once.ts';

it('loads at the first call, and once however many ask together', async () => {
  let loads = 0;
  const load = once(async () => (loads += 1));
  expect(loads).toBe(0);
  expect(await Promise.all([load(), load()])).toEqual([1, 1]);
  expect(await load()).toBe(1);
});

it('tries again after a failure, which whoever asked is told', async () => {
  let loads = 0;
  const load = once(async () => {
    loads += 1;
    if (loads === 1) throw new Error('no memory');
    return loads;
  });
  await expect(load()).rejects.toThrow('no memory');
  expect(await load()).toBe(2);
});
