import { randomBytes, randomUUID } from 'node:crypto';
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { DeleteCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import { askIndexer } from '#adapters/aws/ask-indexer.ts';
import { dynamoCancelWishes } from '#adapters/aws/cancel-wishes.ts';
import { type AwsClients, awsClients } from '#adapters/aws/clients.ts';
import { ConfigBucket } from '#adapters/aws/config-bucket.ts';
import { eventBucket } from '#adapters/aws/event-bucket.ts';
import { dynamoJournal } from '#adapters/aws/journal.ts';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { dynamoLeafQueue } from '#adapters/aws/leaf-queue.ts';
import { s3LedgerHead } from '#adapters/aws/ledger-head.ts';
import { dynamoLogouts, dynamoRecentLogouts } from '#adapters/aws/logouts.ts';
import { dynamoPresence } from '#adapters/aws/presence.ts';
import { dynamoPulses } from '#adapters/aws/pulses.ts';
import { dynamoRunStore } from '#adapters/aws/runs-store.ts';
import { s3Store } from '#adapters/aws/s3-store.ts';
import { dynamoScim } from '#adapters/aws/scim-directory.ts';
import { readPassword } from '#adapters/aws/secrets.ts';
import { dynamoSessionIndex } from '#adapters/aws/session-index.ts';
import { kmsCa, kmsCaKeys } from '#adapters/aws/ssh/cas.ts';
import { dynamoCertificates } from '#adapters/aws/ssh/certificates.ts';
import { dynamoToldHostKeys, secretHostKeys } from '#adapters/aws/ssh/host-keys.ts';
import { type TableName, tables } from '#adapters/aws/tables.ts';
import { dynamoLeases } from '#adapters/aws/task-leases.ts';
import { ScimDesk } from '#core/identity/scim/desk.ts';
import { parsePatch } from '#core/identity/scim/patch.ts';
import { leafBytes } from '#core/ledger/leaf.ts';
import { policyLeaf } from '#core/ledger/leaves.ts';
import { hostKeyLines, loadAndTell } from '#core/protocols/ssh/host-keys.ts';
import { changeRun, RunDesk } from '#core/tasks/run-desk.ts';
import { endTask } from '#core/tasks/run-lifecycle.ts';
import { startTask } from '#core/tasks/run-start-task.ts';
import { workflowTexts } from '#core/tasks/workflow-texts.ts';
import { sessionsNow } from '#lambdas/status/sessions.ts';
import { okta } from '#test/support/directory-calls.ts';
import { entry, SESSION_A } from '#test/support/journal-entries.ts';
import { hasMoto, type Moto, patient, REGION, startMoto } from '#test/support/moto.ts';
import { tailsIn } from '#test/support/remains.ts';
import { inWords, type PolicyDocumentJson, policiesOf } from '#test/support/role-policies.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';
import { configFolder, gatewayTemplate } from '#test/support/stacks.ts';
import { compiledConfig, refunds } from '#test/support/workflows.ts';

const now = (): Date => new Date();
const SSH_TARGET = `  web-1:
    protocol: ssh
    address: web-1.internal:22
    hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1n']
    logins: { deploy: { keySecret: custody/deploy }, app: { certificate: true } }
`;

/** The roles as the stack makes them, each a user of an AWS that asks what a user may. */
describe.runIf(hasMoto())('the roles, in an AWS that enforces their policies', () => {
  let moto: Moto;
  let places: Readonly<Record<TableName, string>> & {
    readonly evidence: string;
    readonly config: string;
    readonly events: string;
  };
  let keyId: string;
  const users = new Map<string, AwsClients>();

  beforeAll(async () => {
    moto = await startMoto({ INITIAL_NO_AUTH_ACTION_COUNT: '1000000' });
    const names = Object.keys(tables) as TableName[];
    const made = await Promise.all(names.map(async (name) => [name, await moto.table(name)] as const));
    const [evidence, config, events] = await Promise.all([moto.bucket(), moto.bucket(), moto.bucket()]);
    places = { ...(Object.fromEntries(made) as Record<TableName, string>), evidence, config, events };
    keyId = await moto.signingKey();
    const { s3, secrets } = moto.clients;
    await s3.send(new PutObjectCommand({ Bucket: config, Key: 'custody.yaml', Body: CONFIG }));
    await secrets.send(new CreateSecretCommand({ Name: 'custody/orders', SecretString: 'password' }));
    await secrets.send(new CreateSecretCommand({ Name: 'host-key' }));
    using folder = configFolder((yaml) => yaml.replace(/^rules:/m, `${SSH_TARGET}rules:`));
    const template = gatewayTemplate({ configFolder: folder.path });
    for (const role of [
      'ProxyRole',
      'FunctionsReplayRole',
      'FunctionsIndexerRole',
      'FunctionsAuthorizerRole',
      'FunctionsLogoutRole',
      'FunctionsScimRole',
      'FunctionsSshRole',
      'FunctionsNotifierRole',
      'FunctionsSealerRole',
      'FunctionsSettlerRole',
      'FunctionsAccessRole',
      'FunctionsSequencerRole',
    ]) {
      users.set(role, await userWith(moto, role, policiesOf(template, `Gateway${role}`).map(resolved)));
    }
    await fetch(`${moto.endpoint}/moto-api/reset-auth`, { method: 'POST', body: '0' });
  });
  afterAll(() => moto.stop());

  /**
   * With the ARNs of what stands for the stack's buckets here. The emulator knows resources of S3 alone, and no conditions: what else
   * a statement is bound to, the template's own tests look at.
   */
  function resolved(policy: PolicyDocumentJson): object {
    const arnOf = (resource: unknown): string => {
      const [id, ...rest] = inWords(resource).split('/');
      const bucket = {
        GatewayEvidenceBucket: places.evidence,
        GatewayConfigBucket: places.config,
        GatewayEventsBucket: places.events,
      }[id!];
      return bucket === undefined ? '*' : [`arn:aws:s3:::${bucket}`, ...rest].join('/');
    };
    const statements = policy.Statement.filter(({ Effect }) => Effect === 'Allow');
    return {
      ...policy,
      Statement: statements.map(({ Effect, Action, Resource }) => ({
        Effect,
        Action: [Action].flat().flatMap(withTransactions),
        Resource: [Resource].flat().map(arnOf),
      })),
    };
  }

  const as = (role: string): AwsClients => users.get(role)!;
  const storeOf = ({ s3 }: AwsClients, mayRead: boolean) =>
    s3Store(s3, { bucket: places.evidence, lock: 'governance', retentionMs: 1e9, mayRead, now });
  const coordination = ({ dynamo }: AwsClients) => ({ dynamo, table: places.coordination });
  // The emulator refuses calls of JSON services in XML, which no client can read: the status says it.
  const refused = { $metadata: { httpStatusCode: 403 } };
  const denied = { code: 'store-unavailable', cause: refused };

  it('the proxy can do its whole work', async () => {
    const clients = as('ProxyRole');
    const { dynamo, s3, kms, secrets } = clients;
    const config = new ConfigBucket({ s3, bucket: places.config, key: 'custody.yaml', folder: '/nowhere' });
    expect((await config.read()).config.targets.size).toBe(0);
    expect(await readPassword(secrets, 'custody/orders')).toBe('password');
    const index = dynamoSessionIndex({ dynamo, table: places.sessions, now });
    await index.opened(sessionRecord(1));
    await storeOf(clients, false).put('sessions/a/open.json', Buffer.from('x'));
    await kmsSigner(kms, keyId).sign(Buffer.from('x'));
    await dynamoLeafQueue({ ...coordination(clients), now }).add(Buffer.from('leaf'));
    await dynamoLeases(coordination(clients)).renew('task', now());
    await dynamoJournal({ dynamo, table: places.journal }, 'task', now).append([entry(SESSION_A, 0, 0, 'a')]);
    const wishes = dynamoCancelWishes(coordination(clients), 'task', { now, pause: async () => undefined });
    await wishes.issued('key');
    await wishes.wish('key', 'somewhere');
    expect(await wishes.taken()).toHaveLength(1);
    await wishes.revoked('key');
    const access = dynamoAccessStore(dynamo, places.access);
    expect(await access.list({ limit: 1, requester: { issuer: 'i', subject: 's' }, openAt: now() })).toEqual({
      requests: [],
    });
    expect(await access.asked(['a'])).toEqual([]);
    await index.closed(sessionRecord(1).id, OUTCOME);
  });

  it('and nothing else: reads no recording, touches no ledger, deletes nothing, makes nothing', async () => {
    const clients = as('ProxyRole');
    const { dynamo, s3, kms, secrets } = clients;
    const Bucket = places.evidence;
    await expect(storeOf(clients, false).get('sessions/a/open.json')).rejects.toMatchObject(denied);
    await expect(storeOf(clients, false).put('ledger/checkpoint', Buffer.from('x'))).rejects.toMatchObject(
      denied,
    );
    await expect(
      s3.send(new DeleteObjectCommand({ Bucket, Key: 'sessions/a/open.json' })),
    ).rejects.toMatchObject(refused);
    await expect(
      s3.send(new PutObjectCommand({ Bucket: places.config, Key: 'custody.yaml', Body: '' })),
    ).rejects.toMatchObject(refused);
    await expect(dynamo.send(new ScanCommand({ TableName: places.journal }))).rejects.toMatchObject(refused);
    await expect(dynamo.send(new DeleteTableCommand({ TableName: places.journal }))).rejects.toMatchObject(
      refused,
    );
    await expect(kms.send(new CreateKeyCommand({}))).rejects.toMatchObject(refused);
    const secret = new CreateSecretCommand({ Name: 'x', SecretString: 'x' });
    await expect(secrets.send(secret)).rejects.toMatchObject(refused);
  });

  it('replay reads, and can neither write nor sign', async () => {
    const clients = as('FunctionsReplayRole');
    expect(Buffer.from(await storeOf(clients, true).get('sessions/a/open.json')).toString()).toBe('x');
    const index = dynamoSessionIndex({ dynamo: clients.dynamo, table: places.sessions, now });
    expect((await index.get(sessionRecord(1).id)).state).toBe('closed');
    await expect(storeOf(clients, true).put('sessions/a/x', Buffer.from('x'))).rejects.toMatchObject(denied);
    await expect(index.closed(sessionRecord(1).id, OUTCOME)).rejects.toMatchObject(denied);
    await expect(kmsSigner(clients.kms, keyId).sign(Buffer.from('x'))).rejects.toMatchObject(denied);
    const object = { Bucket: places.config, Key: 'custody.yaml' };
    await expect(clients.s3.send(new GetObjectCommand(object))).resolves.toBeDefined();
    await askIndexer(clients.s3, places.events, () => new Date())(SESSION_A);
    const told = eventBucket(clients.s3, places.events);
    await expect(told.put('steps/x', Buffer.from('x'))).rejects.toMatchObject(denied);
    await expect(storeOf(clients, true).put('indexes/a/x', Buffer.from('x'))).rejects.toMatchObject(denied);
  });

  it('the indexer writes what it derives, and nothing that it is derived of', async () => {
    const clients = as('FunctionsIndexerRole');
    const store = storeOf(clients, true);
    expect(Buffer.from(await store.get('sessions/a/open.json')).toString()).toBe('x');
    await store.put('indexes/a/x', Buffer.from('x'));
    await eventBucket(clients.s3, places.events).put('steps/x', Buffer.from('x'));
    await kmsSigner(clients.kms, keyId).sign(Buffer.from('x'));
    await expect(store.put('sessions/a/x', Buffer.from('x'))).rejects.toMatchObject(denied);
    const index = dynamoSessionIndex({ dynamo: clients.dynamo, table: places.sessions, now });
    await expect(index.closed(sessionRecord(1).id, OUTCOME)).rejects.toMatchObject(denied);
  });

  it('the sealer seals, and the sequencer sequences, and neither does the work of the other', async () => {
    const [sealer, sequencer] = [as('FunctionsSealerRole'), as('FunctionsSequencerRole')];
    const book = dynamoLeases(coordination(sealer));
    const [seen] = await book.endedBefore(new Date(8.64e15));
    expect(await book.fence(seen!)).toBe(true);
    const remains = dynamoJournalRemains({ dynamo: sealer.dynamo, table: places.journal }, 'task');
    expect(await tailsIn(remains)).toHaveLength(1);
    await storeOf(sealer, true).put('sessions/a/close.json', Buffer.from('x'));
    await remains.clear();
    await book.forget('task');
    await expect(storeOf(sealer, true).put('ledger/tile/0/000', Buffer.from('x'))).rejects.toMatchObject(
      denied,
    );
    const queue = dynamoLeafQueue({ ...coordination(sequencer), now });
    const [leaf] = await queue.list(1);
    await storeOf(sequencer, true).put('ledger/tile/0/000', Buffer.from('x'));
    const lock = { lock: 'governance', retentionMs: 1e9, now } as const;
    await s3LedgerHead(sequencer.s3, places.evidence, lock).swap(undefined, 'head');
    await queue.remove([leaf!.id]);
    expect(await queue.list(1)).toEqual([]);
    await expect(storeOf(sequencer, true).put('sessions/a/y', Buffer.from('x'))).rejects.toMatchObject(
      denied,
    );
  });

  // That the authorizer puts nothing but how many tokens it refused, the template's own test looks at: the emulator knows no tables.
  it('the logout function keeps logouts and reads none; the authorizer and the proxy see them', async () => {
    const [logout, authorizer, proxy] = ['FunctionsLogoutRole', 'FunctionsAuthorizerRole', 'ProxyRole'].map(
      (role) => {
        const { dynamo } = as(role);
        const place = { dynamo, table: places.access, now };
        return { own: dynamoLogouts(place), recent: dynamoRecentLogouts(place), clients: as(role) };
      },
    );
    const taken = { token: 't', at: now(), marks: ['dana'] };
    await dynamoLeafQueue({ ...coordination(logout!.clients), now }).add(Buffer.from('logged out'));
    expect(await logout!.own.take(taken)).toBe(true);
    expect(await authorizer!.own.newest(['dana'])).toEqual(new Map([['dana', taken.at]]));
    expect(await proxy!.own.newest(['dana'])).toEqual(new Map([['dana', taken.at]]));
    expect(await proxy!.recent.newest(['dana'])).toEqual(new Map([['dana', taken.at]]));
    await expect(logout!.own.newest(['dana'])).rejects.toMatchObject(denied);
    const { s3 } = logout!.clients;
    const object = { Bucket: places.evidence, Key: 'sessions/a/open.json' };
    await expect(s3.send(new GetObjectCommand(object))).rejects.toMatchObject(refused);
  });

  it('the function of certificates signs, keeps and takes back; the proxy makes the host key once, which nobody else reads', async () => {
    const [ssh, proxy] = [as('FunctionsSshRole'), as('ProxyRole')];
    const table = places.access;
    await kmsCa(ssh.kms, keyId).sign(Buffer.from('a certificate'));
    expect(await kmsCaKeys(ssh.kms, keyId)).toHaveLength(1);
    const book = dynamoCertificates({ dynamo: ssh.dynamo, table });
    const person = { issuer: 'https://id', subject: 'dana' };
    const issued = { serial: '7', key: 'SHA256:x', keyId: 'dana', person, issuedAt: now(), expiresAt: now() };
    await book.keep(issued);
    expect(await book.find('7')).toMatchObject({ keyId: 'dana' });
    expect((await book.of(person, { limit: 5 })).certificates).toHaveLength(1);
    const revocations = dynamoLogouts({ dynamo: ssh.dynamo, table, now });
    expect(await revocations.take({ token: 'revoked/7', at: now(), marks: ['certificate/7'] })).toBe(true);
    await dynamoLeafQueue({ ...coordination(ssh), now }).add(Buffer.from('issued'));

    const hostKeys = secretHostKeys(proxy.secrets, 'host-key');
    const [key] = await loadAndTell(hostKeys, dynamoToldHostKeys({ dynamo: proxy.dynamo, table }));
    expect(await dynamoToldHostKeys({ dynamo: ssh.dynamo, table }).told()).toEqual(hostKeyLines([key!]));
    for (const { secrets } of [ssh, as('FunctionsReplayRole')])
      await expect(secretHostKeys(secrets, 'host-key').load()).rejects.toMatchObject(denied);
    await expect(
      kmsSigner(as('FunctionsReplayRole').kms, keyId).sign(Buffer.from('x')),
    ).rejects.toMatchObject(denied);
  });

  it('the scim function keeps what directories tell; who decides sees it, and the notifier pays what is owed', async () => {
    const storeOf = (role: string) => dynamoScim({ dynamo: as(role).dynamo, table: places.access, now });
    const deskOf = (role: string) =>
      new ScimDesk({
        store: storeOf(role),
        leaves: dynamoLeafQueue({ ...coordination(as(role)), now }),
        now,
        newId: () => randomUUID(),
      });
    const directory = { name: 'okta', issuer: 'https://id.example', groupsCount: true };
    const desk = deskOf('FunctionsScimRole');
    const { id, externalId } = {
      ...(await desk.create(directory, 'User', okta.create('00u1', 'd@example.com'))),
      externalId: '00u1',
    };
    const group = await desk.create(directory, 'Group', okta.createGroup('dbas'));
    await desk.patch(directory, 'Group', group.id, parsePatch(okta.replaceMembers(id)));
    await desk.patch(directory, 'User', id, parsePatch(okta.patchActive(false)));
    for (const role of ['FunctionsAuthorizerRole', 'ProxyRole']) {
      const seen = storeOf(role);
      expect(await seen.marks()).toMatchObject([{ externalId }]);
      expect(await seen.changes('User')).toBe(2);
      expect(await seen.find('okta', 'User', 'externalid:00u1')).toMatchObject({ id });
      expect((await seen.page('okta', 'Group', 0, 10)).entries).toMatchObject([{ id: group.id }]);
    }
    // That the authorizer cannot, the template's own test says: the emulator knows no tables apart, and it may say how it is elsewhere.
    await desk.remove(directory, 'User', id);
    const owed = {
      before: undefined,
      after: group,
      marked: [],
      unmarked: [],
      owed: [leafBytes(policyLeaf('a'.repeat(64), now()))],
    };
    await storeOf('FunctionsScimRole').write({ ...owed, after: { ...group, id: randomUUID(), names: [] } });
    expect(await deskOf('FunctionsNotifierRole').payAll()).toBe(1);
    expect(await deskOf('FunctionsNotifierRole').payAll()).toBe(0);
  });

  it('tasks and the authorizer say how they are, and the API sees all of it', async () => {
    const [api, proxy, authorizer] = ['FunctionsAccessRole', 'ProxyRole', 'FunctionsAuthorizerRole'].map(as);
    await dynamoLeases(coordination(proxy!)).renew('told', new Date(now().getTime() + 60_000));
    for (const [name, clients] of [
      ['told', proxy],
      ['authorizer', authorizer],
    ] as const)
      await dynamoPulses(coordination(clients!)).tell({ process: name, at: now(), refused: [] });
    const status = await sessionsNow(
      {
        sessions: dynamoSessionIndex({ dynamo: api!.dynamo, table: places.sessions, now }),
        presence: dynamoPresence({ dynamo: api!.dynamo, table: places.access, now }),
        leases: dynamoLeases(coordination(api!)),
        pulses: dynamoPulses(coordination(api!)),
      },
      await dynamoPulses(coordination(api!)).since(new Date(0)),
      now(),
    );
    expect(status.tasks.find(({ task }) => task === 'told')).toMatchObject({ alive: true, open: 0 });
    await dynamoLeafQueue({ ...coordination(api!), now }).list(1);
    await expect(dynamoLeases(coordination(api!)).forget('told')).rejects.toMatchObject(denied);
  });

  it('the API starts runs, the proxy runs their tasks, the settler says what came of them, the notifier tells; each no more', async () => {
    const [api, proxy, settler, notifier] = [
      'FunctionsAccessRole',
      'ProxyRole',
      'FunctionsSettlerRole',
      'FunctionsNotifierRole',
    ].map(as) as [AwsClients, AwsClients, AwsClients, AwsClients];
    const runsOf = ({ dynamo }: AwsClients) => dynamoRunStore({ dynamo, table: places.runs }, now);
    const textsOf = (clients: AwsClients) => workflowTexts(storeOf(clients, true));
    const deskOf = (clients: AwsClients) => {
      const leaves = dynamoLeafQueue({ ...coordination(clients), now });
      const stream = { tell: async () => undefined };
      const made = { newId: () => RUN, newKey: () => randomBytes(32) };
      return new RunDesk({ runs: runsOf(clients), texts: textsOf(clients), leaves, stream, now, ...made });
    };
    const by = { issuer: 'https://id.example', subject: 'dana' };
    const { digest } = WORKFLOW;
    const run = await deskOf(api).start(WORKFLOW, { by, policy: 'a'.repeat(64) }, 'key');
    expect(await textsOf(api).get(digest)).toBe(WORKFLOW.text);
    expect((await runsOf(api).keyOf(run.id)).byteLength).toBe(32);
    expect((await runsOf(api).list({ limit: 1 })).runs).toHaveLength(1);

    await deskOf(proxy).change(run.id, (of, at) => startTask(of, WORKFLOW, 'find', SESSION_A, at));
    expect((await runsOf(proxy).keyOf(run.id)).byteLength).toBe(32);

    const outputs = { columns: new Map([['returned.id', new Set(['0'.repeat(32)])]]), streams: new Map() };
    expect(await runsOf(settler).unsettled(5)).toEqual([run.id]);
    expect(await textsOf(settler).get(digest)).toBe(WORKFLOW.text);
    await runsOf(settler).outputs.put(run.id, SESSION_A, outputs);
    await kmsSigner(settler.kms, keyId).sign(Buffer.from('result'));
    await storeOf(settler, true).put('sessions/b/task.json', Buffer.from('result'));
    const result = { task: 'find', session: SESSION_A, verdict: 'kept', result: 'b'.repeat(64) } as const;
    await changeRun(runsOf(settler), run.id, (of, at) => endTask(of, result, at), now);
    expect(await runsOf(proxy).outputs.get(run.id, SESSION_A)).toEqual(outputs);
    expect(await deskOf(notifier).tellAll()).toBe(1);
    expect(String(Buffer.from(await storeOf(api, true).get('sessions/b/task.json')))).toBe('result');

    const put = (clients: AwsClients, key: string) => storeOf(clients, true).put(key, Buffer.from('x'));
    await storeOf(proxy, false).put('sessions/b/open.json', Buffer.from('x'));
    expect(String(Buffer.from(await storeOf(settler, true).get('sessions/b/open.json')))).toBe('x');
    const refusals = [
      () => put(settler, 'sessions/b/close.json'),
      () => put(settler, `workflows/${digest}0.json`),
      () => put(settler, 'ledger/checkpoint'),
      () => put(api, 'sessions/c/task.json'),
      () => put(proxy, `workflows/${digest}0.json`),
      () => storeOf(api, true).get('sessions/b/open.json'),
      () => kmsSigner(api.kms, keyId).sign(Buffer.from('x')),
    ];
    for (const call of refusals) await expect(call(), String(call)).rejects.toMatchObject(denied);
    // The emulator knows no tables apart: the proxy may delete elsewhere, the API look through open sessions.
    for (const { dynamo } of [settler, notifier])
      await expect(dynamo.send(new ScanCommand({ TableName: places.runs }))).rejects.toMatchObject(refused);
    for (const { dynamo } of [api, settler, notifier]) {
      const place = { TableName: places.runs };
      const item = { ...place, Key: { id: 'x', part: 'x' } };
      await expect(dynamo.send(new DeleteCommand(item))).rejects.toMatchObject(refused);
    }
  });
});

const RUN = '019acd1b-3280-7b61-8e21-000000000001';
const WORKFLOW = compiledConfig(`version: 1
identity: { issuer: 'https://id.example', audience: custody }
targets:
  db: { protocol: postgres, address: 127.0.0.1:5432, database: d, credential: { user: u, passwordFile: p } }
rules: []
${refunds()}`).compiled.get('refunds')!;

/** In AWS a transaction needs what its writes need, and no action of its own; the emulator wants one. */
function withTransactions(action: string): readonly string[] {
  return action === 'dynamodb:PutItem' ? [action, 'dynamodb:TransactWriteItems'] : [action];
}

const CONFIG = `version: 1
identity: { issuer: 'https://id.example', audience: custody }
targets: {}
`;

async function userWith(
  { endpoint }: Moto,
  UserName: string,
  policies: readonly object[],
): Promise<AwsClients> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const iam = new IAMClient({ region: REGION, endpoint, credentials });
  await iam.send(new CreateUserCommand({ UserName }));
  for (const [n, policy] of policies.entries()) {
    const PolicyDocument = JSON.stringify(policy);
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: `p${n}`, PolicyDocument }));
  }
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  const { AccessKeyId, SecretAccessKey } = AccessKey!;
  return patient(
    awsClients({
      region: REGION,
      endpoint,
      credentials: { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey! },
    }),
  );
}
