import { describe, expect, it } from 'vitest';
import { begun, sideBySide } from '#core/side-by-side.ts';

describe('sideBySide', () => {
  it('resolves with what each resolves with', async () => {
    expect(await sideBySide(Promise.resolve(1), Promise.resolve('two'))).toEqual([1, 'two']);
  });

  it('rejects once all are over, with the first in their order', async () => {
    const slow = Promise.withResolvers<void>();
    let over = false;
    const both = sideBySide(
      slow.promise.finally(() => (over = true)),
      Promise.reject(new Error('quick')),
    );
    const told = both.catch((error: unknown) => [over, (error as Error).message]);
    await new Promise(setImmediate);
    slow.reject(new Error('slow'));
    expect(await told).toEqual([true, 'slow']);
  });
});

describe('begun', () => {
  it('leaves a rejection to whoever awaits it', async () => {
    const work = begun(Promise.reject(new Error('no')));
    await new Promise(setImmediate);
    await expect(work).rejects.toThrow('no');
  });
});
