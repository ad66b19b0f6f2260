/** custody rerun through a gateway of `npm start`: a sandbox that is a database of another name at the same server. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { VerifyReport } from '#core/recording/verify/verify.ts';
import { type RerunReport, rerunReportSchema } from '#core/replay/rerun/report.ts';
import { custody, startCustody } from '#test/cli/support.ts';
import { apiAs, reconfigure } from '#test/support/access-story.ts';
import { eventually, hasClient, libpqEnvironment, psql, startClient } from '#test/support/clients.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase, type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { lastSession, sessions, verify } from '#test/support/recorded.ts';

let local: LocalGateway;
let real: DebianPostgres;
let home: string;
const seen = new Set<string>();

beforeAll(async () => {
  real = await startDebianPostgres(await freePortBase(), 'scram-sha-256');
  local = await startLocalGateway();
  home = mkdtempSync(join(tmpdir(), 'custody-rerun-'));
  writeFileSync(join(local.dataDir, 'secrets', 'real'), real.password, { mode: 0o600 });
  const target = (name: string, database: string, more = ''): string =>
    `  ${name}:\n    protocol: postgres\n    address: 127.0.0.1:${real.port}\n    database: ${database}\n    tls: { mode: disable }\n    credential: { user: app, passwordFile: secrets/real }\n${more}`;
  await admin('create database live');
  await make();
  await reconfigure(local, (text) => {
    const web = /^  web-1:[^]*?(?=^rules:)/m.exec(text)?.[0] ?? '';
    const orders = /^  orders-prod:[^]*?(?=^  \S)/m.exec(text)![0];
    const copies = [
      web.replace('web-1:', 'web-copy:').replace('protocol: ssh', 'protocol: ssh\n    sandbox: true'),
      orders
        .replace('orders-prod:', 'orders-copy:')
        .replace('protocol: postgres', 'protocol: postgres\n    sandbox: true'),
      target('live', 'live'),
      target('copy', 'copy', '    sandbox: true\n'),
    ].join('');
    const rules = `rules:
  - { name: reruns, groups: [developers], targets: ['*'], allow: [rerun, replay], sessions: own }
  - { name: copies, groups: [developers], targets: [live, copy, web-copy, orders-copy], allow: [connect] }
`;
    return text.replace('targets:\n', `targets:\n${copies}`).replace(/^rules:.*\n/m, rules);
  });
}, 90_000);
afterAll(async () => {
  await local?.stop();
  await real?.stop();
  rmSync(home, { recursive: true, force: true });
});

async function admin(sql: string, database = 'postgres'): Promise<string> {
  const env = {
    ...process.env,
    PGPASSWORD: real.password,
    PGHOST: '127.0.0.1',
    PGPORT: String(real.port),
    PGUSER: 'app',
  };
  const { stdout, stderr, code } = await startClient(
    'psql',
    ['-XAtq', '-d', database, '-v', 'ON_ERROR_STOP=1'],
    env,
    sql,
  ).done;
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Both databases anew, and equal; then `more` in the copy. */
async function make(more = ''): Promise<void> {
  const schema = `drop schema public cascade; create schema public;
    create table orders (id serial primary key, who text, amount numeric, made timestamptz default now());
    insert into orders (who, amount) select 'p' || g, g from generate_series(1, 100) g;
    create table loaded (n int primary key, word text);`;
  await admin(schema, 'live');
  await admin('drop database if exists copy');
  await admin('create database copy template live');
  if (more !== '') await admin(more, 'copy');
}

async function recorded(sql: string, args: readonly string[] = ['-v', 'ON_ERROR_STOP=0']): Promise<string> {
  await psql(local, sql, { database: 'live', args });
  return last();
}

async function last(): Promise<string> {
  const { id } = await lastSession(local, seen);
  seen.add(id);
  return id;
}

/** Of a session that may be about to end: its client is told before its last statement is stored. */
async function verifiedEnd(id: string): Promise<VerifyReport> {
  await eventually('the session to end', async () =>
    (await sessions(local)).find((one) => one.id === id && one.outcome !== undefined),
  );
  return verify(local, id);
}

async function env(): Promise<Record<string, string>> {
  return local.cliEnvironment('developer', home);
}

async function rerun(id: string, ...args: string[]): Promise<RerunReport & { code: number }> {
  const ran = await custody(['rerun', id, '--against', 'copy', '--json', ...args], { env: await env() });
  if (!ran.stdout.startsWith('{')) throw new Error(ran.stderr);
  const report = rerunReportSchema.parse(JSON.parse(ran.stdout));
  if (report.rerun !== undefined) seen.add(report.rerun);
  return { ...report, code: ran.code };
}

const FIND = `SELECT order_id, max(amount) AS amount FROM payments
  WHERE order_id NOT IN (SELECT order_id FROM refunds)
  GROUP BY order_id HAVING count(*) > 1 ORDER BY order_id LIMIT 3`;
const JOB = `begin;
  insert into orders (who, amount) values ('new', 7) returning id;
  select who, amount from orders where amount > 97 order by amount;
  insert into loaded values (1, 'a'), (1, 'b');
  rollback;`;

describe.skipIf(!hasClient('psql') || !hasDebianPostgres())('custody rerun', () => {
  it('a failing job of five statements fails the same way, as a recorded session of its own', async () => {
    await make();
    const id = await recorded(JOB);
    const report = await rerun(id);
    expect(report).toMatchObject({ session: id, against: 'copy', differences: [], steps: 6, code: 0 });
    expect((await verifiedEnd(report.rerun!)).facts).toMatchObject({ target: { name: 'copy' } });
    // The sequence went on, which the rollback does not take back.
    const text = await custody(['rerun', id, '--against', 'copy', '--ignore', 'sequence'], {
      env: await env(),
    });
    expect(text.stdout).toContain('0 different');
    await last();
  });

  it('with changed data each difference is named, and the exit code is 1', async () => {
    await make();
    const id = await recorded(JOB);
    await admin(
      "update orders set who = 'mallory' where id = 98; insert into loaded values (2, 'x')",
      'copy',
    );
    const report = await rerun(id);
    expect(report.code).toBe(1);
    expect(report.differences).toMatchObject([
      { step: 4, kind: 'row', row: 1, column: 'who', recorded: 'who=p98, amount=98' },
    ]);
  });

  it('nothing goes to a target that is no sandbox, and nobody overrides it', async () => {
    const id = await recorded('select 1');
    const refused = await custody(['rerun', id, '--against', 'live'], { env: await env() });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('no sandbox');
    const token = await local.token('developer');
    const own = { ...libpqEnvironment(local, token, 'live'), PGOPTIONS: `-c custody.rerun=${id}` };
    const { code, stderr } = await startClient('psql', ['-XAtc', 'select 1'], own).done;
    expect([code, stderr]).toEqual([2, expect.stringContaining('live is no sandbox')]);
    const other = await local.cliEnvironment('reviewer', home);
    expect((await custody(['rerun', id, '--against', 'copy'], { env: other })).stderr).toContain(
      'you may not rerun this session',
    );
  });

  it('a COPY load, psql with cursors, statements that were cancelled, LISTEN, another encoding', async () => {
    await make();
    const lines = Array.from({ length: 500 }, (_, n) => `${n}\tword ${n}`).join('\n');
    const id = await recorded(
      `copy loaded from stdin;\n${lines}\n\\.\n\\set FETCH_COUNT 7\nselect * from loaded order by n;\n\\unset FETCH_COUNT\n` +
        `listen a; notify a, 'x'; set statement_timeout = 50; select pg_sleep(10); reset statement_timeout;\n` +
        `set client_encoding to latin1; select 'caf\\351', E'\\\\351'; copy loaded to stdout;`,
    );
    expect(await rerun(id)).toMatchObject({ differences: [], code: 0 });
  });

  it('a statement that its client cancelled', async () => {
    await make();
    const token = await local.token('developer');
    const client = startClient(
      'psql',
      ['-X', '-c', 'select 1', '-c', 'select pg_sleep(30)'],
      libpqEnvironment(local, token, 'live'),
    );
    await eventually('the sleep', async () =>
      (await admin("select 1 from pg_stat_activity where query like 'select pg_sleep(30)'")) === ''
        ? undefined
        : true,
    );
    client.child.kill('SIGINT');
    await client.done;
    const report = await rerun(await last());
    expect(report).toMatchObject({ differences: [], code: 0 });
  });

  it.skipIf(!hasClient('pgbench'))(
    'pgbench in its three protocols',
    async () => {
      await admin('drop schema public cascade; create schema public', 'live');
      execFileSync('pgbench', ['-iq', '-I', 'dtGp', '-s', '1'], {
        env: {
          ...process.env,
          PGPASSWORD: real.password,
          PGHOST: '127.0.0.1',
          PGPORT: String(real.port),
          PGUSER: 'app',
          PGDATABASE: 'live',
        },
        stdio: 'ignore',
      });
      for (const protocol of ['simple', 'extended', 'prepared']) {
        await admin('drop database if exists copy');
        await admin('create database copy template live');
        const own = { ...libpqEnvironment(local, await local.token('developer'), 'live') };
        await startClient('pgbench', ['-n', '-c', '1', '-t', '20', '-M', protocol], own).done;
        // One connection asks what there is, the other works.
        const id = await last();
        const report = await rerun(id);
        expect(report, protocol).toMatchObject({ differences: [], code: 0 });
        expect(report.steps).toBeGreaterThan(120);
      }
    },
    60_000,
  );

  it('until a step: psql goes on with that very connection', async () => {
    await make();
    const id = await recorded(`prepare p as select 5; create temp table t as select 1 as n; ${JOB}`);
    const running = startCustody(['rerun', id, '--against', 'copy', '--until', '5'], { env: await env() });
    const folder = await eventually('the address', () => /-h (\S+)/.exec(running.output.stderr)?.[1]);
    const sql =
      'select count(*) from orders; execute p; select n from t; select pg_sleep(0); rollback; select count(*) from orders;';
    const own = { ...process.env, PGSSLMODE: undefined } as NodeJS.ProcessEnv;
    const { stdout, stderr } = await startClient('psql', ['-XAtq', '-h', folder, '-d', 'x'], own, sql).done;
    expect([stdout, stderr]).toEqual(['101\n5\n1\n\n100\n', '']);
    expect((await running.ended).code).toBe(0);
    await last();
  });

  it('evidence that fails is not run again', async () => {
    const id = await recorded('select 1');
    const folder = join(home, 'evidence');
    const out = await custody(['pull', id, '--out', folder], {
      env: await local.cliEnvironment('auditor', home),
    });
    expect(out.code, out.stderr).toBe(0);
    const file = join(folder, '00000000.seg');
    const bytes = readFileSync(file);
    bytes[20]! ^= 1;
    rmSync(file, { force: true });
    writeFileSync(file, bytes);
    const ran = await custody(['rerun', folder, '--against', 'copy'], { env: await env() });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('FAILS verification');
  });

  it('an evidence folder, with the recorded pauses twice as fast', async () => {
    await make();
    const id = await recorded('select count(*) from orders;\n\\! sleep 1\nselect max(id) from orders;');
    const folder = join(home, 'whole');
    const pulled = await custody(['pull', id, '--out', folder], {
      env: await local.cliEnvironment('auditor', home),
    });
    expect(pulled.code, pulled.stderr).toBe(0);
    const ran = await custody(['rerun', folder, '--against', 'copy', '--gaps', '2', '--json'], {
      env: await env(),
    });
    const report = rerunReportSchema.parse(JSON.parse(ran.stdout));
    seen.add(report.rerun!);
    expect(report).toMatchObject({ session: id, differences: [], steps: 3 });
    const { startedAt, endedAt } = (await verifiedEnd(report.rerun!)).facts!;
    expect(Date.parse(endedAt!) - Date.parse(startedAt)).toBeGreaterThanOrEqual(500);
  });

  it('the sessions of a run go together', async () => {
    const run = (await apiAs(local, 'developer').post<{ id: string }>('/v1/runs', { workflow: 'refunds' }))
      .id;
    const own = libpqEnvironment(local, await local.token('developer'), 'orders-prod');
    const PGOPTIONS = `-c custody.run=${run} -c custody.task=find`;
    await startClient('psql', ['-XAtq'], { ...own, PGOPTIONS }, FIND).done;
    await last();
    const args = ['rerun', '--run', run, '--against', 'orders-prod=orders-copy', '--json'];
    const ran = await custody(args, { env: await env() });
    expect(ran.stderr).toBe('');
    const { sessions: reports, ...found } = JSON.parse(ran.stdout) as { sessions: RerunReport[] };
    expect([found, ran.code]).toEqual([{ run, same: true }, 0]);
    expect(reports).toMatchObject([{ differences: [], steps: 2, against: 'orders-copy' }]);
    seen.add(reports[0]!.rerun!);
  });

  it.skipIf(!hasClient('ssh'))('SSH: a command with what it was given, and what differs by now', async () => {
    // The target's user is another.
    const file = `${home}-told`;
    onTestFinished(() => rmSync(file, { force: true }));
    writeFileSync(file, 'one\n');
    const work = { ...(await env()), HOME: home };
    const command = `cat; cat ${file}; echo oops >&2; exit 3`;
    const ran = await custody(['connect', 'web-1', '--', 'ssh', '-T', 'web-1', command], {
      env: work,
      input: 'some input\n',
    });
    expect([ran.stdout, ran.code]).toEqual(['some input\none\n', 3]);
    const id = await last();
    const again = async (): Promise<RerunReport> => {
      const rerun = await custody(['rerun', id, '--against', 'web-copy', '--json'], { env: work });
      if (rerun.stdout === '') throw new Error(rerun.stderr);
      const report = rerunReportSchema.parse(JSON.parse(rerun.stdout));
      if (report.rerun !== undefined) seen.add(report.rerun);
      return report;
    };
    // Another session to the same target that begins later is not taken for it.
    const [report] = await Promise.all([
      again(),
      custody(['connect', 'web-copy', '--', 'ssh', '-T', 'web-copy', 'sleep 1'], { env: work }),
    ]);
    expect(report).toMatchObject({ differences: [], steps: 1 });
    const { facts } = await verifiedEnd(report.rerun!);
    expect(facts).toMatchObject({ target: { name: 'web-copy' } });
    expect((await custody(['play', report.rerun!], { env: work })).stdout).toContain(`,rerun=${id}`);
    writeFileSync(file, 'two\n');
    expect((await again()).differences).toMatchObject([
      {
        kind: 'output',
        column: 'stdout',
        row: 2,
        recorded: expect.stringContaining('one'),
        rerun: expect.stringContaining('two'),
      },
    ]);
    const elsewhere = await custody(
      ['connect', 'web-1', '--', 'ssh', '-T', '-o', `User=web-1,rerun=${id}`, 'web-1', 'true'],
      { env: work },
    );
    expect([elsewhere.code, elsewhere.stderr]).toEqual([255, expect.stringContaining('web-1 is no sandbox')]);
  });

  it('a sandbox that is made for it, as the data is now, and as it was before the session', async () => {
    await psql(local, 'select id, name from customers order by id limit 5; select count(*) from refunds;');
    const id = await last();
    const against = async (...args: string[]): Promise<RerunReport> => {
      const ran = await custody(['rerun', id, '--against', 'sandbox-db', '--json', ...args], {
        env: await env(),
      });
      if (ran.stdout === '') throw new Error(ran.stderr);
      const report = rerunReportSchema.parse(JSON.parse(ran.stdout));
      seen.add(report.rerun!);
      return report;
    };
    expect(await against()).toMatchObject({ differences: [], sandbox: expect.any(String) });
    await psql(local, "update customers set name = 'Somebody else' where id = 2");
    await last();
    expect((await against()).differences).toMatchObject([
      { step: 2, kind: 'row', row: 2, column: 'name', rerun: 'id=2, name=Somebody else' },
    ]);
    const kept = await against('--at', 'session', '--keep');
    expect(kept.differences).toEqual([]);
    // It is there still, and another rerun takes it.
    expect(await against('--sandbox', kept.sandbox!)).toMatchObject({
      differences: [],
      sandbox: kept.sandbox,
    });
  }, 180_000);
});
