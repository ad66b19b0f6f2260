/** Applications as people have them, recorded through the gateway of `npm start`, and run again: npm run test:rerun. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RerunReport, rerunReportSchema } from '#core/replay/rerun/report.ts';
import { startCustody } from '#test/cli/support.ts';
import { reconfigure } from '#test/support/access-story.ts';
import { eventually, libpqEnvironment, startClient } from '#test/support/clients.ts';
import { type DebianPostgres, startDebianPostgres } from '#test/support/debian-postgres.ts';
import { freePortBase, type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { sessions } from '#test/support/recorded.ts';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../..');
const tool = (name: string): string => execFileSync(join(ROOT, '.ci', name), { encoding: 'utf8' }).trim();
let local: LocalGateway;
let real: DebianPostgres;
let home: string;
const seen = new Set<string>();
const figures: Record<string, unknown>[] = [];

beforeAll(async () => {
  real = await startDebianPostgres(await freePortBase(), 'scram-sha-256');
  local = await startLocalGateway();
  home = mkdtempSync(join(tmpdir(), 'custody-rerun-'));
  writeFileSync(join(local.dataDir, 'secrets', 'real'), real.password, { mode: 0o600 });
  const target = (name: string, more = ''): string =>
    `  ${name}:\n    protocol: postgres\n    address: 127.0.0.1:${real.port}\n    database: ${name}\n    tls: { mode: disable }\n    credential: { user: app, passwordFile: secrets/real }\n${more}`;
  await reconfigure(local, (text) =>
    text.replace('targets:\n', `targets:\n${target('live')}${target('copy', '    sandbox: true\n')}`).replace(
      /^rules:.*\n/m,
      `rules:
  - { name: reruns, groups: [developers], targets: ['*'], allow: [rerun, replay], sessions: own }
  - { name: copies, groups: [developers], targets: [live, copy], allow: [connect] }
`,
    ),
  );
  await admin('create database live');
});
afterAll(async () => {
  console.table(figures);
  await local?.stop();
  await real?.stop();
  rmSync(home, { recursive: true, force: true });
});

function direct(database: string): NodeJS.ProcessEnv {
  const { password: PGPASSWORD, port } = real;
  return {
    ...process.env,
    PGPASSWORD,
    PGHOST: '127.0.0.1',
    PGPORT: `${port}`,
    PGUSER: 'app',
    PGDATABASE: database,
  };
}

async function admin(sql: string, database = 'postgres'): Promise<void> {
  const args = ['-XAtq', '-v', 'ON_ERROR_STOP=1'];
  const { stderr, code } = await startClient('psql', args, direct(database), sql).done;
  if (code !== 0) throw new Error(stderr);
}

/** The live database anew. */
async function make(): Promise<void> {
  await admin(
    `drop schema public cascade; create schema public;
    create table orders (id serial primary key, who text, amount numeric, made timestamptz default now());
    insert into orders (who, amount) select 'p' || g, g from generate_series(1, 100) g;
    create table loaded (n int primary key, word text);`,
    'live',
  );
}

async function copyIs(more = ''): Promise<void> {
  await admin('drop database if exists copy');
  await admin('create database copy template initial');
  if (more !== '') await admin(more, 'copy');
}

/** As the database is now, which no application is in. */
async function keep(): Promise<void> {
  await admin('drop database if exists initial');
  await admin('create database initial template live');
}

interface Application {
  readonly program: string;
  readonly args: readonly string[];
  readonly input?: string;
  readonly env?: (through: NodeJS.ProcessEnv) => NodeJS.ProcessEnv;
}

/** Gives the sessions that it had. */
async function recorded({ program, args, input, env }: Application): Promise<string[]> {
  for (const { id } of await sessions(local)) seen.add(id);
  const through = libpqEnvironment(local, await local.token('developer'), 'live');
  const { code, stdout, stderr } = await startClient(program, args, env?.(through) ?? through, input).done;
  expect([code, code === 0 ? '' : stderr + stdout]).toEqual([0, '']);
  return eventually('its sessions', async () => {
    const own = (await sessions(local)).filter(({ id }) => !seen.has(id));
    return own.length > 0 && own.every(({ outcome }) => outcome !== undefined)
      ? own.map(({ id }) => id)
      : undefined;
  });
}

async function rerun(
  id: string,
  ...more: string[]
): Promise<RerunReport & { seconds: number; peakMb: number }> {
  const began = performance.now();
  const args = ['rerun', id, '--against', 'copy', '--json', ...more];
  const running = startCustody(args, { env: await local.cliEnvironment('developer', home) });
  let peakMb = 0;
  const watch = setInterval(() => {
    peakMb = Math.max(peakMb, peakOf(running.child.pid!));
  }, 100);
  const ran = await running.ended;
  clearInterval(watch);
  if (!ran.stdout.startsWith('{')) throw new Error(ran.stderr);
  const report = rerunReportSchema.parse(JSON.parse(ran.stdout));
  return { ...report, peakMb, seconds: Math.round(performance.now() - began) / 1000 };
}

function peakOf(pid: number): number {
  try {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024);
  } catch {
    return 0;
  }
}

/** Nothing differs where nothing changed, and what changed is named. */
async function check(name: string, application: Application, change: string): Promise<RerunReport[]> {
  await keep();
  const ids = (await recorded(application)).toReversed();
  await copyIs();
  const same: RerunReport[] = [];
  for (const id of ids) same.push(await rerun(id));
  expect(
    same.flatMap(({ differences }) => differences),
    name,
  ).toEqual([]);
  await copyIs(change);
  const changed: RerunReport[] = [];
  for (const id of ids) changed.push(await rerun(id));
  const differences = changed.flatMap((report) => report.differences);
  const answers = same.reduce((sum, { steps }) => sum + steps, 0);
  const expected = same.reduce((sum, report) => sum + report.expected.length, 0);
  figures.push({
    name,
    sessions: ids.length,
    answers,
    differences: 0,
    expected,
    changed: differences.length,
  });
  return changed;
}

const CHANGE =
  "update orders set amount = amount + 0.5 where id = 15; update orders set who = 'x' where id = 99";

test('JDBC: cursors, batches, statements prepared at the server, generated keys, CopyManager', async () => {
  await make();
  const jars = join(tool('rerun-tools'), 'usr/share/java');
  const classPath = ['postgresql.jar', 'scram-client.jar', 'scram-common.jar']
    .map((jar) => join(jars, jar))
    .join(':');
  const application: Application = {
    program: 'java',
    args: ['-cp', classPath, join(HERE, 'java', 'App.java')],
    env: (through) => ({
      ...through,
      JDBC_URL: `jdbc:postgresql://${through['PGHOST']}:${through['PGPORT']}/live?${new URLSearchParams({
        user: through['PGUSER']!,
        password: through['PGPASSWORD']!,
        sslmode: 'verify-full',
        sslrootcert: through['PGSSLROOTCERT']!,
      }).toString()}`,
    }),
  };
  const [report] = await check('JDBC', application, CHANGE);
  expect(report!.differences).toMatchObject([
    { kind: 'row', column: 'amount', recorded: expect.stringContaining('id=15') },
    { kind: 'row', column: 'who', recorded: expect.stringContaining('p99') },
    { kind: 'row', column: 'amount', recorded: expect.stringContaining('who=p15') },
  ]);
});

test('node-postgres with pg-cursor', async () => {
  await make();
  const env = (through: NodeJS.ProcessEnv) => ({
    ...through,
    NODE_PATH: join(tool('rerun-tools'), 'node_modules'),
  });
  const application = { program: process.execPath, args: [join(HERE, 'app.cjs')], env };
  const [report] = await check('node-postgres', application, CHANGE);
  expect(report!.differences).toMatchObject([
    { kind: 'row', column: 'amount', recorded: expect.stringContaining('id=15') },
    { kind: 'row', column: 'who' },
    { kind: 'row', column: 'amount', recorded: expect.stringContaining('amount=15') },
  ]);
});

test('psycopg: cursors at the server, pipelines, executemany, COPY', async () => {
  await make();
  const application = { program: join(tool('django'), 'python'), args: [join(HERE, 'app.py')] };
  const [report] = await check('psycopg', application, CHANGE);
  expect(report!.differences.map(({ column }) => column)).toEqual(['amount', 'who', 'amount']);
});

test('psql scripts with \\copy', async () => {
  await make();
  const file = join(home, 'words.csv');
  writeFileSync(file, Array.from({ length: 200 }, (_, n) => `${n},word ${n}\n`).join(''));
  const input = `\\copy loaded from '${file}' csv
\\copy (select id, amount from orders order by id) to '${join(home, 'out.csv')}' csv header
\\set FETCH_COUNT 9
select * from orders order by id;
\\d orders
select count(*) as many from loaded \\gset
select :many;
`;
  const [report] = await check(
    'psql',
    { program: 'psql', args: ['-Xq', '-v', 'ON_ERROR_STOP=1'], input },
    CHANGE,
  );
  expect(report!.differences.map(({ kind }) => kind)).toEqual(['copy', 'row', 'row']);
});

test('pg_dump', async () => {
  await make();
  const [report] = await check('pg_dump', { program: 'pg_dump', args: ['-f', '/dev/null'] }, CHANGE);
  expect(report!.differences).toMatchObject([{ kind: 'copy', recorded: expect.stringContaining('15\tp15') }]);
});

test.each(['simple', 'extended', 'prepared'])('pgbench: %s', async (protocol) => {
  await make();
  execFileSync('pgbench', ['-iqn', '-s', '1'], { env: direct('live'), stdio: 'ignore' });
  const application = {
    program: 'pgbench',
    args: ['-n', '-c', '1', '-t', '60', '-M', protocol, '--random-seed=1'],
  };
  const reports = await check(`pgbench ${protocol}`, application, 'update pgbench_accounts set abalance = 1');
  expect(reports.flatMap(({ differences }) => differences).length).toBeGreaterThanOrEqual(60);
});

test('pgbench: a pipeline in a script', async () => {
  await make();
  execFileSync('pgbench', ['-iqn', '-s', '1'], { env: direct('live'), stdio: 'ignore' });
  const script = join(home, 'pipeline.sql');
  writeFileSync(
    script,
    `\\set a random(1, 100)
\\startpipeline
begin;
select amount from orders where id = :a;
update orders set amount = amount + 1 where id = :a;
select amount from orders where id = :a;
end;
\\endpipeline
`,
  );
  const args = ['-n', '-f', script, '-t', '80', '-M', 'extended', '--random-seed=1'];
  const reports = await check(
    'pgbench pipeline',
    { program: 'pgbench', args },
    'update orders set amount = -1 where id > 50',
  );
  expect(reports.flatMap(({ differences }) => differences).length).toBeGreaterThan(40);
});

test.skipIf(process.env['CUSTODY_RERUN_TRANSACTIONS'] === undefined)('pgbench: a long session', async () => {
  await make();
  execFileSync('pgbench', ['-iqn', '-s', '1'], { env: direct('live'), stdio: 'ignore' });
  await keep();
  const transactions = process.env['CUSTODY_RERUN_TRANSACTIONS']!;
  const began = performance.now();
  const ids = await recorded({
    program: 'pgbench',
    args: ['-n', '-c', '1', '-t', transactions, '-M', 'prepared'],
  });
  const recording = Math.round(performance.now() - began) / 1000;
  await copyIs();
  for (const id of ids.toReversed()) {
    const { steps, same, differences, seconds, peakMb } = await rerun(id);
    expect(differences).toEqual([]);
    console.log(JSON.stringify({ id, steps, same, recording, seconds, peakMb }));
  }
});
