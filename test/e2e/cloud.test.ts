import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import pg from 'pg';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { build, bundles } from '#cdk/bundle.ts';
import { encodeCancelRequest } from '#core/protocols/postgres/startup.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import type { Status } from '#lambdas/status/shapes.ts';
import { eventually, hasClient, type Ran, startClient } from '#test/support/clients.ts';
import { type Cloud, type CloudTask, startCloud } from '#test/support/cloud.ts';
import { hasDebianPostgres } from '#test/support/debian-postgres.ts';
import { hasMoto, REGION } from '#test/support/moto.ts';
import { hasRadosgw, type Radosgw, startRadosgw } from '#test/support/radosgw.ts';
import { rawPlain } from '#test/support/raw-client.ts';
import { startReceiver } from '#test/support/receiver.ts';
import { bytesOf, untilJournaled } from '#test/support/recorded.ts';

const isHere = hasMoto() && hasClient('psql') && hasRadosgw() && hasDebianPostgres();

describe.runIf(isHere)('the proxy and the functions on AWS adapters', () => {
  let radosgw: Radosgw;
  let cloud: Cloud;
  let task: CloudTask;
  beforeAll(async () => {
    radosgw = await startRadosgw();
    cloud = await startCloud(radosgw);
    task = await cloud.task();
  });
  afterAll(async () => {
    await cloud?.stop();
    await radosgw?.stop();
  });

  const newest = async (): Promise<SessionRecord> =>
    (await cloud.call<{ sessions: SessionRecord[] }>('auditor', 'GET', '/v1/sessions?limit=1')).sessions[0]!;

  const ended = (wanted: Partial<SessionRecord>): Promise<SessionRecord> =>
    eventually('a session to end', async () => {
      const session = await newest();
      return session.state !== 'open' && session.target === (wanted.target ?? 'orders-db')
        ? session
        : undefined;
    });

  /** psql as the developer, unchanged. */
  async function psql(database: string, sql: string): Promise<Ran> {
    const env = {
      PGHOST: 'localhost',
      PGPORT: String(task.port),
      PGDATABASE: database,
      PGUSER: 'dana',
      PGPASSWORD: await cloud.token('developer'),
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: cloud.ca,
    };
    return startClient('psql', ['-XAtc', sql], env).done;
  }

  /** Asks for orders-prod and has it approved by both reviewers. */
  async function granted(): Promise<string> {
    const asked = { target: 'orders-prod', reason: 'an order is stuck' };
    const { id } = await cloud.call<{ id: string }>('developer', 'POST', '/v1/requests', asked);
    for (const reviewer of ['reviewer', 'reviewer-2'] as const) {
      await cloud.call(reviewer, 'POST', `/v1/requests/${id}/decisions`, { decision: 'approved' });
    }
    return id;
  }

  /** At the database itself, past the gateway. */
  async function administrator(): Promise<pg.Client> {
    const { port, password } = cloud.database;
    const admin = new pg.Client({ host: '127.0.0.1', port, database: 'postgres', user: 'app', password });
    await admin.connect();
    return admin;
  }

  const gone = (client: pg.Client): Promise<string> =>
    new Promise((done) => client.once('error', ({ message }: Error) => done(message)));

  it('psql works, and what it did is recorded, listed, locked, and verifies', async () => {
    const { stdout, code } = await psql('orders-db', 'select 6 * 7');
    expect([stdout, code]).toEqual(['42\n', 0]);
    const session = await ended({});
    expect(session).toMatchObject({ target: 'orders-db', outcome: { reason: 'client-closed' } });
    expect(await cloud.verify(session.id)).toMatchObject({ verdict: 'verified', findings: [] });
    expect(String(bytesOf(await cloud.frames(session.id), 'client'))).toContain('select 6 * 7');
    const open = JSON.parse(
      Buffer.from(await cloud.store.get(`sessions/${session.id}/open.json`)).toString(),
    ) as object;
    const until = new Date(Date.parse(session.startedAt) + 30 * 86_400_000).toISOString();
    expect(open).toMatchObject({ retention: { lock: 'compliance', until } });
  });

  it('tells who administers how it is, of its tables alone', async () => {
    expect((await psql('orders-db', 'select 1')).code).toBe(0);
    const status = await eventually('a task to have said how it is', async () => {
      const answer = await cloud.call<Status>('admin', 'GET', '/v1/status');
      return answer.tasks.some(({ alive, version }) => alive && version !== undefined) ? answer : undefined;
    });
    expect(status).toMatchObject({
      unsealed: { count: 0 },
      deadLetters: { count: 0 },
      config: { warnings: [], since: expect.any(String) as string },
    });
    expect(status).not.toHaveProperty('search');
    expect(status.ledger.size + status.ledger.queued).toBeGreaterThan(0);
    await expect(cloud.call('developer', 'GET', '/v1/status')).rejects.toThrow('403');
  });

  it('a recording that is too long for a call is looked into once its index, which is asked for, is there', async () => {
    await psql('orders-db', 'create table taken (n int); insert into taken values (42); select m from taken');
    const { id, outcome } = await ended({});
    const look = async (part: string) => {
      const headers = { authorization: `Bearer ${await cloud.token('auditor')}` };
      return fetch(`${cloud.api}/v1/sessions/${id}/${part}`, { headers });
    };
    expect((await look('summary')).status).toBe(404);
    await cloud.moto.clients.dynamo.send(
      new UpdateCommand({
        TableName: cloud.environment['CUSTODY_TABLE_SESSIONS']!,
        Key: { id },
        UpdateExpression: 'SET outcome = :longer',
        ExpressionAttributeValues: { ':longer': JSON.stringify({ ...outcome, bytes: 1e9 }) },
      }),
    );
    const early = await look('steps');
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '60']);
    expect(await early.json()).toMatchObject({ code: 'not-ready' });
    const [wanted] = await cloud.derived('wanted/');
    expect(wanted?.[0]).toBe(`wanted/${id}`);
    await cloud.index(wanted![0]);
    expect(await (await look('steps?errors=true')).json()).toMatchObject({
      verdict: 'verified',
      total: { errors: 1, writes: 2 },
      steps: [{ number: 4, marks: ['error'], error: { sqlstate: '42703' } }],
    });
    expect(await (await look('summary')).json()).toMatchObject({ summary: { errors: { count: 1 } } });
    expect(await search(id, 'code=42703')).toMatchObject([{ session: id, step: 4 }]);
    expect(await search(id, 'relation=taken:written')).toMatchObject([{ step: 2 }, { step: 3 }]);
  });

  /** The emulator decides nothing: it gives all rows that the indexer put, and the function judges each. */
  async function search(session: string, terms: string): Promise<readonly object[]> {
    const names = ['session', 'step', 'at', 'rules', 'about', 'facts'];
    const lines = [...(await cloud.derived('steps/')).values()].flatMap((packed) =>
      gunzipSync(packed).toString().trim().split('\n'),
    );
    const found = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const rows = [names, ...found.map((row) => names.map((name) => String(row[name])))];
    const results = rows.map((row) => ({ Data: row.map((VarCharValue) => ({ VarCharValue })) }));
    await fetch(`${cloud.moto.endpoint}/moto-api/static/athena/query-results`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ region: REGION, results: [{ rows: results, column_info: [] }] }),
    });
    const path = `/v1/search?session=${session}&${terms}`;
    return (await cloud.call<{ hits: object[] }>('auditor', 'GET', path)).hits;
  }

  it('a session that runs is watched: out of the journal of its task, an answer at a time', async () => {
    const client = await task.connect('developer', 'orders-db');
    onTestFinished(() => void client.end().catch(() => undefined));
    const { id } = await newest();
    let last: string | undefined;
    const answer = async (): Promise<string> => {
      const headers = {
        authorization: `Bearer ${await cloud.token('auditor')}`,
        'last-event-id': last ?? '',
      };
      const body = await (await fetch(`${cloud.api}/v1/sessions/${id}/live`, { headers })).text();
      last = /^id: (\d+)$/m.exec(body.split('\n').toReversed().join('\n'))?.[1] ?? last;
      return body;
    };
    await client.query("select 'first'");
    await eventually('the first', async () => (await answer()).includes('first') || undefined);
    await client.query("select 'second'");
    const seen: string[] = [];
    await eventually('the second', async () => {
      seen.push(await answer());
      return seen.at(-1)!.includes('second') || undefined;
    });
    expect(seen.join('')).not.toContain('first');
    await client.end();
    await eventually('the end', async () => (await answer()).includes('"verdict":"verified"') || undefined);
  });

  it('what is stored can be neither deleted nor unlocked, by its owner either; what is put over it is noticed', async () => {
    const client = await task.connect('developer', 'orders-db');
    await client.query("select 'evidence'");
    await client.end();
    const { id } = await ended({});
    const { s3 } = radosgw.clients;
    const place = { Bucket: cloud.bucket, Key: `sessions/${id}/00000000.seg` };
    const { VersionId, ObjectLockMode, ObjectLockRetainUntilDate } = await s3.send(
      new HeadObjectCommand(place),
    );
    expect(ObjectLockMode).toBe('COMPLIANCE');
    const sooner = {
      Mode: 'COMPLIANCE',
      RetainUntilDate: new Date(ObjectLockRetainUntilDate!.getTime() - 1e6),
    } as const;
    const denied = { name: 'AccessDenied' };
    const version = { ...place, VersionId: VersionId! };
    await expect(s3.send(new DeleteObjectCommand(version))).rejects.toMatchObject(denied);
    await expect(
      s3.send(new PutObjectRetentionCommand({ ...version, Retention: sooner })),
    ).rejects.toMatchObject(denied);
    await s3.send(new PutObjectCommand({ ...place, Body: 'nothing happened', ChecksumAlgorithm: 'SHA256' }));
    expect((await cloud.verify(id)).verdict).toBe('failed');
    const kept = await s3.send(new GetObjectCommand(version));
    expect((await kept.Body!.transformToByteArray()).byteLength).toBeGreaterThan(500);
  });

  it('the story: refused, asked for, not by oneself, approved by two, used, taken away, and ended', async () => {
    const refused = await psql('orders-prod', 'select 1');
    expect(refused.stderr).toContain('FATAL:  access to "orders-prod" needs an approval');
    const id = await granted();
    const decision = cloud.call('developer', 'POST', `/v1/requests/${id}/decisions`, {
      decision: 'approved',
    });
    await expect(decision).rejects.toThrow('40');
    const works = psql('orders-prod', 'select pg_sleep(60)');
    await eventually('psql to work', async () =>
      (await newest()).target === 'orders-prod' ? true : undefined,
    );
    await cloud.call('reviewer', 'POST', `/v1/grants/${id}/revocation`, {});
    expect((await works).stderr).toContain('FATAL:  the access was revoked by a reviewer');
    const session = await ended({ target: 'orders-prod' });
    expect(session.outcome).toMatchObject({ reason: 'revoked' });
    expect(await cloud.verify(session.id)).toMatchObject({ verdict: 'verified' });
  });

  it('the ledger holds it all, once the sequencer has run', async () => {
    await cloud.run('sequencer');
    const { sessions } = await cloud.call<{ sessions: SessionRecord[] }>('auditor', 'GET', '/v1/sessions');
    const proof = await cloud.call<object>('auditor', 'GET', `/v1/sessions/${sessions.at(-1)!.id}/ledger`);
    expect(JSON.stringify(proof)).toContain('ledger.example/custody');
  });

  it('a reviewer ends a session of any task', async () => {
    const client = await task.connect('developer', 'orders-db');
    const told = gone(client);
    const { id } = await newest();
    await cloud.call('reviewer', 'POST', `/v1/sessions/${id}/termination`, { reason: 'stop that' });
    expect(await told).toContain('an operator ended this session: stop that');
    expect((await ended({})).outcome).toMatchObject({ reason: 'terminated' });
  });

  it("a cancel request that reaches another task stops the query, and nobody else's", async () => {
    const other = await cloud.task();
    const [client, bystander] = [
      await task.connect('developer', 'orders-db'),
      await task.connect('developer', 'orders-db'),
    ];
    const admin = await administrator();
    await admin.query('select pg_advisory_lock(24)');
    const outcomes = [client, bystander].map((one) =>
      one.query('select pg_advisory_lock(24)').then(() => 'done', String),
    );
    await eventually('both to wait', async () => {
      const waiting = "select 1 from pg_stat_activity where wait_event = 'advisory'";
      return (await admin.query(waiting)).rowCount === 2 ? true : undefined;
    });
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const secret = Buffer.alloc(4);
    secret.writeInt32BE(secretKey);
    const cancel = rawPlain(other.port);
    cancel.send(encodeCancelRequest(processID, secret));
    expect(await outcomes[0]).toBe('error: canceling statement due to user request');
    await admin.end();
    expect(await outcomes[1]).toBe('done');
    cancel.socket.destroy();
    await Promise.all([client.end(), bystander.end()]);
    expect(await other.stop()).toBe(0);
  });

  it('the bundle that the image holds runs as the source does', async () => {
    const dist = mkdtempSync(join(tmpdir(), 'custody-dist-'));
    onTestFinished(() => rmSync(dist, { recursive: true }));
    await build(
      bundles.filter(({ output }) => output.startsWith('proxy/')),
      dist,
    );
    const bundled = await cloud.task(undefined, join(dist, 'proxy', 'main.mjs'));
    const client = await bundled.connect('developer', 'orders-db');
    expect((await client.query("select 'bundled' as by")).rows).toEqual([{ by: 'bundled' }]);
    await client.end();
    expect((await ended({})).outcome).toMatchObject({ reason: 'client-closed' });
    expect(await bundled.stop()).toBe(0);
  });

  it('a password that was rotated is in use at the next session, without a restart', async () => {
    const { clients } = cloud.moto;
    const admin = await administrator();
    await admin.query("alter role app password 'rotated'");
    await expect(task.connect('developer', 'orders-db')).rejects.toThrow('could not log in');
    await clients.secrets.send(
      new PutSecretValueCommand({ SecretId: 'orders-db', SecretString: '{"password":"rotated"}' }),
    );
    await (await task.connect('developer', 'orders-db')).end();
    await admin.end();
  });

  it('kill -9: the sealer seals what the journal holds, and says so', async () => {
    const doomed = await cloud.task();
    const client = await doomed.connect('developer', 'orders-db');
    const lost = gone(client);
    await client.query("select 'before the end'");
    const { id, task: name } = await newest();
    const journal = { dynamo: cloud.moto.clients.dynamo, table: cloud.environment['CUSTODY_TABLE_JOURNAL']! };
    await untilJournaled(dynamoJournalRemains(journal, name), 'before the end');
    await doomed.stop('SIGKILL');
    await lost;
    await eventually('the sealer', async () => {
      await cloud.run('sealer');
      return (await newest()).state === 'recovered' ? true : undefined;
    });
    expect(await cloud.verify(id)).toMatchObject({ verdict: 'verified', findings: [] });
    expect(String(bytesOf(await cloud.frames(id), 'client'))).toContain('before the end');
    await cloud.run('sealer');
    expect((await newest()).outcome).toMatchObject({ reason: 'recovered', recovered: true });
  });

  it('a legal hold keeps every new recording of a target, beyond its date', async () => {
    const text = await cloud.config();
    await cloud.configure(text.replace('lock: compliance }', 'lock: governance, hold: true }'));
    await eventually('a session that is held', async () => {
      await (await task.connect('developer', 'orders-db')).end();
      const place = { Bucket: cloud.bucket, Key: `sessions/${(await ended({})).id}/open.json` };
      const { ObjectLockLegalHoldStatus } = await radosgw.clients.s3.send(new HeadObjectCommand(place));
      return ObjectLockLegalHoldStatus === 'ON' ? true : undefined;
    });
    expect(
      JSON.parse(Buffer.from(await cloud.store.get(`sessions/${(await newest()).id}/open.json`)).toString()),
    ).toMatchObject({ retention: { lock: 'governance', hold: true } });
    await cloud.configure(text);
  });

  // radosgw refuses every If-Match in a versioned bucket; what a ledger does on a store that has it is in cloud-ledger.test.ts.
  it('a store that never lets the sequencer win is an error, not a busy one', async () => {
    await expect(cloud.run('sequencer')).rejects.toThrow('the head of the ledger cannot be swapped');
  });

  it('an alarm reaches its webhook, signed with a secret of Secrets Manager', async () => {
    const receiver = await startReceiver();
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    await cloud.moto.clients.secrets.send(new CreateSecretCommand({ Name: 'ops', SecretString: secret }));
    const text = await cloud.config();
    const changed = `${text}webhooks: [{ name: ops, url: "${receiver.url}", secret: ops }]\n`;
    await cloud.configure(changed);
    const version = createHash('sha256').update(changed).digest('hex');
    await eventually('the task to take it', () =>
      task.said.find(({ event, policy }) => event === 'config-in-force' && policy === version),
    );
    await new Promise((seen) => setTimeout(seen, 2_500));
    const { id } = await cloud.call<{ id: string }>('developer', 'POST', '/v1/requests', {
      target: 'orders-prod',
      reason: 'told',
    });
    await cloud.run('notifier', {}, 22_500);
    const told = receiver.received.map(({ body, headers }) =>
      new Webhook(secret).verify(body, headers as Record<string, string>),
    );
    expect(told).toContainEqual(
      expect.objectContaining({ data: expect.objectContaining({ request: id }) as object }),
    );
    // The file that brought the webhook is news itself.
    expect(told).toContainEqual(
      expect.objectContaining({
        type: 'policy-changed',
        data: expect.objectContaining({ policy: version }) as object,
      }),
    );
    await cloud.configure(text);
    await receiver.close();
  });

  it('the issuer logs somebody out: their sessions of every task end within 5 s, and their tokens are not taken (security case 12)', async () => {
    const other = await cloud.task();
    const clients = [
      await task.connect('developer', 'orders-db'),
      await other.connect('developer', 'orders-db'),
    ];
    const told = clients.map(gone);
    const token = await cloud.token('developer');
    const whoami = () => fetch(`${cloud.api}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } });
    expect((await whoami()).status).toBe(200);

    const start = performance.now();
    const sent = await fetch(`${cloud.api}/v1/logout/default`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: await cloud.logoutToken('developer') }),
    });
    expect([sent.status, sent.headers.get('cache-control'), await sent.text()]).toEqual([
      200,
      'no-store',
      '',
    ]);
    for (const message of await Promise.all(told))
      expect(message).toBe('you were logged out at the identity provider');
    const took = performance.now() - start;
    expect(took).toBeLessThan(5_000);
    process.stderr.write(`from the logout to FATAL at two tasks: ${Math.round(took)} ms\n`);

    expect((await whoami()).status).toBe(403);
    expect((await ended({})).outcome).toMatchObject({ reason: 'revoked' });
    // What was issued in the same second counts as of before.
    const again = await eventually('a token of a later second', () =>
      task.connect('developer', 'orders-db').catch(() => undefined),
    );
    await again.end();
    expect(await other.stop()).toBe(0);
  });

  it('a database that fails over, and one whose password is being rotated, is logged in to in the same login', async () => {
    const text = await cloud.config();
    const writes = 'database: postgres\n    connect: { session: read-write, timeout: 60s }';
    await cloud.configure(text.replaceAll('database: postgres', writes));
    const inForce = task.said.filter(({ event }) => event === 'config-in-force').length;
    await eventually('the configuration', () =>
      task.said.filter(({ event }) => event === 'config-in-force').length > inForce ? true : undefined,
    );
    const { SecretString } = await cloud.moto.clients.secrets.send(
      new GetSecretValueCommand({ SecretId: 'orders-db' }),
    );
    const current = (JSON.parse(SecretString!) as { readonly password: string }).password;
    const asOwner = async (sql: string, password = current): Promise<void> => {
      const { port } = cloud.database;
      const owner = new pg.Client({ host: '127.0.0.1', port, database: 'postgres', user: 'app', password });
      await owner.connect();
      await owner.query(sql);
      await owner.end();
    };
    const connecting = () => psql('orders-db', 'show transaction_read_only');
    const newestId = async (): Promise<string> => ((await newest()) as SessionRecord | undefined)?.id ?? '';
    const begun = (before: string) =>
      eventually('the session', async () => ((await newestId()) === before ? undefined : true));

    await asOwner('alter role app set default_transaction_read_only = on');
    let before = await newestId();
    const reader = connecting();
    await begun(before);
    await asOwner(
      'begin; set transaction read write; alter role app reset default_transaction_read_only; commit',
    );
    expect(await reader).toMatchObject({ code: 0, stdout: 'off\n' });

    await cloud.database.kill();
    before = await newestId();
    const away = connecting();
    await begun(before);
    await cloud.database.start();
    expect(await away).toMatchObject({ code: 0, stdout: 'off\n' });

    const next = 'the next password';
    const pending = { SecretId: 'orders-db', SecretString: next, VersionStages: ['AWSPENDING'] };
    await cloud.moto.clients.secrets.send(new PutSecretValueCommand(pending));
    await asOwner(`alter role app password '${next}'`);
    expect(await connecting()).toMatchObject({ code: 0 });
    await asOwner(`alter role app password '${current}'`, next);
    await cloud.configure(text);
  });

  it('a configuration that was put in place is in force, and a bad one is not', async () => {
    const text = await cloud.config();
    await cloud.configure(text.replaceAll('orders-prod', 'stock-db'));
    await eventually('the new name', () =>
      task
        .connect('developer', 'stock-db')
        .catch(({ message }: Error) => (message.includes('needs an approval') ? true : undefined)),
    );
    await cloud.configure('version: 2');
    const refused = await eventually('its refusal', () =>
      task.said.find(({ event }) => event === 'config-refused'),
    );
    expect(refused).toMatchObject({ code: 'config-invalid' });
    await (await task.connect('developer', 'orders-db')).end();
  });
});
