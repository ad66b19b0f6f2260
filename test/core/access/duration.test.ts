import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationMs, durationText } from '#core/access/duration.ts';

const DAY = 86_400_000;

describe('durationMs', () => {
  it.each([
    ['1s', 1_000],
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['4h', 14_400_000],
    ['7d', 7 * DAY],
    ['010m', 600_000],
    ['2591999s', 30 * DAY - 1_000],
  ])('reads %s', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each([
    '',
    '0s',
    '5',
    's',
    '1w',
    '1.5h',
    '-1h',
    '+1h',
    '1 h',
    ' 1h',
    '1h ',
    '1h\n',
    '1H',
    '1h30m',
    '１h',
    '12345678s',
    'Infinityd',
  ])('refuses %j', (text) => {
    expect(durationMs(text)).toBeUndefined();
  });
});

describe('durationText', () => {
  it.each([
    [1, '1s'],
    [1_000, '1s'],
    [1_001, '2s'],
    [60_000, '1m'],
    [90_000, '90s'],
    [5_400_000, '90m'],
    [14_400_000, '4h'],
    [DAY, '1d'],
    [36_500 * DAY, '36500d'],
  ])('%d is %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  it('is read back as what it says, rounded up to seconds, for anything that a grant may last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 * DAY }), (ms) => {
        expect(durationMs(durationText(ms))).toBe(Math.ceil(ms / 1_000) * 1_000);
      }),
      { numRuns: 1_000 },
    );
  });
});
