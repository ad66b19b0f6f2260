import { verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { build, bundles } from '#cdk/bundle.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import type { RunVerifyReport } from '#core/tasks/verify/verify-run.ts';
import { custody, type Ran, temporary } from '#test/cli/support.ts';
import { contextFor } from '#test/support/api-gateway.ts';
import { eventually, hasClient, startClient } from '#test/support/clients.ts';
import { type Cloud, type CloudTask, startCloud } from '#test/support/cloud.ts';
import { hasDebianPostgres } from '#test/support/debian-postgres.ts';
import { hasMoto } from '#test/support/moto.ts';
import { untilJournaled } from '#test/support/recorded.ts';

interface Settler {
  readonly handler: (event: object, context: Context) => Promise<void>;
}

interface SeenRun {
  readonly id: string;
  readonly state: string;
  readonly workflowDigest: string;
  readonly tasks: readonly {
    readonly name: string;
    readonly state: string;
    readonly executions: readonly { readonly session: string; readonly verdict?: string }[];
  }[];
}

const FIND = 'SELECT id, amount FROM orders WHERE paid_twice ORDER BY id';
const COUNT = 'SELECT count(*) FROM orders WHERE refunded';
const pay = (id: number): string => `UPDATE orders SET refunded = true WHERE id = ${id}`;

const WORKFLOWS = `workflows:
  refunds:
    tasks:
      find:
        target: orders-db
        by: { groups: [developers] }
        contract:
          does: [{ name: list, statement: '${FIND}', answers: { rows: { max: 100 } } }]
          outputs: { returned: { of: list, columns: [id] } }
      refund:
        target: orders-prod
        by: { groups: [developers] }
        after: [find]
        contract:
          does:
            - name: pay
              statement: UPDATE orders SET refunded = true WHERE id = $1
              values: { $1: { type: integer, from: find.returned.id } }
              times: { min: 1, max: 10 }
      report:
        target: orders-db
        by: { groups: [developers] }
        after: [refund]
        contract: { does: [{ name: sum, statement: '${COUNT}' }] }
`;
/** Nobody reaches orders-prod but as that step. */
const RULE = `  - { name: refund-step, groups: [developers], targets: [orders-prod], allow: [connect], when: { task: refunds/refund } }
`;

/** On moto, whose S3 has the If-Match of the ledger; roles are not asked here (test/cdk/least-privilege.test.ts). */
describe.runIf(hasMoto() && hasDebianPostgres() && hasClient('psql'))('a workflow on AWS adapters', () => {
  let cloud: Cloud;
  let one: CloudTask;
  let other: CloudTask;
  let dist: string;
  let settler: Settler['handler'];
  beforeAll(async () => {
    cloud = await startCloud();
    await cloud.configure((await cloud.config()).replace(/^rules:\n/m, `${WORKFLOWS}rules:\n${RULE}`));
    dist = mkdtempSync(join(tmpdir(), 'custody-dist-'));
    const wanted = bundles.filter(({ output }) => /^proxy|settler/.test(output));
    await build(wanted, dist);
    ({ handler: settler } = (await import(join(dist, 'lambdas', 'settler', 'index.mjs'))) as Settler);
    one = await cloud.task();
    // What the image holds, and what Lambda runs: the parser of SQL is beside them.
    other = await cloud.task(undefined, join(dist, 'proxy', 'main.mjs'));
    const { port, password } = cloud.database;
    const admin = new pg.Client({ host: '127.0.0.1', port, database: 'postgres', user: 'app', password });
    await admin.connect();
    await admin.query(`CREATE TABLE orders (id int PRIMARY KEY, amount int, paid_twice bool, refunded bool);
      INSERT INTO orders SELECT n, 10 * n, n % 3 = 0, false FROM generate_series(1, 20) n`);
    await admin.end();
  });
  afterAll(async () => {
    await cloud?.stop();
    rmSync(dist, { recursive: true, force: true });
  });

  const start = async (): Promise<string> =>
    (await cloud.call<SeenRun>('developer', 'POST', '/v1/runs', { workflow: 'refunds', inputs: {} })).id;

  const seen = (run: string): Promise<SeenRun> => cloud.call('developer', 'GET', `/v1/runs/${run}`);

  const taskOf = async (run: string, name: string) =>
    (await seen(run)).tasks.find((task) => task.name === name)!;

  const clientOf = (run: string, task: string): string => `-c custody.run=${run} -c custody.task=${task}`;

  async function psql(at: CloudTask, database: string, run: string, task: string, sql: string): Promise<Ran> {
    const env = {
      PGHOST: 'localhost',
      PGPORT: String(at.port),
      PGDATABASE: database,
      PGUSER: 'dana',
      PGPASSWORD: await cloud.token('developer'),
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: cloud.ca,
      PGOPTIONS: clientOf(run, task),
    };
    const { code, stdout, stderr } = await startClient('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1'], env, sql)
      .done;
    return { code: code!, stdout, stderr };
  }

  /** What S3 tells the settler when a session's last object was put, once it was. */
  async function settled(run: string, name: string): Promise<string> {
    const { executions } = await taskOf(run, name);
    const { session } = executions.at(-1)!;
    const key = `sessions/${session}/close.json.sig`;
    await eventually('the session to be sealed', async () =>
      (await cloud.store.list(`sessions/${session}/`)).includes('close.json.sig') ? true : undefined,
    );
    const event = {
      'detail-type': 'Object Created',
      source: 'aws.s3',
      detail: { bucket: { name: cloud.bucket }, object: { key } },
    };
    await settler(event, contextFor());
    return (await taskOf(run, name)).state;
  }

  let whole: string;

  it('is run through two tasks of the proxy, and settled as S3 tells of each session', async () => {
    whole = await start();
    const found = await psql(one, 'orders-db', whole, 'find', FIND);
    expect([found.stderr, found.stdout.split('\n')[0]]).toEqual(['', '3|30']);
    expect(await settled(whole, 'find')).toBe('kept');
    const paid = await psql(other, 'orders-prod', whole, 'refund', [3, 6].map(pay).join(';\n'));
    expect(paid).toMatchObject({ stderr: '', code: 0 });
    expect(await settled(whole, 'refund')).toBe('kept');
    expect((await psql(one, 'orders-db', whole, 'report', COUNT)).stdout).toBe('2\n');
    expect(await settled(whole, 'report')).toBe('kept');
    expect(await seen(whole)).toMatchObject({ state: 'done' });
  });

  it('has its results and its text under lock, beside what they are of', async () => {
    const { tasks, workflowDigest } = await seen(whole);
    const sessions = tasks.flatMap(({ executions }) => executions.map(({ session }) => session));
    const keys = [...sessions.map((id) => `sessions/${id}/task.json`), `workflows/${workflowDigest}.json`];
    const { s3 } = cloud.moto.clients;
    const modes = await Promise.all(
      keys.map(async (Key) => {
        const head = await s3.send(new HeadObjectCommand({ Bucket: cloud.bucket, Key }));
        return head.ObjectLockMode;
      }),
    );
    expect(modes).toEqual(['COMPLIANCE', 'COMPLIANCE', 'COMPLIANCE', 'GOVERNANCE']);
    const texts: string[] = [];
    for await (const { Contents = [] } of paginateListObjectsV2(
      { client: s3 },
      { Bucket: cloud.bucket, Prefix: 'workflows/' },
    ))
      texts.push(...Contents.map(({ Key }) => Key!));
    expect(texts).toHaveLength(1);
  });

  it('is proved by what the command line takes out of the API, offline', async () => {
    // It tells the ledger what the settler entered.
    await cloud.run('notifier', {}, 22_500);
    await cloud.run('sequencer');
    const home = { CUSTODY_API: cloud.api, CUSTODY_HOME: temporary() };
    const env = { ...home, CUSTODY_TOKEN: await cloud.token('auditor') };
    const folder = join(temporary(), 'run');
    const taken = await custody(['run', 'export', whole, '--out', folder], { env });
    expect(taken).toMatchObject({ code: 0 });
    const key = `${folder}.pem`;
    writeFileSync(key, cloud.signer);
    const parts = ['run', 'verify', folder, '--key', key, '--origin', 'ledger.example/custody', '--json'];
    const verified = await custody(parts);
    const report = JSON.parse(verified.stdout) as RunVerifyReport;
    expect(report).toMatchObject({ verdict: 'verified', findings: [], facts: { state: 'done', untold: [] } });
    expect(report.facts!.executions[1]!.lineage).toEqual({ values: 2, found: 2 });
    // Who may not take away the recordings does not get the key either.
    const evidence = cloud.call('developer', 'GET', `/v1/runs/${whole}/evidence`);
    await expect(evidence).rejects.toThrow('403');
  });

  it('of two sessions at once, at two tasks of the proxy, exactly one is the task (security case 13)', async () => {
    const run = await start();
    const both = await Promise.all([one, other].map((at) => psql(at, 'orders-db', run, 'find', FIND)));
    expect(both.filter(({ code }) => code === 0)).toHaveLength(1);
    expect(both.find(({ code }) => code !== 0)!.stderr).toMatch(/the task find ran as often as it may/);
    expect((await taskOf(run, 'find')).executions).toHaveLength(1);
    expect(await settled(run, 'find')).toBe('kept');
    // What the settler keeps of an output is what another proxy compares with.
    const stranger = await psql(other, 'orders-prod', run, 'refund', pay(4));
    expect(stranger.stderr).toContain('a value from find.returned.id');
    expect((await taskOf(run, 'refund')).executions).toEqual([]);
  });

  it('whose gateway was killed is recovered like its session, and settled by the clock', async () => {
    const doomed = await cloud.task();
    const run = await start();
    const client = await doomed.connect('developer', 'orders-db', clientOf(run, 'find'));
    expect((await client.query(FIND)).rowCount).toBe(6);
    const { session } = (await taskOf(run, 'find')).executions[0]!;
    const { sessions } = await cloud.call<{ sessions: SessionRecord[] }>(
      'auditor',
      'GET',
      '/v1/sessions?limit=1',
    );
    const journal = { dynamo: cloud.moto.clients.dynamo, table: cloud.environment['CUSTODY_TABLE_JOURNAL']! };
    await untilJournaled(dynamoJournalRemains(journal, sessions[0]!.task), 'SELECT 6', 'target');
    await doomed.stop('SIGKILL');
    await eventually('the sealer', async () => {
      await cloud.run('sealer');
      return (await cloud.store.list(`sessions/${session}/`)).includes('close.json.sig') ? true : undefined;
    });
    expect((await taskOf(run, 'find')).state).toBe('running');
    await cloud.run('settler');
    expect(await taskOf(run, 'find')).toMatchObject({ state: 'kept', executions: [{ session }] });
  });

  it('has a signer for what is longer than KMS signs itself', async () => {
    const signer = kmsSigner(cloud.moto.clients.kms, cloud.environment['CUSTODY_SIGNING_KEY']!);
    const key = { key: Buffer.from(await signer.publicKey()), format: 'der', type: 'spki' } as const;
    for (const bytes of [4_096, 4_097])
      expect(verify('sha256', Buffer.alloc(bytes), key, await signer.sign(Buffer.alloc(bytes)))).toBe(true);
  });
});
