import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { untilEither } from '#core/until-either.ts';

it('is aborted as the first of both is, with its reason', async () => {
  for (const which of [0, 1] as const) {
    const both = [new AbortController(), new AbortController()] as const;
    const done = untilEither(both[0].signal, both[1].signal, async (until) => {
      both[which].abort('first');
      both[1 - which]!.abort('second');
      return until.reason as unknown;
    });
    expect(await done).toBe('first');
  }
});

it('is aborted from the beginning where one of them is', async () => {
  const open = new AbortController().signal;
  const over = AbortSignal.abort('over');
  expect(await untilEither(open, over, async (until) => until.reason as unknown)).toBe('over');
  expect(await untilEither(over, open, async (until) => until.reason as unknown)).toBe('over');
});

it('lets go of both when the work is over, whichever way', async () => {
  const [one, other] = [new AbortController().signal, new AbortController().signal];
  const listeners = () => [one, other].map((signal) => getEventListeners(signal, 'abort').length);
  await untilEither(one, other, async () => expect(listeners()).toEqual([1, 1]));
  await untilEither(one, other, () => Promise.reject(new Error('lost'))).catch(() => undefined);
  expect(listeners()).toEqual([0, 0]);
});
