/**
 * npm run bench -- durable [--rounds N --seconds N --clients 1,8,64]: what it costs PostgreSQL itself, on this disk, that clients wait until
 * what they said is durable. A transaction that writes one record of the log and no table, with `synchronous_commit` and without:
 * PostgreSQL's group commit beside our write-ahead mode beside our windowed one.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { alone } from '../compare.ts';
import type { Contender } from '../contender.ts';
import { DATABASE, Ground } from '../ground.ts';
import type { Measure } from '../measure.ts';
import { render, type Row, toRow } from '../report.ts';
import { rotated } from '../rotation.ts';
import { startServer } from '../server.ts';
import type { Stage } from '../stage.ts';
import { steady } from '../workloads.ts';

/** As long as a small request. */
const STATEMENT = `select pg_logical_emit_message(true, 'bench', repeat('x', 60));\n`;

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    clients: { type: 'string', default: '1,8,64' },
  },
});

const ground = new Ground();
try {
  const port = await startServer(ground, { fsync: 'on' });
  const script = join(ground.root, 'commit.sql');
  writeFileSync(script, STATEMENT);
  const [waits, goesOn] = ['on', 'off'].map((setting) => committing(port, setting));
  const stop = (): Promise<void> => ground.end();
  const stage: Stage = { direct: waits!, contenders: [waits!, goesOn!], database: DATABASE, stop };
  const rows: Row[] = [];
  for (const clients of values.clients.split(',').map(Number))
    rows.push(...(await compared(stage, script, clients)));
  process.stdout.write(`${render(rows, [])}\n${ratios(rows)}`);
} finally {
  await ground.end();
}

function committing(port: number, setting: string): Contender {
  return {
    name: `synchronous_commit=${setting}`,
    port,
    sslmode: 'require',
    password: 'unused',
    processes: () => [],
    options: () => Promise.resolve(`-c synchronous_commit=${setting}`),
  };
}

async function compared(stage: Stage, script: string, clients: number): Promise<Row[]> {
  const workload = steady(
    `commit c${clients}`,
    ['-M', 'prepared', '-f', script],
    clients,
    Number(values.seconds),
  );
  const measures = new Map<Contender, Measure[]>(stage.contenders.map((contender) => [contender, []]));
  for (let round = 0; round < Number(values.rounds); round += 1)
    for (const contender of rotated(stage.contenders, round)) {
      const measure = await alone(contender, stage, () => workload.run(contender, stage));
      measures.get(contender)!.push(measure);
    }
  return [...measures].map(([{ name }, rounds]) => toRow(workload, name, rounds));
}

function ratios(rows: readonly Row[]): string {
  return [...Map.groupBy(rows, ({ workload }) => workload)]
    .map(([workload, [waits, goesOn]]) => {
      const ratio = waits!.median.rate / goesOn!.median.rate;
      return `${workload}: durable / not ${ratio.toFixed(3)}\n`;
    })
    .join('');
}
