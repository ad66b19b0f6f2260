import { expect, test } from 'vitest';
import { RestartLimit } from '#local/supervisor/restart-limit.ts';

test('five deaths within a minute are borne, and a sixth is one too many', () => {
  const limit = new RestartLimit();
  expect([0, 1, 2, 3, 59_999].map((at) => limit.died(at))).toEqual(Array(5).fill(undefined));
  expect(limit.died(59_999)).toBe(6);
});

test('deaths longer ago than a minute are forgotten', () => {
  const limit = new RestartLimit();
  const slowly = Array.from({ length: 50 }, (_, n) => n * 12_000);
  expect(slowly.map((at) => limit.died(at))).toEqual(Array(50).fill(undefined));
});
