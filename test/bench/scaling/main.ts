/**
 * npm run bench -- scaling [--processes 1,2 --with "WORD …" (see variant.ts) --rounds N --seconds N --clients 8,64 --sessions 200 --json FILE]
 * Gateways of one and of several processes, alternating: rate, CPU of a transaction, and how evenly long sessions are served.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pgbench } from '../clients.ts';
import { alone, compare } from '../compare.ts';
import type { Contender } from '../contender.ts';
import { type Row, render } from '../report.ts';
import { resultsText, thisMachine } from '../results.ts';
import { type Stage, setStage } from '../stage.ts';
import { fillTables } from '../tables.ts';
import { parseVariant } from '../variant.ts';
import { steady } from '../workloads.ts';
import { type Fairness, fairness, fairnessText, transactionsBySession } from './fairness.ts';

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    processes: { type: 'string', default: '1,2' },
    with: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '20' },
    clients: { type: 'string', default: '8,64' },
    sessions: { type: 'string', default: '200' },
    json: { type: 'string', default: 'bench-scaling.json' },
  },
});
const log = (line: string): void =>
  void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);

const [seconds, sessions] = [Number(values.seconds), Number(values.sessions)];
const variants = values.processes
  .split(',')
  .map((count) => parseVariant(`processes-${count}=arg:--processes=${count} ${values.with}`));
const names = ['pgbouncer-tls', ...variants.map(({ name }) => name)];
const stage = await setStage(log, {
  competes: (name) => names.includes(name),
  variants,
  events: false,
  commits: false,
});
try {
  rmSync((await fillTables(stage, 0.001)).path);
  const rows = await compare({
    stage,
    workloads: loads(),
    rounds: Number(values.rounds),
    log,
    soFar: () => undefined,
  });
  const fair = await fairnessOfAll(stage);
  write(rows, fair);
} finally {
  await stage.stop();
}

function loads() {
  return values.clients
    .split(',')
    .map((count) => steady(`-S prepared c${count}`, ['-S', '-M', 'prepared'], Number(count), seconds));
}

async function fairnessOfAll({ ...place }: Stage): Promise<Record<string, Fairness>> {
  const found: Record<string, Fairness> = {};
  for (const contender of place.contenders) {
    found[contender.name] = await alone(contender, place, () => longSessions(contender, place.database));
    log(fairnessText(contender.name, found[contender.name]!));
  }
  return found;
}

/** Looks at the sockets while all are connected. Throws when that took all the time there was. */
async function longSessions(contender: Contender, database: string): Promise<Fairness> {
  const folder = mkdtempSync(join(tmpdir(), 'custody-bench-fair-'));
  const load = ['-S', '-n', '-M', 'prepared', '-c', String(sessions), '-j', '2', '-T', String(seconds)];
  const looks: string[] = [];
  await pgbench([...load, '-l', `--log-prefix=${join(folder, 'log')}`, database], contender, (line) => {
    if (line.startsWith('progress')) looks.push(socketsOf(contender));
  });
  const lines = readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
  rmSync(folder, { recursive: true });
  const last = looks.findLast((look) => look.trimEnd().split('\n').length === sessions);
  if (last === undefined) throw new Error(`${sessions} sessions do not open in ${seconds} s`);
  return fairness(last, transactionsBySession(lines, sessions));
}

function socketsOf({ port }: Contender): string {
  const args = ['-HtnpiO', 'state', 'established', 'sport', '=', `:${port}`];
  return execFileSync('ss', args, { encoding: 'utf8' });
}

function write(rows: readonly Row[], fair: Readonly<Record<string, Fairness>>): void {
  const run = { rounds: values.rounds, seconds, sessions, fairness: fair };
  writeFileSync(values.json, resultsText({ machine: thisMachine(), run, rows, goals: [] }));
  const lines = Object.entries(fair).map(([name, one]) => fairnessText(name, one));
  process.stdout.write(`${render(rows, [])}\n${lines.join('\n')}\n`);
}
