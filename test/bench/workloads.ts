/** Everything that is compared. */
import { client, sql } from './clients.ts';
import type { Contender } from './contender.ts';
import { drainQuery } from './drain.ts';
import { IDLE_CONNECTIONS, idleMemory } from './idle-memory.ts';
import type { Measure } from './measure.ts';
import { connections, transactions } from './pgbench-run.ts';
import { costWithSeals, perUnit } from './sampling.ts';
import type { Stage } from './stage.ts';
import type { CopyFile } from './tables.ts';

export interface Workload {
  readonly name: string;
  readonly unit: 'tps' | 'MB/s' | 'conn/s' | 'KB/conn';
  /** Connections that it holds at a time. */
  readonly clients: number;
  /** About how long a run takes. */
  readonly seconds: number;
  /** Measured in the first round only. */
  readonly once?: boolean;
  run(contender: Contender, stage: Stage): Promise<Measure>;
}

export interface Sizes {
  readonly clients: readonly number[];
  readonly seconds: number;
  readonly secondsFew: number;
  readonly copied: CopyFile;
}

const MANY = 64;
const FEW = 8;

export function workloads({ clients, seconds, secondsFew, copied }: Sizes): Workload[] {
  const small = (['simple', 'extended', 'prepared'] as const).flatMap((mode) =>
    clients.map((count) =>
      steady(`-S ${mode} c${count}`, ['-S', '-M', mode], count, count >= MANY ? seconds : secondsFew),
    ),
  );
  return [
    // First and once: a process that has been busy has memory to spare, and would seem to need none.
    memory(),
    ...small,
    steady(`TPC-B c${FEW}`, ['-M', 'prepared'], FEW, secondsFew),
    drained('COPY out wide', 'COPY wide TO STDOUT'),
    drained('10 M rows of 11 bytes', 'SELECT v FROM narrow'),
    copyIn(copied),
    churn(secondsFew),
  ];
}

function memory(): Workload {
  return {
    name: `memory, ${IDLE_CONNECTIONS} idle`,
    unit: 'KB/conn',
    clients: IDLE_CONNECTIONS,
    seconds: 16,
    once: true,
    run: (contender, { database }) => idleMemory(contender, database),
  };
}

/** Transactions of connections that stay. */
export function steady(name: string, flags: readonly string[], clients: number, seconds: number): Workload {
  const run: Workload['run'] = (contender, { database }) =>
    transactions(contender, database, { flags, clients, seconds });
  return { name, unit: 'tps', clients, seconds, run };
}

function churn(seconds: number): Workload {
  const load = { flags: ['-S', '-C'], clients: FEW, seconds };
  const run: Workload['run'] = (contender, { database }) => connections(contender, database, load);
  return { name: `churn c${FEW}`, unit: 'conn/s', clients: FEW, seconds, run };
}

function drained(name: string, query: string): Workload {
  return {
    name,
    unit: 'MB/s',
    clients: 1,
    seconds: 3,
    run: async (contender, { database }) => {
      const { result, cost } = await costWithSeals(contender, () => drainQuery(contender, database, query));
      return { rate: result.bytes / result.seconds / 1e6, ...perUnit(cost, result.bytes / 1e9) };
    },
  };
}

function copyIn({ path, bytes }: CopyFile): Workload {
  return {
    name: 'COPY in',
    unit: 'MB/s',
    clients: 1,
    seconds: 4,
    run: async (contender, { direct, database }) => {
      await sql(direct, database, ['TRUNCATE copied', 'CHECKPOINT']);
      const { result, cost } = await costWithSeals(contender, async () => {
        const started = performance.now();
        await client('psql', ['-qc', `\\copy copied from '${path}'`, database], contender);
        return (performance.now() - started) / 1000;
      });
      return { rate: bytes / result / 1e6, ...perUnit(cost, bytes / 1e9) };
    },
  };
}
