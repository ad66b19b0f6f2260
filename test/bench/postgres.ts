/**
 * npm run bench [-- --rounds N --seconds N --seconds-few N --scale X --clients 1,8,64 --contenders NAME,…|*-tls,… --only TEXT,…
 *   --variant "NAME=…" (see variant.ts) --events --commits --json FILE]
 * PostgreSQL direct, HAProxy, poolers and the gateway side by side, alternating; medians and ratios. Where nobody is chosen those run
 * whom the goals compare; all do with --contenders '*'. --events: events that the gateway's loops take a turn. --commits: where the
 * time of a write-ahead commit goes.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { commitTable } from './commits.ts';
import { compare } from './compare.ts';
import { drainQuery } from './drain.ts';
import { goals } from './goals.ts';
import { readOptions } from './options.ts';
import { type Goal, type Row, render } from './report.ts';
import { thisMachine, writeResults } from './results.ts';
import { type Stage, setStage } from './stage.ts';
import { fillTables } from './tables.ts';
import { workloads } from './workloads.ts';

const options = readOptions(process.argv.slice(2));
const log = (line: string): void =>
  void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);

const stage = await setStage(log, options);
try {
  log('filling tables');
  const copied = await fillTables(stage, options.scale);
  const chosen = workloads({ ...options, copied }).filter(({ name }) => options.wanted(name));
  const keep = (rows: readonly Row[], recorded: number): readonly Goal[] => {
    const reached = goals(rows, recorded);
    writeResults(options.json, { machine: thisMachine(), run: options.told, rows, goals: reached });
    return reached;
  };
  const soFar = (rows: readonly Row[]): void => void keep(rows, Number.NaN);
  const rows = await compare({ stage, workloads: chosen, rounds: options.rounds, log, soFar });
  rmSync(dirname(copied.path), { recursive: true });
  const reached = keep(rows, await recordedShare(stage));
  process.stdout.write(`${render(rows, reached)}\n${commitTables(rows)}`);
} finally {
  await stage.stop();
}

function commitTables(rows: readonly Row[]): string {
  return rows
    .filter(({ median: { commits } }) => commits !== undefined)
    .map(
      ({ workload, contender, median: { commits } }) =>
        `\n${contender}, ${workload}\n${commitTable(commits!)}\n`,
    )
    .join('');
}

/** Bytes on disk for bytes on the wire, of one more copy of the wide table. NaN where no gateway runs. */
async function recordedShare({ contenders, database }: Stage): Promise<number> {
  const custody = contenders.find(({ name }) => name === 'custody-tls');
  if (custody === undefined) return Number.NaN;
  const before = folderBytes(custody.recordings!);
  const { bytes } = await drainQuery(custody, database, 'COPY wide TO STDOUT');
  await custody.settled!();
  return (folderBytes(custody.recordings!) - before) / bytes;
}

function folderBytes(path: string): number {
  return Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0]);
}
