import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { lengthOf, timeOf } from '#core/identity/token-times.ts';

const NOW_S = 1_800_000_000;
const NOW = NOW_S * 1000;

function refusal(claims: Record<string, unknown>, leewayMs = 0): CustodyError {
  try {
    timeOf(claims, NOW, leewayMs);
  } catch (thrown) {
    return asCustodyError(thrown);
  }
  return expect.fail('it was taken');
}

describe('the time of a token', () => {
  it.each<[what: string, claims: Record<string, unknown>]>([
    ['with an end alone', {}],
    ['at its first moment', { nbf: NOW_S, iat: NOW_S }],
    ['issued by a clock that is a minute ahead', { iat: NOW_S + 60 }],
  ])('is now: %s', (_what, claims) => {
    expect(timeOf({ exp: NOW_S + 1, ...claims }, NOW, 0)).toEqual({ expiresAt: new Date(NOW + 1000) });
  });

  it.each<[what: string, claims: Record<string, unknown>, leewayS: number, why: string]>([
    ['at its very end (security case 12)', { exp: NOW_S }, 0, 'it expired 0 s ago'],
    ['a second after it', { exp: NOW_S - 1 }, 0, 'it expired 1 s ago'],
    ['five minutes after it', { exp: NOW_S - 300 }, 0, 'it expired 5 min ago'],
    ['after the leeway', { exp: NOW_S - 60 }, 60, 'it expired 1 min ago'],
    ['years after it', { exp: 1 }, 60, 'it expired 20833 days ago'],
    ['before it', { nbf: NOW_S + 12 }, 0, 'it is not valid yet, by 12 s: '],
    ['before the leeway', { nbf: NOW_S + 61 }, 60, 'it is not valid yet, by 1 min: '],
    ['before it was issued', { iat: NOW_S + 61 }, 60, 'it was issued in the future, by 1 min: '],
    ['without an end', { exp: undefined }, 60, 'it does not say when it expires'],
    ['with an end in words', { exp: 'never' }, 60, 'its claim exp is not a time'],
    ['with an end that no date has', { exp: 1e300 }, 60, 'its claim exp is not a time'],
    ['with an end in milliseconds', { exp: NOW + 3_600_000 }, 60, 'its claim exp is not a time'],
    ['with an issue before all years', { iat: -62_167_219_201 }, 60, 'its claim iat is not a time'],
    ['with a beginning that is no number', { nbf: '0' }, 60, 'its claim nbf is not a time'],
    ['with an issue that is null', { iat: null }, 60, 'its claim iat is not a time'],
  ])('is not now: %s', (_what, claims, leewayS, why) => {
    const { code, message, guess } = refusal({ exp: NOW_S + 3600, ...claims }, leewayS * 1000);
    expect([code, guess]).toEqual(['token-invalid', false]);
    expect(message).toContain(`the token is not valid here: ${why}`);
  });

  it.each<[what: string, claims: Record<string, unknown>, leeway: number, untilS: number]>([
    ['at its end', { exp: NOW_S }, 1, NOW_S + 60],
    ['twelve seconds after its end', { exp: NOW_S - 12 }, 13, NOW_S - 12 + 60],
    ['a minute before its beginning', { nbf: NOW_S + 60 }, 60, NOW_S + 3600],
    ['both', { exp: NOW_S - 3, nbf: NOW_S + 7 }, 7, NOW_S - 3 + 60],
  ])('is now by leeway, and says by how much: %s', (_what, claims, leeway, untilS) => {
    const time = timeOf({ exp: NOW_S + 3600, ...claims }, NOW, 60_000);
    expect(time).toEqual({ expiresAt: new Date(untilS * 1000), leeway });
  });

  it('is one that evidence can name', () => {
    const first = -62_167_219_200;
    const { expiresAt } = timeOf({ exp: 253_402_300_799, iat: first, nbf: first }, NOW, 60_000);
    expect(z.iso.datetime().parse(expiresAt.toISOString())).toBe('9999-12-31T23:59:59.000Z');
    expect(z.iso.datetime().safeParse(new Date(first * 1000).toISOString()).success).toBe(true);
  });

  it('never lasts into the past, and never asks for more leeway than there is', () => {
    const seconds = fc.integer({ min: NOW_S - 200, max: NOW_S + 200 });
    const property = fc.property(seconds, seconds, fc.integer({ min: 0, max: 60 }), (exp, nbf, leewayS) => {
      const isIn = exp + leewayS > NOW_S && nbf - leewayS <= NOW_S;
      if (!isIn) return void refusal({ exp, nbf }, leewayS * 1000);
      const { expiresAt, leeway = 0 } = timeOf({ exp, nbf }, NOW, leewayS * 1000);
      expect(expiresAt.getTime()).toBeGreaterThan(NOW);
      expect(leeway).toBeLessThanOrEqual(leewayS);
      expect(leeway > 0).toBe(exp <= NOW_S || nbf > NOW_S);
    });
    fc.assert(property);
  });
});

describe('a length of time', () => {
  it.each([
    [400, '1 s'],
    [59_000, '59 s'],
    [60_000, '1 min'],
    [3_599_000, '59 min'],
    [3_600_000, '1 h'],
    [47 * 3_600_000, '47 h'],
    [48 * 3_600_000, '2 days'],
  ])('%d ms is %s', (ms, words) => expect(lengthOf(ms)).toBe(words));
});
