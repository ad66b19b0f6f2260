import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import {
  type AwsClients,
  awsClients,
  journalDynamoClient,
  SOON,
  watchDynamoClient,
} from '#adapters/aws/clients.ts';
import { dynamoJournal } from '#adapters/aws/journal.ts';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { dynamoLeafQueue } from '#adapters/aws/leaf-queue.ts';
import { s3LedgerHead } from '#adapters/aws/ledger-head.ts';
import { type S3StoreOptions, s3Store } from '#adapters/aws/s3-store.ts';
import { patienceFor } from '#adapters/aws/patience.ts';
import { readPassword } from '#adapters/aws/secrets.ts';
import { dynamoSessionIndex } from '#adapters/aws/session-index.ts';
import { dynamoLeases } from '#adapters/aws/task-leases.ts';
import { watchedRequests } from '#adapters/aws/watched-requests.ts';
import { BLIND_MS } from '#core/access/blind.ts';
import { type FaultyAws, startFaultyAws } from '#test/support/faulty-aws.ts';
import { entry, SESSION_A } from '#test/support/journal-entries.ts';
import { hasMoto, type Moto, REGION, startMoto } from '#test/support/moto.ts';
import { tailsIn } from '#test/support/remains.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';

const now = (): Date => new Date('2026-11-23T09:00:00.000Z');
const wall = (): Date => new Date();

describe.runIf(hasMoto())('AWS that misbehaves', () => {
  let moto: Moto;
  let faulty: FaultyAws;
  let clients: AwsClients;
  let tables: Record<'journal' | 'coordination' | 'sessions' | 'access', string>;
  let bucket: string;
  let keyId: string;
  beforeAll(async () => {
    moto = await startMoto();
    faulty = await startFaultyAws(moto.endpoint);
    const [journal, coordination, sessions, access] = await Promise.all([
      moto.table('journal'),
      moto.table('coordination'),
      moto.table('sessions'),
      moto.table('access'),
    ]);
    tables = { journal, coordination, sessions, access };
    [bucket, keyId] = await Promise.all([moto.bucket(), moto.signingKey()]);
  });
  // The SDK's allowance of retries is spent by a bad day: each test has its own.
  beforeEach(() => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    clients = awsClients({ region: REGION, endpoint: faulty.endpoint, credentials });
  });
  afterAll(async () => {
    await faulty?.stop();
    await moto?.stop();
  });

  const store = (options: Partial<S3StoreOptions> = {}) =>
    s3Store(clients.s3, {
      bucket,
      lock: 'governance',
      retentionMs: 1e9,
      mayRead: true,
      now: wall,
      ...options,
    });

  /** Every adapter's calls, each by one that stands for it. */
  const calls = {
    's3 put': () => store().put(`sessions/a/${Math.random()}`.replace('0.', ''), Buffer.from('x')),
    's3 get': () => store().get('sessions/a/none'),
    's3 list': () => store().list('sessions/'),
    'ledger head': () => s3LedgerHead(clients.s3, bucket).read(),
    sign: () => kmsSigner(clients.kms, keyId).sign(Buffer.from('x')),
    'journal append': () =>
      dynamoJournal({ dynamo: clients.dynamo, table: tables.journal }, 'f', now, patienceFor(0)).append([
        entry(SESSION_A, 0, 0, 'a'),
      ]),
    'journal read': () =>
      tailsIn(dynamoJournalRemains({ dynamo: clients.dynamo, table: tables.journal }, 'f')),
    'index opened': () =>
      dynamoSessionIndex({ dynamo: clients.dynamo, table: tables.sessions, now: wall }).opened(
        sessionRecord(77),
      ),
    'index list': () =>
      dynamoSessionIndex({ dynamo: clients.dynamo, table: tables.sessions, now: wall }).list({ limit: 1 }),
    'lease renew': () =>
      dynamoLeases({ dynamo: clients.dynamo, table: tables.coordination }).renew('t', now()),
    'leaf add': () =>
      dynamoLeafQueue({ dynamo: clients.dynamo, table: tables.coordination, now }).add(Buffer.from('l')),
    'requests get': () => dynamoAccessStore(clients.dynamo, tables.access).get('none'),
    'grants watched': () =>
      watchedRequests({ dynamo: clients.dynamo, table: tables.access }, () => 0).get('none'),
    secret: () => readPassword(clients.secrets, 'none'),
  } satisfies Record<string, () => Promise<unknown>>;

  describe.each([
    ['throttles for good', { kind: 'throttle' }],
    ['has expired credentials', { kind: 'expired' }],
    ['answers 500', { kind: 'broken' }],
    ['hangs up', { kind: 'cut' }],
  ] as const)('%s', (_how, fault) => {
    it('every call says that it cannot be reached, in our words', async () => {
      faulty.fault = fault;
      // All at once: each waits for seconds before it gives up.
      const tried = Object.entries(calls).map(
        async ([name, call]) => [name, await whatFailed(call)] as const,
      );
      const failures = await Promise.all(tried);
      faulty.fault = undefined;
      for (const [name, failure] of failures)
        expect.soft(failure, name).toMatchObject({ name: 'CustodyError', code: 'store-unavailable' });
    });
  });

  it('a moment of throttling is waited out', async () => {
    faulty.fault = { kind: 'throttle', times: 2 };
    await store().put('sessions/b/open.json', Buffer.from('x'));
    expect(Buffer.from(await store().get('sessions/b/open.json')).toString()).toBe('x');
  });

  it.each(['slow', 'hang'] as const)('a call that is %s once is waited for, or tried again', async (kind) => {
    const place = { dynamo: clients.dynamo, table: await moto.table('journal') };
    faulty.fault = { kind, times: 1 };
    await dynamoJournal(place, 'task', now).append([entry(SESSION_A, 0, 0, kind)]);
    const [tail] = await tailsIn(dynamoJournalRemains(place, 'task'));
    expect(Buffer.from(tail!.content).toString()).toBe(kind);
  });

  it('a journal waits out what its client does not, and writes each entry once', async () => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const dynamo = journalDynamoClient({ region: REGION, endpoint: faulty.endpoint, credentials });
    const place = { dynamo, table: await moto.table('journal') };
    const journal = dynamoJournal(place, 'task', now);
    for (const [at, kind] of (['throttle', 'broken', 'cut', 'persisted-but-errored'] as const).entries()) {
      faulty.fault = { kind, times: 3 };
      await journal.append([entry(SESSION_A, 0, at, String(at))]);
    }
    const [tail] = await tailsIn(dynamoJournalRemains(place, 'task'));
    expect(Buffer.from(tail!.content).toString()).toBe('0123');
  });

  it('a journal does not wait for what no waiting mends', async () => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const dynamo = journalDynamoClient({ region: REGION, endpoint: faulty.endpoint, credentials });
    const append = dynamoJournal({ dynamo, table: 'none' }, 'task', now).append([
      entry(SESSION_A, 0, 0, 'a'),
    ]);
    await expect(append).rejects.toMatchObject({
      code: 'store-unavailable',
      detail: expect.stringContaining('ResourceNotFoundException'),
    });
  });

  it('a look at live sessions gives a connection up that hangs, long before sessions end', async () => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const dynamo = watchDynamoClient({ region: REGION, endpoint: faulty.endpoint, credentials });
    // The pauses between attempts are at most 100 and 200 ms.
    expect(SOON.attempts * SOON.requestMs + 300).toBeLessThan(BLIND_MS);
    faulty.fault = { kind: 'hang', times: SOON.attempts - 1 };
    await dynamoLeases({ dynamo, table: tables.coordination }).renew('hung', now());
    expect(faulty.fault).toBeUndefined();
  });

  describe('does what it is asked for and answers with an error, once', () => {
    const lost = (): void => {
      faulty.fault = { kind: 'persisted-but-errored', times: 1 };
    };

    it.each([true, false])('a put is done once, and known as its own (may read: %s)', async (mayRead) => {
      const key = `sessions/c/${mayRead ? 1 : 2}`;
      lost();
      await store({ mayRead }).put(key, Buffer.from('once'));
      expect(Buffer.from(await store().get(key)).toString()).toBe('once');
      await expect(store().put(key, Buffer.from('twice'))).rejects.toMatchObject({ code: 'already-exists' });
    });

    it('a put that another won meanwhile is not taken for its own by who may look', async () => {
      faulty.fault = { kind: 'broken', times: 1 };
      faulty.meanwhile = async () => {
        const other = { Bucket: bucket, Key: 'sessions/c/3', Body: 'theirs' };
        await moto.clients.s3.send(new PutObjectCommand(other));
      };
      await expect(store().put('sessions/c/3', Buffer.from('ours'))).rejects.toMatchObject({
        code: 'already-exists',
      });
    });

    it('a leaf is queued once', async () => {
      const queue = dynamoLeafQueue({ dynamo: clients.dynamo, table: await moto.table('coordination'), now });
      lost();
      await queue.add(Buffer.from('leaf'));
      await queue.add(Buffer.from('leaf'));
      expect(await queue.list(10)).toHaveLength(1);
    });

    it('an outcome is kept, and a lease is held', async () => {
      const index = dynamoSessionIndex({ dynamo: clients.dynamo, table: tables.sessions, now: wall });
      await index.opened(sessionRecord(78));
      lost();
      await index.closed(sessionRecord(78).id, OUTCOME);
      expect((await index.get(sessionRecord(78).id)).outcome).toEqual(OUTCOME);
      const leases = dynamoLeases({ dynamo: clients.dynamo, table: tables.coordination });
      lost();
      await leases.renew('u', now());
      expect(await leases.endedBefore(new Date(8.64e15))).toContainEqual({ task: 'u', until: now() });
    });

    it('a journal has its tail once', async () => {
      const place = { dynamo: clients.dynamo, table: await moto.table('journal') };
      const journal = dynamoJournal(place, 'task', now);
      lost();
      await journal.append([entry(SESSION_A, 0, 0, 'abc')]);
      await journal.append([entry(SESSION_A, 0, 3, 'def')]);
      const [tail] = await tailsIn(dynamoJournalRemains(place, 'task'));
      expect(Buffer.from(tail!.content).toString()).toBe('abcdef');
    });

    it('a session of an id that is its own is opened', async () => {
      const index = dynamoSessionIndex({ dynamo: clients.dynamo, table: tables.sessions, now: wall });
      await index.opened(sessionRecord(80));
      lost();
      await index.opened(sessionRecord(79));
      await expect(index.opened(sessionRecord(79))).rejects.toMatchObject({ code: 'already-exists' });
      expect((await index.get(sessionRecord(79).id)).state).toBe('open');
    });
  });

  it('no error names a secret', async () => {
    faulty.fault = { kind: 'broken' };
    const failure = await readPassword(clients.secrets, 'none').catch(String);
    faulty.fault = undefined;
    expect(failure).toContain('cannot reach');
  });
});

function whatFailed(call: () => Promise<unknown>): Promise<unknown> {
  return call().catch((error: unknown) => error);
}
