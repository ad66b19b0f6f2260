import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { drainQuery } from './drain.ts';
import { cpuSeconds, machineCpuSeconds, residentBytes } from './machine.ts';
import type { Contender, Stage } from './stage.ts';

const run = promisify(execFile);

export interface Measure {
  /** What is compared: transactions, bytes or connections a second; bytes for memory. */
  readonly rate: number;
  /** CPU seconds of the contender itself for 10^6 transactions, or for 10^9 bytes. */
  readonly cpu: number;
  /** CPU seconds of the whole machine for the same. */
  readonly machineCpu: number;
  /** Milliseconds, where latencies were measured. */
  readonly p50?: number;
  readonly p99?: number;
}

export interface Workload {
  readonly name: string;
  readonly unit: 'tps' | 'MB/s' | 'conn/s' | 'KB/conn';
  readonly smaller: boolean;
  /** Measured in the first round only. */
  readonly once?: boolean;
  run(contender: Contender, stage: Stage): Promise<Measure>;
}

const COPY_ROWS = 6_000_000;
const NARROW_ROWS = 10_000_000;
const IDLE_CONNECTIONS = 500;
const WARM_UP_CONNECTIONS = 480;

/** Fills the tables that the workloads read. `scale` shrinks them for a quick run. */
export async function fillTables({ contenders: [direct], database }: Stage, scale: number): Promise<void> {
  const wide = Math.round(COPY_ROWS * scale);
  await client('pgbench', ['-i', '-q', '-s', '10', database], direct!);
  await sql(direct!, database, [
    // Like rows of a shop: names that repeat, numbers that count, one random key in each.
    `CREATE TABLE wide AS SELECT g AS id, 'customer-' || (g % 5000) AS customer, md5(g::text) AS key,
       (ARRAY['open', 'paid', 'shipped', 'returned'])[1 + g % 4] AS status,
       timestamptz '2026-01-01' + g * interval '1.7 s' AS created, (g * 7919 % 977) * 1.25 AS amount,
       format('%s, %s street %s, floor %s, ring at %s; leave with %s if nobody opens, phone +41 79 %s',
         (ARRAY['Lisbon', 'Zagreb', 'Turin', 'Izmir', 'Dakar', 'Osaka', 'Bern'])[1 + g % 7],
         (ARRAY['Elm', 'Oak', 'Mill', 'Station', 'Harbour'])[1 + g * 31 % 5], g * 37 % 211, g % 9,
         (ARRAY['Silva', 'Novak', 'Rossi', 'Yilmaz', 'Diallo', 'Kovac'])[1 + g * 17 % 6],
         (ARRAY['the neighbour', 'the shop below', 'nobody'])[1 + g % 3], g * 104729 % 9999991) AS note
       FROM generate_series(1, ${wide}::bigint) g`,
    'CREATE TABLE copied (LIKE wide)',
    `CREATE TABLE narrow AS SELECT lpad((g % 1000000)::text, 11, '0') AS v FROM generate_series(1, ${Math.round(NARROW_ROWS * scale)}) g`,
    'VACUUM ANALYZE',
  ]);
}

/** Everything that is compared. `seconds`: of each pgbench run. */
export function workloads(seconds: number): Workload[] {
  const small = (['simple', 'extended', 'prepared'] as const).flatMap((mode) =>
    [1, 8, 64].map((clients) => selectOnly(mode, clients, seconds)),
  );
  return [idleMemory(), ...small, tpcb(8, seconds), copyOut(), narrowRows(), copyIn(), churn(seconds)];
}

function selectOnly(mode: string, clients: number, seconds: number): Workload {
  return pgbench(`-S ${mode} c${clients}`, ['-S', '-n', '-M', mode], clients, seconds);
}

function tpcb(clients: number, seconds: number): Workload {
  return pgbench(`TPC-B c${clients}`, ['-n', '-M', 'prepared'], clients, seconds);
}

function churn(seconds: number): Workload {
  return { ...pgbench('churn c8', ['-S', '-n', '-C'], 8, seconds), unit: 'conn/s' };
}

function pgbench(name: string, flags: readonly string[], clients: number, seconds: number): Workload {
  return {
    name,
    unit: 'tps',
    smaller: false,
    run: async (contender, { database }) => {
      const logs = join(mkdtempSync(join(tmpdir(), 'custody-bench-log-')), 'log');
      const common = ['-c', String(clients), '-j', String(Math.min(2, clients)), '-T', String(seconds)];
      const sampled = ['-l', '--sampling-rate=0.2', `--log-prefix=${logs}`];
      const measured = await measure(contender, () =>
        client('pgbench', [...flags, ...common, ...sampled, database], contender),
      );
      const tps = Number(/^tps = ([\d.]+)/m.exec(measured.result)?.[1]);
      const transactions = Number(/actually processed: (\d+)/.exec(measured.result)?.[1]);
      return { rate: tps, ...perUnit(measured, transactions / 1e6), ...(await latencies(logs)) };
    },
  };
}

function copyOut(): Workload {
  return drained('COPY out wide', 'COPY wide TO STDOUT');
}

function narrowRows(): Workload {
  return drained('10 M rows of 11 bytes', 'SELECT v FROM narrow');
}

function drained(name: string, query: string): Workload {
  return {
    name,
    unit: 'MB/s',
    smaller: false,
    run: async (contender, { database }) => {
      const measured = await measure(contender, () => drainQuery(contender, database, query));
      const { bytes, seconds } = measured.result;
      return { rate: bytes / seconds / 1e6, ...perUnit(measured, bytes / 1e9) };
    },
  };
}

function copyIn(): Workload {
  return {
    name: 'COPY in',
    unit: 'MB/s',
    smaller: false,
    run: async (contender, stage) => {
      const [direct] = stage.contenders;
      const file = await copyFile(direct!, stage.database);
      await sql(direct!, stage.database, ['TRUNCATE copied']);
      const started = performance.now();
      const measured = await measure(contender, () =>
        client('psql', ['-qc', `\\copy copied from '${file.path}'`, stage.database], contender),
      );
      const seconds = (performance.now() - started) / 1000;
      return { rate: file.bytes / seconds / 1e6, ...perUnit(measured, file.bytes / 1e9) };
    },
  };
}

let copied: Promise<{ path: string; bytes: number }> | undefined;

/** A file of rows to copy in, made once. */
function copyFile(direct: Contender, database: string): Promise<{ path: string; bytes: number }> {
  copied ??= (async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'custody-bench-copy-')), 'rows.tsv');
    await client('psql', ['-qc', `\\copy (select * from wide limit 1500000) to '${path}'`, database], direct);
    const { size } = await import('node:fs/promises').then(({ stat }) => stat(path));
    return { path, bytes: size };
  })();
  return copied;
}

/**
 * Memory that one idle connection keeps, after it has done a little work. Comes first and once: a process that has
 * been busy has memory to spare, and would seem to need none.
 */
function idleMemory(): Workload {
  return {
    name: `memory, ${IDLE_CONNECTIONS} idle`,
    unit: 'KB/conn',
    smaller: true,
    once: true,
    run: async (contender, { database }) => {
      if (contender.pids.length === 0) return { rate: Number.NaN, cpu: Number.NaN, machineCpu: Number.NaN };
      const script = join(mkdtempSync(join(tmpdir(), 'custody-bench-idle-')), 'idle.sql');
      writeFileSync(script, 'SELECT 1;\n\\sleep 10 s\n');
      const warmUp = ['-n', '-C', '-S', '-c', '8', '-j', '2', '-t', String(WARM_UP_CONNECTIONS / 8)];
      await client('pgbench', [...warmUp, database], contender);
      const before = residentBytes(contender.pids);
      const held = ['-c', String(IDLE_CONNECTIONS), '-j', '2', '-t', '1', '-n', '-f', script];
      const running = client('pgbench', [...held, database], contender);
      let peak = before;
      const watch = setInterval(() => (peak = Math.max(peak, residentBytes(contender.pids))), 500);
      await running;
      clearInterval(watch);
      return { rate: (peak - before) / IDLE_CONNECTIONS / 1000, cpu: Number.NaN, machineCpu: Number.NaN };
    },
  };
}

interface Measured<T> {
  readonly result: T;
  readonly cpu: number;
  readonly machineCpu: number;
}

async function measure<T>({ pids }: Contender, work: () => Promise<T>): Promise<Measured<T>> {
  const cpuBefore = cpuSeconds(pids);
  const machineBefore = machineCpuSeconds();
  const result = await work();
  return { result, cpu: cpuSeconds(pids) - cpuBefore, machineCpu: machineCpuSeconds() - machineBefore };
}

function perUnit({ cpu, machineCpu }: Measured<unknown>, units: number): { cpu: number; machineCpu: number } {
  return { cpu: cpu / units, machineCpu: machineCpu / units };
}

/** p50 and p99 from pgbench's log files: client, transaction, microseconds, … */
async function latencies(prefix: string): Promise<{ p50: number; p99: number }> {
  const { stdout } = await run('bash', ['-c', `cat ${prefix}* | awk '{print $3}' | sort -n`], {
    maxBuffer: 1 << 28,
  });
  const micros = stdout.split('\n').filter(Boolean).map(Number);
  const at = (share: number): number => (micros[Math.floor(micros.length * share)] ?? Number.NaN) / 1000;
  return { p50: at(0.5), p99: at(0.99) };
}

async function sql(contender: Contender, database: string, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await client('psql', ['-qc', statement, database], contender);
}

async function client(program: string, args: readonly string[], contender: Contender): Promise<string> {
  const { port, sslmode, password, options } = contender;
  const env = {
    ...process.env,
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: 'bench',
    PGSSLMODE: sslmode,
    PGPASSWORD: password,
    ...(options === undefined ? {} : { PGOPTIONS: await options() }),
  };
  const { stdout } = await run(program, [...args], { env, maxBuffer: 1 << 28 });
  return stdout;
}
