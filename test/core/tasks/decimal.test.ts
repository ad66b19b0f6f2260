import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareDecimals, decimalOf, decimalText, isWhole } from '#core/tasks/decimal.ts';

const textOf = (written: string): string | undefined => {
  const decimal = decimalOf(written);
  return decimal && decimalText(decimal);
};

describe('decimals', () => {
  it.each([
    ['42', '42'],
    ['042', '42'],
    ['+42', '42'],
    ['-0', '0'],
    ['0.50', '5e-1'],
    ['.5', '5e-1'],
    ['5.', '5'],
    ['1e3', '1e3'],
    ['1000', '1e3'],
    ['1.50E1', '15'],
  ])('have one text: %s', (written, text) => {
    expect(textOf(written)).toBe(text);
  });

  it.each(['', '.', '-', 'e5', '1e', '0x10', '1_000', 'NaN', 'Infinity', ' 1', '1 ', '١', '9'.repeat(1001)])(
    'are nothing else: %j',
    (written) => {
      expect(decimalOf(written)).toBeUndefined();
    },
  );

  it('are compared as integers are', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (one, other) => {
        const sign = compareDecimals(decimalOf(`${one}`)!, decimalOf(`${other}`)!);
        expect(Math.sign(sign)).toBe(one < other ? -1 : one === other ? 0 : 1);
      }),
    );
  });

  it('know whole numbers, however they are written', () => {
    expect(['1', '1.0', '10e-1', '1.5', '15e-1'].map((text) => isWhole(decimalOf(text)!))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
