import { describe, expect, it } from 'vitest';
import { usualProcesses } from '#proxy/processes/count.ts';
import { Restarts } from '#proxy/processes/restarts.ts';
import { limitsShare, shareOf } from '#proxy/processes/share.ts';

describe('the number of processes', () => {
  it.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 3],
    [16, 15],
  ])('of %i cores is %i', (cores, processes) => {
    expect(usualProcesses(cores)).toBe(processes);
  });
});

describe('the share of one process', () => {
  it.each([
    [400, 2],
    [10, 3],
    [200, 7],
    [7, 7],
  ])('of %i by %i is even, and all of them are the whole', (whole, of) => {
    const shares = Array.from({ length: of }, (_, at) => shareOf(whole, { number: at + 1, of }));
    expect(shares.reduce((sum, share) => sum + share)).toBe(whole);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(2);
  });

  it('is one at least', () => {
    expect(shareOf(2, { number: 3, of: 3 })).toBe(1);
  });

  it('is of what was asked for, else of what is usual; what descriptors decide stays theirs', () => {
    const usual = { peers: 1000, perAddress: 100 };
    expect(limitsShare({ peers: 30 }, usual, { number: 1, of: 2 })).toEqual({
      sessions: undefined,
      peers: 15,
      perAddress: 50,
    });
  });
});

describe('a process that dies', () => {
  it('is started again at once, and after longer and longer pauses while it dies young', () => {
    const restarts = new Restarts();
    expect([0, 0, 0, 0].map((lived) => restarts.pauseAfter(lived))).toEqual([0, 250, 500, 1000]);
    expect(Array.from({ length: 20 }, () => restarts.pauseAfter(5)).at(-1)).toBe(30_000);
    expect(restarts.pauseAfter(60_000)).toBe(0);
    expect(restarts.pauseAfter(59_999)).toBe(250);
  });
});
