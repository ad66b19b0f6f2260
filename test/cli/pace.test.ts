import { afterEach, expect, test, vi } from 'vitest';
import { recordedPace } from '#cli/play/pace.ts';
import type { Step } from '#core/replay/postgres/step.ts';

const sleeps = vi.hoisted(() => [] as number[]);
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => Promise.resolve(void sleeps.push(ms)),
}));
afterEach(() => sleeps.splice(0));

test('waits as long as it was between steps, divided by the speed, and never backwards', async () => {
  const pace = recordedPace(10);
  for (const at of [1_000_000, 3_000_000, 2_000_000, 3_500_000]) {
    await pace.next({ kind: 'query', at, took: 0 } satisfies Step);
  }
  expect(sleeps).toEqual([100, 200, 50]);
});
