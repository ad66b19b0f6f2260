/**
 * npm run bench:kubernetes [-- --rounds N --seconds N --mb N --only TEXT --against TEXT --flags="NODE FLAGS" --json FILE]
 * An API server direct, through HAProxy and through the gateway with recording, alternating; medians and ratios. Needs what
 * `.ci/kubernetes` builds, and Debian's haproxy.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Row, render, toRow } from '../report.ts';
import type { Measure } from '../measure.ts';
import { kubernetesGoals } from './goals.ts';
import { type KubernetesStage, setKubernetesStage } from './stage.ts';
import { type KubernetesWorkload, kubernetesWorkloads } from './workloads.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    mb: { type: 'string', default: '200' },
    only: { type: 'string', default: '' },
    against: { type: 'string', default: '' },
    flags: { type: 'string', default: '' },
    json: { type: 'string', default: 'bench-kubernetes.json' },
  },
});
const log = (line: string): void => void process.stderr.write(`${line}\n`);
const chooses = (list: string, name: string): boolean => list.split(',').some((part) => name.includes(part));

const stage = await setKubernetesStage(values.flags.split(' ').filter(Boolean));
try {
  const rows: Row[] = [];
  const all = kubernetesWorkloads({ seconds: Number(values.seconds), bytes: Number(values.mb) * 1e6 });
  for (const workload of all.filter(({ name }) => chooses(values.only, name)))
    rows.push(...(await alternate(workload, stage)));
  const goals = kubernetesGoals(rows);
  const machine = { cpus: cpus().length, node: process.version, load: loadavg(), date: new Date() };
  writeFileSync(values.json, JSON.stringify({ machine, options: values, rows, goals }, null, 1));
  process.stdout.write(`${values.rounds} rounds, load ${loadavg()[0]!.toFixed(0)}\n${render(rows, goals)}\n`);
} finally {
  await stage.stop();
}

async function alternate(workload: KubernetesWorkload, place: KubernetesStage): Promise<Row[]> {
  const chosen = place.contenders.filter(
    ({ name }) => chooses(values.against, name) && (workload.against?.includes(name) ?? true),
  );
  const measures = new Map<string, Measure[]>(chosen.map(({ name }) => [name, []]));
  for (let round = 1; round <= (workload.once ? 1 : Number(values.rounds)); round += 1) {
    for (const contender of chosen) {
      const measure = await workload.run(contender, place);
      measures.get(contender.name)!.push(measure);
      log(`${workload.name} round ${round}: ${contender.name} ${measure.rate.toFixed(2)} ${workload.unit}`);
    }
  }
  return [...measures].map(([name, rounds]) => toRow(workload, name, rounds));
}
