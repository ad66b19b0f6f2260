import { expect, it } from 'vitest';
import { GrowingPause } from '#proxy/growing-pause.ts';

it('doubles up to its bound, and begins anew where something has succeeded', () => {
  const pause = new GrowingPause(5, 30);
  expect([1, 2, 3, 4, 5].map(() => pause.next())).toEqual([5, 10, 20, 30, 30]);
  pause.reset();
  expect(pause.next()).toBe(5);
});
