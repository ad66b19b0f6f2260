import type { Goal, Row } from '../report.ts';
import type { Measure } from '../measure.ts';

const GETS_OF_PROXY = 0.8;
const BULK_TIME = 1.3;
const WATCH_MS = 1;

/** The goals, each of medians of the same run. */
export function kubernetesGoals(rows: readonly Row[]): Goal[] {
  const at = (workload: string, contender: string): Measure =>
    rows.find((row) => row.workload === workload && row.contender === contender)?.median ?? NOTHING;
  const ofUnit = (unit: string): readonly string[] => [
    ...new Set(rows.filter((row) => row.unit === unit).map(({ workload }) => workload)),
  ];
  const goals: Goal[] = [];
  const told = (name: string, value: number): void =>
    void goals.push({ name, value, bound: 'told', met: true });
  for (const name of ofUnit('calls/s')) {
    const rate = (contender: string): number => at(name, 'custody').rate / at(name, contender).rate;
    const value = rate('haproxy');
    goals.push({
      name: `${name}: rate of HAProxy's`,
      value,
      bound: `>= ${GETS_OF_PROXY}`,
      met: value >= GETS_OF_PROXY,
    });
    told(`${name}: rate of HAProxy's that impersonates`, rate('haproxy-impersonating'));
  }
  const atMost = (name: string, value: number, bound: number): void =>
    void goals.push({ name, value, bound: `<= ${bound}`, met: value <= bound });
  for (const name of ofUnit('MB/s'))
    atMost(`${name}: time of direct's`, at(name, 'direct').rate / at(name, 'custody').rate, BULK_TIME);
  for (const name of ofUnit('ms'))
    atMost(`${name}: p50 added to direct, ms`, at(name, 'custody').rate - at(name, 'direct').rate, WATCH_MS);
  for (const name of ofUnit('KB/watch')) told(`${name}: KB a watch`, at(name, 'custody').rate);
  return goals.filter(({ value }) => !Number.isNaN(value));
}

const NOTHING: Measure = { rate: Number.NaN, cpu: Number.NaN, machineCpu: Number.NaN };
