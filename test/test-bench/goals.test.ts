import { expect, it } from 'vitest';
import { goals } from '#test/bench/goals.ts';
import type { Measure } from '#test/bench/measure.ts';
import { type Row, toRow } from '#test/bench/report.ts';

function row(workload: string, contender: string, measure: Partial<Measure>, unit = 'tps'): Row {
  return toRow({ name: workload, unit }, contender, [{ rate: 100, cpu: 1, machineCpu: 1, ...measure }]);
}

/** Whether each is met, by what it says. */
function met(rows: readonly Row[], recordedShare = Number.NaN): Record<string, boolean> {
  return Object.fromEntries(goals(rows, recordedShare).map(({ name, met }) => [name, met]));
}

it.each([1, 8, 64])('holds transactions of %i clients against pgbouncer', (clients) => {
  const name = `-S simple c${clients}`;
  const rows = (ours: number, both: number): Row[] => [
    row(name, 'pgbouncer-tls', {}),
    row(name, 'pgbouncer-tls-both', {}),
    row(name, 'custody-tls', { rate: ours }),
    row(name, 'custody-tls-both', { rate: both }),
  ];
  const [plain, both] = [`${name}: / pgbouncer-tls`, `${name}: TLS on both sides / pgbouncer-tls-both`];
  expect(met(rows(90, 88))).toEqual({ [plain]: true, [both]: true });
  expect(met(rows(89.9, 87.9))).toEqual({ [plain]: false, [both]: false });
});

it('holds write-ahead against windowed', () => {
  const rows = (c8: number, c64: number, p50: number): Row[] => [
    row('-S simple c1', 'custody-tls', { p50: 0.1 }),
    row('-S simple c1', 'custody-tls-write-ahead', { p50 }),
    row('-S simple c8', 'custody-tls', {}),
    row('-S simple c8', 'custody-tls-write-ahead', { rate: c8 }),
    row('-S simple c64', 'custody-tls', {}),
    row('-S simple c64', 'custody-tls-write-ahead', { rate: c64 }),
  ];
  const names = [
    '-S simple c1: ms that write-ahead adds at p50',
    '-S simple c8: write-ahead / windowed',
    '-S simple c64: write-ahead / windowed',
  ];
  expect(met(rows(45, 70, 0.45))).toEqual(Object.fromEntries(names.map((name) => [name, true])));
  expect(met(rows(44, 69, 0.55))).toEqual(Object.fromEntries(names.map((name) => [name, false])));
});

it('holds the slowest in a hundred of 64 clients against pgbouncer', () => {
  const p99 = (ours: number): boolean | undefined =>
    met([
      row('-S simple c64', 'pgbouncer-tls', { p99: 4 }),
      row('-S simple c64', 'custody-tls', { p99: ours }),
    ])['-S simple c64: p99 / pgbouncer-tls'];
  expect([p99(5), p99(5.1)]).toEqual([true, false]);
});

it('holds connections against PostgreSQL, and counts their CPU in milliseconds', () => {
  const churn = (rate: number, cpu: number) =>
    goals([row('churn c8', 'direct-tls', {}), row('churn c8', 'custody-tls', { rate, cpu })], Number.NaN);
  expect(churn(70, 1_500)).toEqual([
    { name: 'connections / direct-tls', value: 0.7, bound: '>= 0.7', met: true },
    { name: 'own CPU of a connection, ms', value: 1.5, bound: '<= 1.5', met: true },
  ]);
  expect(churn(69, 1_501).map(({ met }) => met)).toEqual([false, false]);
});

it('holds copies, memory and the size of recordings', () => {
  const rows = (share: number, memory: number): Row[] => [
    row('COPY out wide', 'pgbouncer-tls', {}),
    row('COPY out wide', 'custody-tls', { rate: share * 100 }),
    row('COPY in', 'direct-tls', {}),
    row('COPY in', 'custody-tls', { rate: share * 97 }),
    row('10 M rows of 11 bytes', 'direct-tls', {}),
    row('10 M rows of 11 bytes', 'custody-tls', { rate: share * 95 }),
    row('memory, 500 idle', 'custody-tls', { rate: memory * 48 }, 'KB/conn'),
    row('memory, 500 idle', 'custody-tls-both', { rate: memory * 90 }, 'KB/conn'),
  ];
  const good = met(rows(1, 1), 0.3);
  expect(Object.keys(good)).toHaveLength(6);
  expect(Object.values(good)).toEqual([true, true, true, true, true, true]);
  expect(Object.values(met(rows(0.99, 1.01), 0.31))).toEqual([false, false, false, false, false, false]);
});

it('says nothing of who did not run', () => {
  expect(goals([row('-S simple c8', 'custody-tls', {})], Number.NaN)).toEqual([]);
});
