/** What issue 19 asks for, each a figure of the medians of one run. */
import type { Measure } from './measure.ts';
import type { Goal, Row } from './report.ts';

const RATE = 0.9;
const RATE_TLS_BOTH = 0.88;
/** Of windowed, by clients. */
const WRITE_AHEAD = { c8: 0.45, c64: 0.7 } as const;
const WRITE_AHEAD_ADDS_MS = 0.4;
const P99_AT_64 = 1.25;
const CONNECTIONS = 0.7;
const CONNECTION_CPU_MS = 1.5;
const COPY_OUT = 1;
const COPY_IN = 0.97;
const NARROW = 0.95;
const IDLE_KB = 48;
const IDLE_KB_TLS_BOTH = 90;
const RECORDED_SHARE = 0.3;

/** `recordedShare`: bytes that were recorded for bytes on the wire, of rows. Goals whose contenders did not run are left out. */
export function goals(rows: readonly Row[], recordedShare: number): Goal[] {
  const figures = new Figures(rows);
  const small = [...new Set(rows.map(({ workload }) => workload))].filter((name) => name.startsWith('-S'));
  return [
    ...small.flatMap((name) => smallTransactions(figures, name)),
    atLeast('connections / direct-tls', figures.ratio('churn c8', 'custody-tls', 'direct-tls'), CONNECTIONS),
    atMost('own CPU of a connection, ms', figures.connectionMs('custody-tls'), CONNECTION_CPU_MS),
    atLeast(
      'COPY out / pgbouncer-tls',
      figures.ratio('COPY out wide', 'custody-tls', 'pgbouncer-tls'),
      COPY_OUT,
    ),
    atLeast('COPY in / direct-tls', figures.ratio('COPY in', 'custody-tls', 'direct-tls'), COPY_IN),
    atLeast(
      '10 M rows / direct-tls',
      figures.ratio('10 M rows of 11 bytes', 'custody-tls', 'direct-tls'),
      NARROW,
    ),
    atMost('memory of an idle connection, KB', figures.idle('custody-tls'), IDLE_KB),
    atMost('… with TLS on both sides', figures.idle('custody-tls-both'), IDLE_KB_TLS_BOTH),
    atMost('recording / bytes on the wire, of rows', recordedShare, RECORDED_SHARE),
  ].filter(({ value }) => !Number.isNaN(value));
}

function smallTransactions(figures: Figures, name: string): Goal[] {
  const clients = name.split(' ').at(-1)!;
  const writeAhead = figures.ratio(name, 'custody-tls-write-ahead', 'custody-tls');
  const p50 = (contender: string): number => figures.at(name, contender)?.p50 ?? Number.NaN;
  const p99 = (contender: string): number => figures.at(name, contender)?.p99 ?? Number.NaN;
  const ofClients: Readonly<Record<string, () => Goal[]>> = {
    c1: () => [
      atMost(
        `${name}: ms that write-ahead adds at p50`,
        p50('custody-tls-write-ahead') - p50('custody-tls'),
        WRITE_AHEAD_ADDS_MS,
      ),
    ],
    c8: () => [atLeast(`${name}: write-ahead / windowed`, writeAhead, WRITE_AHEAD.c8)],
    c64: () => [
      atLeast(`${name}: write-ahead / windowed`, writeAhead, WRITE_AHEAD.c64),
      atMost(`${name}: p99 / pgbouncer-tls`, p99('custody-tls') / p99('pgbouncer-tls'), P99_AT_64),
    ],
  };
  return [
    atLeast(`${name}: / pgbouncer-tls`, figures.ratio(name, 'custody-tls', 'pgbouncer-tls'), RATE),
    atLeast(
      `${name}: TLS on both sides / pgbouncer-tls-both`,
      figures.ratio(name, 'custody-tls-both', 'pgbouncer-tls-both'),
      RATE_TLS_BOTH,
    ),
    ...(ofClients[clients]?.() ?? []),
  ];
}

/** NaN stands for what did not run. */
class Figures {
  readonly #rows: readonly Row[];

  constructor(rows: readonly Row[]) {
    this.#rows = rows;
  }

  at(workload: string, contender: string): Measure | undefined {
    return this.#rows.find((row) => row.workload === workload && row.contender === contender)?.median;
  }

  ratio(workload: string, ours: string, theirs: string): number {
    return (this.at(workload, ours)?.rate ?? Number.NaN) / (this.at(workload, theirs)?.rate ?? Number.NaN);
  }

  /** CPU seconds for a million of them are thousandths of a millisecond for one. */
  connectionMs(contender: string): number {
    return (this.at('churn c8', contender)?.cpu ?? Number.NaN) / 1000;
  }

  idle(contender: string): number {
    const row = this.#rows.find((row) => row.unit === 'KB/conn' && row.contender === contender);
    return row?.median.rate ?? Number.NaN;
  }
}

function atLeast(name: string, value: number, bound: number): Goal {
  return { name, value, bound: `>= ${bound}`, met: value >= bound };
}

function atMost(name: string, value: number, bound: number): Goal {
  return { name, value, bound: `<= ${bound}`, met: value <= bound };
}
