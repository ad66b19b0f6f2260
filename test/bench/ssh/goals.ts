import type { Goal, Row } from '../report.ts';
import type { Measure } from '../measure.ts';

const BULK_TIME = 1.35;
const KEYSTROKE_MS = 1;
const IDLE_KB = 600;

/** The goals, each of medians of the same run. */
export function sshGoals(rows: readonly Row[]): Goal[] {
  const at = (workload: string, contender: string): Measure | undefined =>
    rows.find((row) => row.workload === workload && row.contender === contender)?.median;
  const rate = (workload: string, contender: string): number => at(workload, contender)?.rate ?? Number.NaN;
  const ofUnit = (unit: string): readonly string[] => [
    ...new Set(rows.filter((row) => row.unit === unit).map(({ workload }) => workload)),
  ];
  const goals: Goal[] = [];
  const atMost = (name: string, value: number, bound: number): void =>
    void goals.push({ name, value, bound: `<= ${bound}`, met: value <= bound });
  for (const name of ofUnit('MB/s'))
    atMost(`${name}: time of ProxyJump's`, rate(name, 'proxyjump') / rate(name, 'custody'), BULK_TIME);
  for (const name of ofUnit('ms')) {
    const added = (other: string, of: (measure: Measure) => number | undefined): number =>
      (of(at(name, 'custody') ?? NOTHING) ?? Number.NaN) - (of(at(name, other) ?? NOTHING) ?? Number.NaN);
    atMost(
      `${name}: p50 added to direct, ms`,
      added('direct', ({ p50 }) => p50),
      KEYSTROKE_MS,
    );
    // Of p99 the issue asks for the figure, and names no bound.
    const p99 = added('direct', (measure) => measure.p99);
    goals.push({ name: `${name}: p99 added to direct, ms`, value: p99, bound: 'told', met: true });
  }
  for (const name of ofUnit('KB/conn')) atMost(`${name}: KB a session`, rate(name, 'custody'), IDLE_KB);
  return goals.filter(({ value }) => !Number.isNaN(value));
}

const NOTHING: Measure = { rate: Number.NaN, cpu: Number.NaN, machineCpu: Number.NaN };
