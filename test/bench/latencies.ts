/** Latencies from the log of each transaction that pgbench writes. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const WARM_UP_S = 1;

export interface Latencies {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** One transaction: when it ended, in seconds, and how many microseconds it took. */
export type Logged = readonly [atS: number, micros: number];

/** Lines are client, transaction, microseconds, script, and the time as seconds and microseconds. */
export async function readLog(files: readonly string[]): Promise<Logged[]> {
  const logged: Logged[] = [];
  for (const file of files)
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const [, , micros, , seconds, rest] = line.split(' ');
      logged.push([Number(seconds) + Number(rest) / 1e6, Number(micros)]);
    }
  return logged;
}

/** Of what came after the first second. */
export function latencies(logged: readonly Logged[]): Latencies {
  const from = logged.reduce((first, [at]) => Math.min(first, at), Number.POSITIVE_INFINITY) + WARM_UP_S;
  const sorted = Float64Array.from(logged.filter(([at]) => at >= from).map(([, micros]) => micros)).sort();
  const at = (share: number): number => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN) / 1000;
  return { p50: at(0.5), p99: at(0.99) };
}
