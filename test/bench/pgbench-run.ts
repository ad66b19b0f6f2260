/** One run of pgbench on one contender, measured in its steady part. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pgbench } from './clients.ts';
import { commitTimes, forgetCommits } from './commits.ts';
import type { Contender } from './contender.ts';
import { latencies, readLog } from './latencies.ts';
import { eventsPerTurn, readTurns } from './loop-turns.ts';
import type { Measure } from './measure.ts';
import { costWithSeals, perUnit, sampleOf } from './sampling.ts';
import { SteadyPart } from './steady.ts';

const SAMPLED = 0.2;
/** With fewer, what the first second costs above the others would be most of what opening seems to cost. */
const MANY = 64;

export interface Load {
  readonly flags: readonly string[];
  readonly clients: number;
  readonly seconds: number;
}

/** Transactions of connections that stay. The time for connecting is part of `seconds`. Throws when too little is left. */
export async function transactions(contender: Contender, database: string, load: Load): Promise<Measure> {
  const steady = new SteadyPart(() => sampleOf(contender));
  await forgetCommits(contender);
  const from = Date.now() / 1000;
  const { latency } = await logged(contender, database, load, (line) => steady.line(line));
  const taken = steady.taken();
  if (taken === undefined) throw new Error(`to connect took nearly all of ${load.seconds} s`);
  return {
    rate: taken.transactions / taken.seconds,
    ...perUnit(taken, taken.transactions / 1e6),
    ...latency,
    ...(load.clients < MANY ? {} : { openingMs: (taken.openingCpu * 1000) / load.clients }),
    ...eventsIn(contender, from),
    ...(await commitsIn(contender)),
  };
}

/** A connection for each transaction: what closing and sealing them costs belongs to it. */
export async function connections(contender: Contender, database: string, load: Load): Promise<Measure> {
  const { result, cost } = await costWithSeals(contender, () => logged(contender, database, load));
  const rate = Number(/^tps = ([\d.]+)/m.exec(result.said)?.[1]);
  const count = Number(/actually processed: (\d+)/.exec(result.said)?.[1]);
  return { rate, ...perUnit(cost, count / 1e6), ...result.latency };
}

async function logged(
  contender: Contender,
  database: string,
  { flags, clients, seconds }: Load,
  progress?: (line: string) => void,
) {
  const folder = mkdtempSync(join(tmpdir(), 'custody-bench-log-'));
  try {
    const load = ['-c', String(clients), '-j', String(Math.min(2, clients)), '-T', String(seconds)];
    const log = ['-l', `--sampling-rate=${SAMPLED}`, `--log-prefix=${join(folder, 'log')}`];
    const said = await pgbench(['-n', ...flags, ...load, ...log, database], contender, progress);
    const files = readdirSync(folder).map((name) => join(folder, name));
    return { said, latency: latencies(await readLog(files)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function commitsIn(contender: Contender): Promise<Pick<Measure, 'commits'>> {
  const commits = await commitTimes(contender);
  return commits === undefined ? {} : { commits };
}

function eventsIn({ eventsFile }: Contender, from: number): Pick<Measure, 'events'> {
  if (eventsFile === undefined) return {};
  return { events: eventsPerTurn(readTurns(eventsFile), from + 1, Date.now() / 1000) };
}
