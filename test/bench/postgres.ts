/**
 * npm run bench [-- --rounds N --seconds N --scale X --only TEXT --against TEXT|=NAME,… --json FILE]
 * PostgreSQL direct, HAProxy, pgbouncer and the gateway side by side, alternating; medians and ratios.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { goals, type Row, render, toRow } from './report.ts';
import { type Stage, setStage } from './stage.ts';
import { fillTables, type Measure, type Workload, workloads } from './workloads.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    against: { type: 'string', default: '' },
    json: { type: 'string', default: 'bench.json' },
  },
});
const log = (line: string): void => void process.stderr.write(`${line}\n`);

const stage = await setStage(log);
try {
  log('filling tables');
  await fillTables(stage, Number(values.scale));
  const rows = await compare(stage);
  const reached = goals(rows, await recordedShare(stage));
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version, date: new Date() };
  writeFileSync(values.json, JSON.stringify({ machine, options: values, rows, goals: reached }, null, 1));
  process.stdout.write(`${render(rows, reached)}\n`);
} finally {
  await stage.stop();
}

/** Every workload on every contender, a round of all before the next, so that a slow minute hurts all alike. */
async function compare(stage: Stage): Promise<Row[]> {
  const rows: Row[] = [];
  const chosen = stage.contenders.filter(({ name }) =>
    values.against
      .split(',')
      .some((part) => (part.startsWith('=') ? name === part.slice(1) : name.includes(part))),
  );
  for (const workload of workloads(Number(values.seconds)).filter(({ name }) => name.includes(values.only))) {
    const measures = await alternate(workload, stage, chosen);
    for (const [name, rounds] of measures) rows.push(toRow(workload, name, rounds));
  }
  return rows;
}

async function alternate(
  workload: Workload,
  stage: Stage,
  contenders: Stage['contenders'],
): Promise<Map<string, Measure[]>> {
  const measures = new Map<string, Measure[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= (workload.once ? 1 : Number(values.rounds)); round += 1) {
    for (const contender of contenders) {
      const measure = await workload.run(contender, stage);
      measures.get(contender.name)!.push(measure);
      log(`${workload.name} round ${round}: ${contender.name} ${measure.rate.toFixed(1)} ${workload.unit}`);
    }
  }
  return measures;
}

/** Bytes on disk for bytes on the wire, over the session that copied the wide table out last. */
async function recordedShare({ contenders, database, recordings }: Stage): Promise<number> {
  const custody = contenders.find(({ name }) => name === 'custody-tls')!;
  const { drainQuery } = await import('./drain.ts');
  const before = folderBytes(recordings);
  const { bytes } = await drainQuery(custody, database, 'COPY wide TO STDOUT');
  await new Promise((done) => setTimeout(done, 2_000));
  return (folderBytes(recordings) - before) / bytes;
}

function folderBytes(path: string): number {
  return Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0]);
}
