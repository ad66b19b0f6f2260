import { expect, test } from 'vitest';
import { momentOf, secondsText } from '../../../console/sessions/place.ts';

test.each([
  ['1500000', 1_500_000],
  ['0', 0],
  ['', undefined],
  ['-1', undefined],
  ['1e6', undefined],
  ['1.5', undefined],
  ['1234567890123456', undefined],
  [undefined, undefined],
])('the moment of an address, %s, is %s', (text, us) => {
  expect(momentOf(text)).toBe(us);
});

test('a moment is asked for in seconds, to the microsecond', () => {
  expect(secondsText(1_500_001)).toBe('1.500001');
});
