import { columns } from './columns.ts';
import type { Measure } from './measure.ts';

export interface Row {
  readonly workload: string;
  readonly unit: string;
  readonly contender: string;
  /** Medians over the rounds. */
  readonly median: Measure;
  readonly rounds: readonly Measure[];
}

/** An issue's goal, and what came of it. */
export interface Goal {
  readonly name: string;
  readonly value: number;
  readonly bound: string;
  readonly met: boolean;
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
    openingMs: of(({ openingMs }) => openingMs),
    ...medians('threads', rounds),
    ...medians('events', rounds),
    ...commitsOf(rounds),
  };
  return { workload: workload.name, unit: workload.unit, contender, median: value, rounds };
}

/** Of what has a figure for each thread; one that a round knows nothing of did nothing in it. */
function medians(which: 'threads' | 'events', rounds: readonly Measure[]) {
  const names = new Set(rounds.flatMap((measure) => Object.keys(measure[which] ?? {})));
  if (names.size === 0) return {};
  const figures = [...names].map((name) => [
    name,
    median(rounds.map((measure) => measure[which]?.[name] ?? 0)),
  ]);
  return { [which]: Object.fromEntries(figures) as Record<string, number> };
}

/** Histograms have no median: those of the round whose rate is the middle one. */
function commitsOf(rounds: readonly Measure[]): Pick<Measure, 'commits'> {
  const counted = rounds.filter(({ commits }) => commits !== undefined).sort((a, b) => a.rate - b.rate);
  const middle = counted[counted.length >> 1];
  return middle === undefined ? {} : { commits: middle.commits! };
}

/** A table for people. Columns that no row has anything for are left out. */
export function render(rows: readonly Row[], reached: readonly Goal[]): string {
  const columnsOf: readonly (readonly [string, (row: Row) => string])[] = [
    ['workload', ({ workload }) => workload],
    ['contender', ({ contender }) => contender],
    ['median', ({ median: { rate } }) => digits(rate, rate < 1000 ? 1 : 0)],
    ['unit', ({ unit }) => unit],
    ['min-max', spread],
    ['cpu', ({ median: { cpu } }) => digits(cpu, 2)],
    ['machine', ({ median: { machineCpu } }) => digits(machineCpu, 2)],
    ['p50 ms', ({ median: { p50 } }) => digits(p50, 3)],
    ['p99 ms', ({ median: { p99 } }) => digits(p99, 3)],
    ['open ms', ({ median: { openingMs } }) => digits(openingMs, 2)],
    ['events/turn', ({ median: { events } }) => named(events)],
    ['cpu by thread', ({ median: { threads } }) => named(threads)],
  ];
  const shown = columnsOf.filter(([, cell]) => rows.some((row) => cell(row) !== '-'));
  const goalLines = reached.map(({ name, value, bound, met }) => [
    met ? 'met' : 'MISSED',
    name,
    digits(value, 3),
    bound,
  ]);
  const explain =
    'cpu: CPU seconds of the contender for 10^6 transactions or 10^9 bytes; machine: of everything on it; ' +
    'open: CPU ms of the contender to open one connection';
  return [
    columns([shown.map(([head]) => head), ...rows.map((row) => shown.map(([, cell]) => cell(row)))]),
    '',
    explain,
    ...(reached.length === 0 ? [] : ['', columns([['goal', '', 'value', 'bound'], ...goalLines])]),
  ].join('\n');
}

/** The least and the most of the rounds. */
export function spread({ rounds }: Row): string {
  const rates = rounds.map(({ rate }) => rate).filter((rate) => !Number.isNaN(rate));
  if (rates.length < 2) return '-';
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  return `${digits(least, least < 1000 ? 1 : 0)}-${digits(most, least < 1000 ? 1 : 0)}`;
}

/** The dearest first. */
function named(figures: Readonly<Record<string, number>> | undefined): string {
  const entries = Object.entries(figures ?? {}).sort(([, one], [, other]) => other - one);
  return entries.length === 0
    ? '-'
    : entries.map(([name, value]) => `${name} ${digits(value, 2)}`).join(', ');
}

function digits(value: number | undefined, places: number): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(places);
}
