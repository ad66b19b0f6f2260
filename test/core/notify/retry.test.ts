import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTEMPTS, retryAt } from '#core/notify/retry.ts';

const AT = new Date('2026-03-01T12:00:00.000Z');

function waitSeconds(failures: number, jitter = 0): number | undefined {
  const next = retryAt(failures, AT, jitter);
  return next === undefined ? undefined : (next.getTime() - AT.getTime()) / 1000;
}

describe('retryAt', () => {
  it('waits 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 3 h, 6 h, 12 h, and then no more', () => {
    const waits = [5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200, undefined, undefined];
    expect(waits.map((_, n) => waitSeconds(n + 1))).toEqual(waits);
    expect(ATTEMPTS).toBe(10);
  });

  it('waits up to a tenth longer, and never shorter', () => {
    expect(waitSeconds(1, 1)).toBe(5.5);
    expect(waitSeconds(9, 1)).toBe(47_520);
    const jitters = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), jitters, (failures, jitter) => {
        const wait = waitSeconds(failures, jitter)!;
        expect(wait).toBeGreaterThanOrEqual(waitSeconds(failures)!);
        expect(wait).toBeLessThanOrEqual(waitSeconds(failures)! * 1.1);
      }),
    );
  });
});
