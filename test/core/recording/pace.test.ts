import { describe, expect, it } from 'vitest';
import { Pace } from '#core/recording/pace.ts';

describe('a pace', () => {
  it('is fast once more has come than may come at once, beside what has leaked since', () => {
    const pace = new Pace(1_000);
    pace.add(500, 10_000);
    expect(pace.isFast).toBe(false);
    pace.add(1, 10_000);
    expect(pace.isFast).toBe(true);
    pace.add(0, 10_001);
    expect(pace.isFast).toBe(false);
  });

  it('is not fast at the pace that is welcome, for however long', () => {
    const pace = new Pace(1_000);
    for (let at = 0; at < 100_000; at += 100) {
      pace.add(100, at);
      expect(pace.isFast).toBe(false);
    }
  });

  it('is forgotten in half a second, however much has come', () => {
    const pace = new Pace(1_000);
    pace.add(1e9, 0);
    pace.add(0, 499);
    expect(pace.isFast).toBe(true);
    pace.add(0, 501);
    expect(pace.isFast).toBe(false);
  });

  it('is never fast where any pace is welcome', () => {
    const pace = new Pace(Number.POSITIVE_INFINITY);
    pace.add(1e12, 0);
    pace.add(1e12, 0);
    expect(pace.isFast).toBe(false);
  });
});
