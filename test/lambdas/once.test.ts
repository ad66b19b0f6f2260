import { describe, expect, it } from 'vitest';
import { once } from '#lambdas/once.ts';

describe('once', () => {
  it('makes it at the first call, for all who ask meanwhile, and keeps it', async () => {
    let made = 0;
    const get = once(async () => ({ number: (made += 1) }));
    expect(made).toBe(0);
    const [one, two] = await Promise.all([get(), get()]);
    expect(one).toBe(two);
    expect(await get()).toBe(one);
    expect(made).toBe(1);
  });

  it('tries again at the next call what could not be made: a container that began badly is of use again', async () => {
    let tries = 0;
    const get = once(async () => {
      tries += 1;
      if (tries < 3) throw new Error(`try ${tries}`);
      return tries;
    });
    const both = await Promise.allSettled([get(), get()]);
    expect(both.map((one) => (one as PromiseRejectedResult).reason as Error)).toMatchObject([
      { message: 'try 1' },
      { message: 'try 1' },
    ]);
    await expect(get()).rejects.toThrow('try 2');
    expect([await get(), await get(), tries]).toEqual([3, 3, 3]);
  });
});
