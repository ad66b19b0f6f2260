import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Sequence } from '#core/replay/postgres/sequence.ts';

type Move = { readonly push: readonly number[]; readonly times: number } | { readonly shift: number };

const anyMove: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ push: fc.array(fc.nat(3), { minLength: 1, maxLength: 40 }), times: fc.nat(60) }),
  fc.record({ shift: fc.nat(500) }),
);

describe('Sequence', () => {
  test('gives what was put in, in order, whatever repeats', () => {
    fc.assert(
      fc.property(fc.array(anyMove, { maxLength: 12 }), (moves) => {
        const sequence = new Sequence(1_000_000);
        const expected: number[] = [];
        for (const move of moves) {
          const values = 'push' in move ? Array.from({ length: move.times }, () => move.push).flat() : [];
          expect(values.every((value) => sequence.push(value))).toBe(true);
          expected.push(...values);
          const gone = expected.splice(0, 'shift' in move ? move.shift : 0);
          expect(gone.map(() => sequence.shift())).toEqual(gone);
          expect([...sequence.values()]).toEqual(expected);
          expect(sequence.length).toBe(expected.length);
          expect(sequence.first()).toBe(expected[0]);
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each([[[0]], [[0, 1]], [[0, 1, 1, 2, 0, 3]]])('what repeats costs next to nothing: %j', (pattern) => {
    const sequence = new Sequence(1000);
    const values = Array.from({ length: 600_000 }, (_, n) => pattern[n % pattern.length]!);
    expect(values.every((value) => sequence.push(value))).toBe(true);
    expect(values.every((value) => sequence.shift() === value)).toBe(true);
    expect(sequence.shift()).toBeUndefined();
  });

  test('what does not repeat is refused beyond the bound, and there is room again when it is gone', () => {
    const sequence = new Sequence(500);
    let pushed = 0;
    while (sequence.push(pushed)) pushed++;
    expect(pushed).toBeGreaterThanOrEqual(450);
    for (let n = 0; n < pushed; n++) expect(sequence.shift()).toBe(n);
    expect(sequence.push(7)).toBe(true);
    expect([...sequence.values()]).toEqual([7]);
  });
});
