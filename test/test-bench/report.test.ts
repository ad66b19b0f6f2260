import { expect, it } from 'vitest';
import { median, render, toRow } from '#test/bench/report.ts';
import { rotated } from '#test/bench/rotation.ts';

const load = { name: '-S', unit: 'tps' };

it('takes medians of each figure, and of each thread', () => {
  const rounds = [
    { rate: 3, cpu: 30, machineCpu: 1, p99: 9, threads: { relay: 1, once: 6 } },
    { rate: 1, cpu: 10, machineCpu: 1, p99: 7, threads: { relay: 5 } },
    { rate: 2, cpu: 20, machineCpu: 1, p99: 8, threads: { relay: 3 } },
  ];
  expect(toRow(load, 'one', rounds).median).toMatchObject({
    rate: 2,
    cpu: 20,
    p99: 8,
    threads: { relay: 3, once: 0 },
  });
  expect(median([4, Number.NaN, 1])).toBe(2.5);
});

it('keeps the commits of the round in the middle', () => {
  const commits = (n: number) => ({ commits: n, stages: {} });
  const rounds = [3, 1, 2].map((rate) => ({ rate, cpu: 1, machineCpu: 1, commits: commits(rate) }));
  expect(toRow(load, 'one', rounds).median.commits).toEqual({ commits: 2, stages: {} });
});

it('shows the spread and the threads, the dearest first, and no column that nobody fills', () => {
  const rounds = [1500, 1400, 1600].map((rate) => ({
    ...{ rate, cpu: 12, machineCpu: 40 },
    threads: { recorder: 2, relay: 10 },
  }));
  const text = render(
    [toRow(load, 'custody-tls', rounds)],
    [{ name: 'a goal', value: 0.5, bound: '>= 0.9', met: false }],
  );
  expect(text).toContain('custody-tls  1500    tps   1400-1600  12.00  40.00    relay 10.00, recorder 2.00');
  expect(text).not.toContain('p50');
  expect(text).toContain('MISSED  a goal  0.500  >= 0.9');
});

it('begins each round with another one', () => {
  expect([0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join(''))).toEqual([
    'abc',
    'bca',
    'cab',
    'abc',
  ]);
  expect(rotated([], 2)).toEqual([]);
});
