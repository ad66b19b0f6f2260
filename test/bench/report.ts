import type { Measure } from './workloads.ts';

export interface Row {
  readonly workload: string;
  readonly unit: string;
  readonly contender: string;
  /** Medians over the rounds. */
  readonly median: Measure;
  readonly rounds: readonly Measure[];
}

export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function toRow(
  workload: { readonly name: string; readonly unit: string },
  contender: string,
  rounds: readonly Measure[],
): Row {
  const of = (pick: (measure: Measure) => number | undefined): number =>
    median(rounds.map((measure) => pick(measure) ?? Number.NaN));
  const value = {
    rate: of(({ rate }) => rate),
    cpu: of(({ cpu }) => cpu),
    machineCpu: of(({ machineCpu }) => machineCpu),
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
  };
  return { workload: workload.name, unit: workload.unit, contender, median: value, rounds };
}

/** The goals, each a ratio of medians of the same run. */
export interface Goal {
  readonly name: string;
  readonly value: number;
  readonly bound: string;
  readonly met: boolean;
}

export function goals(rows: readonly Row[], recordedShare: number): Goal[] {
  const at = (workload: string, contender: string): Measure | undefined =>
    rows.find((row) => row.workload === workload && row.contender === contender)?.median;
  const ratio = (workload: string, ours: string, theirs: string): number =>
    (at(workload, ours)?.rate ?? Number.NaN) / (at(workload, theirs)?.rate ?? Number.NaN);
  const list: Goal[] = [];
  const atLeast = (name: string, value: number, bound: number): void =>
    void list.push({ name, value, bound: `>= ${bound}`, met: value >= bound });
  const atMost = (name: string, value: number, bound: number): void =>
    void list.push({ name, value, bound: `<= ${bound}`, met: value <= bound });
  for (const { workload } of rows.filter(
    (row) => row.workload.startsWith('-S') && row.contender === 'custody-tls',
  )) {
    atLeast(
      `${workload}: custody-tls / pgbouncer-tls`,
      ratio(workload, 'custody-tls', 'pgbouncer-tls'),
      0.95,
    );
    const both = ratio(workload, 'custody-tls-both', 'pgbouncer-tls-both');
    atLeast(`${workload}: custody-tls-both / pgbouncer-tls-both`, both, 0.85);
  }
  atLeast('COPY out wide / pgbouncer-tls', ratio('COPY out wide', 'custody-tls', 'pgbouncer-tls'), 1.05);
  atMost(
    'COPY out wide, machine CPU s/GB',
    at('COPY out wide', 'custody-tls')?.machineCpu ?? Number.NaN,
    2.7,
  );
  const narrow = '10 M rows of 11 bytes';
  atLeast(`${narrow} / direct-tls`, ratio(narrow, 'custody-tls', 'direct-tls'), 0.95);
  atLeast('COPY in / direct', ratio('COPY in', 'custody-tls', 'direct'), 0.97);
  const memory = rows.find((row) => row.unit === 'KB/conn' && row.contender === 'custody-tls');
  atMost('memory, KB per idle TLS connection', memory?.median.rate ?? Number.NaN, 60);
  atMost('recording / wire bytes on rows', recordedShare, 0.3);
  return list.filter(({ value }) => !Number.isNaN(value));
}

/** A table for people. */
export function render(rows: readonly Row[], reached: readonly Goal[]): string {
  const digits = (value: number | undefined, places: number): string =>
    value === undefined || Number.isNaN(value) ? '-' : value.toFixed(places);
  const head = ['workload', 'contender', 'median', 'unit', 'cpu', 'machine', 'p50 ms', 'p99 ms'];
  const lines = rows.map(({ workload, contender, median: m, unit }) => [
    workload,
    contender,
    digits(m.rate, m.rate < 1000 ? 1 : 0),
    unit,
    digits(m.cpu, 2),
    digits(m.machineCpu, 2),
    digits(m.p50, 3),
    digits(m.p99, 3),
  ]);
  const goalLines = reached.map(({ name, value, bound, met }) => [
    met ? 'met' : 'MISSED',
    name,
    digits(value, 3),
    bound,
  ]);
  const explain =
    'cpu: CPU seconds of the contender for 10^6 transactions or 10^9 bytes; machine: of everything on it';
  return [
    columns([head, ...lines]),
    '',
    explain,
    '',
    columns([['goal', '', 'value', 'bound'], ...goalLines]),
  ].join('\n');
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
