import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layoutOf, scrollFor } from '../../../console/parts/virtual-layout.ts';

const ROW = 34;
const SIGHT = 600;

describe('rows of which those in sight are drawn', () => {
  test('begin with the first at the top, and end with the last at the bottom, however many they are', () => {
    for (const count of [1, 17, 18, 1_000, 1_000_000, 5_000_000]) {
      const { height, ...begin } = layoutOf(count, ROW, SIGHT, 0);
      expect([begin.first, begin.top]).toEqual([0, 0]);
      const room = Math.max(0, height - SIGHT);
      const end = layoutOf(count, ROW, SIGHT, room);
      expect(end.last).toBe(count - 1);
      const bottom = end.top + (end.last - end.first + 1) * ROW;
      expect(Math.abs(bottom - height)).toBeLessThan(2);
    }
  });

  test('fill the sight wherever it is, with few more', () => {
    fc.assert(
      fc.property(fc.nat(3_000_000), fc.double({ min: 0, max: 1, noNaN: true }), (count, share) => {
        const { height, first, last, top } = layoutOf(count, ROW, SIGHT, share * Math.max(0, 12_000_000));
        const place = Math.min(share * 12_000_000, Math.max(0, height - SIGHT));
        expect(last - first).toBeLessThan(40);
        if (count === 0) return;
        expect(top).toBeLessThanOrEqual(place + 1);
        const bottom = top + (last - first + 1) * ROW;
        expect(bottom).toBeGreaterThanOrEqual(Math.min(place + SIGHT, height) - 1);
      }),
    );
  });

  test('are scrolled to, and stay where they are in sight already', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000_000 }), fc.nat(), (count, any) => {
        const index = any % count;
        const scrollTop = scrollFor(index, count, ROW, { scrollTop: 0, clientHeight: SIGHT });
        const { first, last } = layoutOf(count, ROW, SIGHT, scrollTop);
        expect(index).toBeGreaterThanOrEqual(first);
        expect(index).toBeLessThanOrEqual(last);
        expect(scrollFor(index, count, ROW, { scrollTop, clientHeight: SIGHT })).toBe(scrollTop);
      }),
    );
  });
});
