/** Apache Airflow as it is: its PostgresHook and SSHHook run the tasks of a workflow. The DAG is that of docs/orchestrators. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RefundsGateway } from './refunds-gateway.ts';

const AIRFLOW = process.env['CUSTODY_AIRFLOW'];
const DOCS = fileURLToPath(new URL('../../docs/orchestrators/airflow', import.meta.url));
const DAGS = fileURLToPath(new URL('dags', import.meta.url));
const run = promisify(execFile);

if (!AIRFLOW && process.env['CUSTODY_REQUIRE_CLIENTS'])
  throw new Error('no Airflow: CUSTODY_AIRFLOW=$(.ci/airflow)');

describe.runIf(AIRFLOW)('a DAG of Airflow', () => {
  let gateway: RefundsGateway;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    gateway = await RefundsGateway.start();
    const home = join(gateway.local.dataDir, 'airflow');
    for (const folder of [DOCS, DAGS]) cpSync(folder, join(home, 'dags'), { recursive: true });
    env = { PATH: process.env['PATH'], HOME: home, ...(await settings(gateway, home)) };
    await airflow('db', 'migrate');
  });
  afterAll(() => gateway?.stop());

  interface Ran {
    readonly code: number;
    /** Its log, and what the commands said. */
    readonly said: string;
  }
  const airflow = (...args: string[]): Promise<Ran> =>
    run(join(AIRFLOW!, 'airflow'), args, { env, maxBuffer: 64 << 20 }).then(
      ({ stdout, stderr }) => ({ code: 0, said: stdout + stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        code: error.code,
        said: error.stdout + error.stderr,
      }),
    );
  const test = (dag: string): Promise<Ran> =>
    airflow('dags', 'test', dag, '-f', join(env['AIRFLOW_HOME']!, 'dags', `${dag}.py`));

  it('runs a workflow to its end, with values that go by XCom, under its own trace', async () => {
    const { code, said } = await test('refunds');
    expect(said).toMatch(/refunded \d+\.\d\d/);
    expect(code).toBe(0);
    const done = await gateway.latest();
    expect(done).toMatchObject({
      state: 'done',
      startedBy: { subject: 'repo:acme/shop:ref:refs/heads/main' },
    });
    expect(done.tasks.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'find kept',
      'refund kept',
      'report kept',
      'announce kept',
    ]);
    const dagRun = /run_id=(manual__[^\s,]+)/.exec(said)![1]!;
    const trace = createHash('sha256').update(dagRun).digest('hex');
    expect(done.trace).toBe(`00-${trace.slice(0, 32)}-${trace.slice(32, 48)}-01`);
    const verified = await gateway.verify(done.id);
    expect([verified.code, verified.stdout]).toEqual([0, verified.stdout]);
  });

  it('fails the task that leaves its contract, with our words in its log', async () => {
    const { code, said } = await test('careless');
    expect(code).not.toBe(0);
    expect(said).toContain('the contract has for pay-back.$2 a value from find.orders.amount');
    const { state, tasks } = await gateway.latest();
    expect([state, tasks[1]]).toMatchObject([
      'running',
      { name: 'refund', state: 'ready', executions: [], stopped: [{ kind: 'origin', how: 'stopped' }] },
    ]);
  });
});

/** As an operator sets them: no password, as each task brings the token of the moment. */
async function settings(gateway: RefundsGateway, home: string): Promise<Record<string, string>> {
  const { api, postgres, ssh, ca } = gateway.local.addresses;
  const orders = {
    conn_type: 'postgres',
    ...{ host: postgres.host, port: postgres.port, login: 'airflow', schema: 'orders-prod' },
    extra: { sslmode: 'verify-full', sslrootcert: ca },
  };
  const web = {
    conn_type: 'ssh',
    ...{ host: ssh.host, port: ssh.port, login: 'web-1' },
    extra: { host_key: await gateway.hostKey(), look_for_keys: false },
  };
  return {
    AIRFLOW_HOME: home,
    AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
    AIRFLOW_CONN_CUSTODY: JSON.stringify({ conn_type: 'http', host: api }),
    AIRFLOW_CONN_CUSTODY_ORDERS: JSON.stringify(orders),
    AIRFLOW_CONN_CUSTODY_WEB: JSON.stringify(web),
    CUSTODY_TOKEN_FILE: gateway.tokenFile,
    PYTHONPATH: join(home, 'dags'),
  };
}
