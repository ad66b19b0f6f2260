import { type ChildProcess, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CreateWorkGroupCommand } from '@aws-sdk/client-athena';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import pg from 'pg';
import { athenaClient } from '#adapters/aws/athena/client.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { s3Store } from '#adapters/aws/s3-store.ts';
import { type TableName, tables } from '#adapters/aws/tables.ts';
import { sessionPrefix } from '#core/recording/layout.ts';
import type { RecordingSink, RecordingSource } from '#core/recording/ports.ts';
import { type RecordedFrame, readFrames } from '#core/recording/read.ts';
import { type VerifyReport, verifyEvidence } from '#core/recording/verify/verify.ts';
import { localCertificates } from '#local/setup/certificates.ts';
import { contextFor, startApiGateway } from './api-gateway.ts';
import { type DebianPostgres, startDebianPostgres } from './debian-postgres.ts';
import { logoutToken, makeKey, signToken, startIssuer } from './issuer.ts';
import { freePortBase } from './local-gateway.ts';
import { type Moto, REGION, startMoto } from './moto.ts';
import type { Radosgw } from './radosgw.ts';

const MAIN = fileURLToPath(new URL('../../fargate-proxy/main.ts', import.meta.url));
const LEASE_MS = 3_000;
const ORIGIN = 'ledger.example/custody';

/** As the stack has it: it begins nothing in its last minute. */
const SEALER_MS = 600_000;

const PEOPLE = {
  developer: { sub: 'dana', groups: ['developers'] },
  reviewer: { sub: 'rui', groups: ['reviewers'] },
  'reviewer-2': { sub: 'sam', groups: ['reviewers'] },
  auditor: { sub: 'ada', groups: ['auditors'] },
  admin: { sub: 'pat', groups: ['platform'] },
} as const;
export type Person = keyof typeof PEOPLE;
type Scheduled = 'sealer' | 'settler' | 'sequencer' | 'notifier' | 'indexer';
/** Of Athena; the workgroup has the same name. */
const DATABASE = 'custody';

/** The stack in an emulator: tables, key, buckets, secrets, functions, and as many tasks of the proxy as a test starts. */
export interface Cloud {
  readonly moto: Moto;
  readonly bucket: string;
  readonly api: string;
  readonly ca: string;
  readonly database: DebianPostgres;
  readonly environment: Readonly<Record<string, string>>;
  token(person: Person): Promise<string>;
  /** What the issuer sends when it ends all that somebody had. */
  logoutToken(person: Person): Promise<string>;
  /** Calls the API; rejects on an error. */
  call<T>(person: Person, method: string, path: string, body?: object): Promise<T>;
  /** Runs a function of a schedule once. */
  run(name: Scheduled, event?: object, ms?: number): Promise<void>;
  /** Runs the indexer, as S3 has it run for an object that was put. */
  index(key: string): Promise<void>;
  /** What the indexer put under this prefix, by the names of its objects. */
  derived(prefix: string): Promise<ReadonlyMap<string, Buffer>>;
  /** `leaseMs`: 3 s when not given, so that nobody waits long for the sealer. `main`: another entry than the source's. */
  task(leaseMs?: number, main?: string): Promise<CloudTask>;
  /** custody.yaml as it is now. */
  config(): Promise<string>;
  configure(text: string): Promise<void>;
  readonly store: RecordingSink & RecordingSource;
  /** The signing key, PEM. */
  readonly signer: string;
  /** Copies the bucket into a folder, as an auditor would. */
  copy(folder: string): Promise<void>;
  verify(session: string): Promise<VerifyReport>;
  frames(session: string): Promise<RecordedFrame[]>;
  stop(): Promise<void>;
}

export interface CloudTask {
  readonly port: number;
  readonly pid: number;
  readonly said: readonly {
    readonly event: string;
    readonly code?: string;
    readonly session?: string;
    /** The version of a configuration. */
    readonly policy?: string;
  }[];
  connect(person: Person, database: string, options?: string): Promise<pg.Client>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Its exit code, once it has ended. */
  readonly gone: Promise<number | null>;
}

/** `s3`: where recordings and the ledger are, when not in moto. `through`: what calls of tasks and functions go through. */
export async function startCloud(
  s3?: Pick<Radosgw, 'bucket' | 'environment'>,
  through: (endpoint: string) => Promise<string> = async (endpoint) => endpoint,
): Promise<Cloud> {
  const folder = mkdtempSync(join(tmpdir(), 'custody-cloud-'));
  const portBase = await freePortBase();
  const [moto, database, issuer, key] = await Promise.all([
    startMoto(),
    startDebianPostgres(portBase + 43, 'scram-sha-256'),
    startIssuer(),
    makeKey('k1'),
  ]);
  issuer.keys = [key.jwk];
  const certificates = await localCertificates(join(folder, 'tls'), new Date());
  const { clients } = moto;
  const secret = async (Name: string, SecretString: string): Promise<string> => {
    await clients.secrets.send(new CreateSecretCommand({ Name, SecretString }));
    return Name;
  };
  const { cert, key: keyFile } = certificates.gateway;
  const tls = JSON.stringify({ cert: readFileSync(cert, 'utf8'), key: readFileSync(keyFile, 'utf8') });
  await secret('orders-db', JSON.stringify({ username: 'app', password: database.password }));
  const names = Object.keys(tables) as TableName[];
  const made = await Promise.all(names.map(async (name) => [name, await moto.table(name)] as const));
  const bucket = await (s3 ?? moto).bucket();
  const [configBucket, eventsBucket] = [await (s3 ?? moto).bucket(), await (s3 ?? moto).bucket()];
  const environment: Record<string, string> = {
    ...moto.environment,
    AWS_ENDPOINT_URL: await through(moto.endpoint),
    ...s3?.environment,
    CUSTODY_BUCKET: bucket,
    CUSTODY_CONFIG_BUCKET: configBucket,
    CUSTODY_EVENTS_BUCKET: eventsBucket,
    CUSTODY_EVENTS_DATABASE: DATABASE,
    CUSTODY_SIGNING_KEY: await moto.signingKey(),
    CUSTODY_LEDGER_ORIGIN: ORIGIN,
    CUSTODY_TLS_SECRET: await secret('gateway-tls', tls),
    // The first task's.
    CUSTODY_GATEWAY_ADDRESS: `localhost:${portBase + 45}`,
    ...Object.fromEntries(made.map(([name, table]) => [`CUSTODY_TABLE_${name.toUpperCase()}`, table])),
    CUSTODY_HEALTH_PORT: '0',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
  };
  // The functions read it when they are loaded, as in Lambda.
  Object.assign(process.env, environment);
  const { awsClients } = await import('#adapters/aws/clients.ts');
  const own = awsClients({ region: REGION });
  const putConfig = async (Key: string, Body: string): Promise<void> => {
    await own.s3.send(new PutObjectCommand({ Bucket: configBucket, Key, Body, ChecksumAlgorithm: 'SHA256' }));
  };
  const configure = (text: string): Promise<void> => putConfig('custody.yaml', text);
  await putConfig('gateway-ca.pem', readFileSync(certificates.ca, 'utf8'));
  await configure(configOf(issuer.url, database.port));
  const config = async (): Promise<string> => {
    const { Body } = await own.s3.send(new GetObjectCommand({ Bucket: configBucket, Key: 'custody.yaml' }));
    return Body!.transformToString();
  };
  await athenaClient(REGION).send(
    new CreateWorkGroupCommand({
      Name: DATABASE,
      Configuration: { ResultConfiguration: { OutputLocation: 's3://results/' } },
    }),
  );
  const [authorizer, access, replay, logout, sealer, settler, sequencer, notifier, indexer] =
    await Promise.all([
      import('#lambdas/functions/authorizer.ts'),
      import('#lambdas/functions/access.ts'),
      import('#lambdas/functions/replay.ts'),
      import('#lambdas/functions/logout.ts'),
      import('#lambdas/functions/sealer.ts'),
      import('#lambdas/functions/settler.ts'),
      import('#lambdas/functions/sequencer.ts'),
      import('#lambdas/functions/notifier.ts'),
      import('#lambdas/functions/indexer.ts'),
    ]);
  const scheduled = {
    sealer: sealer.handler,
    settler: settler.handler,
    sequencer: sequencer.handler,
    notifier: notifier.handler,
    indexer: indexer.handler,
  };
  const api = await startApiGateway(
    {
      authorizer: authorizer.handler,
      access: access.handler,
      replay: replay.handler,
      logout: logout.handler,
    },
    (template) => {
      if (template.startsWith('/v1/logout/')) return 'logout';
      return /^\/v1\/(?:sessions|search|ledger|signer|openapi)/.test(template) ? 'replay' : 'access';
    },
  );
  const now = (): Date => new Date();
  const store = s3Store(own.s3, { bucket, lock: 'governance', retentionMs: 86_400_000, mayRead: true, now });
  const token = (person: Person): Promise<string> => signToken(issuer, key, PEOPLE[person]);
  const tasks: ChildProcess[] = [];
  const signer = await kmsSigner(own.kms, environment['CUSTODY_SIGNING_KEY']!).publicKey();
  const pem = createPublicKey({ key: Buffer.from(signer), format: 'der', type: 'spki' }).export({
    format: 'pem',
    type: 'spki',
  });
  const namesOf = (session: string) => store.list(sessionPrefix(session));
  let nextPort = portBase + 44;
  return {
    moto,
    bucket,
    api: api.url,
    ca: certificates.ca,
    database,
    environment,
    store,
    token,
    logoutToken: (person) => logoutToken(issuer, key, PEOPLE[person].sub),
    config,
    configure,
    call: async <T>(person: Person, method: string, path: string, body?: object): Promise<T> => {
      const response = await fetch(api.url + path, {
        method,
        headers: { authorization: `Bearer ${await token(person)}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answered: unknown = await response.json();
      if (response.status >= 300) throw new Error(`${response.status} ${JSON.stringify(answered)}`);
      return answered as T;
    },
    run: (name, event = {}, ms = name === 'sealer' ? SEALER_MS : 60_000) =>
      scheduled[name](event as never, contextFor(ms)),
    index: (key) => {
      const put = { 'detail-type': 'Object Created', detail: { object: { key } } };
      return indexer.handler(put as never, contextFor(900_000));
    },
    derived: (prefix) => objectsOf(own.s3, eventsBucket, prefix),
    task: async (leaseMs = LEASE_MS, main = MAIN) => {
      const args = [
        main,
        '--processes',
        '1',
        '--listen',
        `127.0.0.1:${(nextPort += 1)}`,
        '--lease-ms',
        String(leaseMs),
      ];
      const started = await startTask(nextPort, args, environment, certificates.ca, token);
      tasks.push(started.child);
      return started.task;
    },
    signer: String(pem),
    copy: (into) => copyAll(own.s3, bucket, into),
    verify: (session) =>
      verifyEvidence(
        {
          list: async () => [...(await namesOf(session)), 'signer.pem'],
          get: async (name: string) =>
            name === 'signer.pem' ? Buffer.from(pem) : store.get(sessionPrefix(session) + name),
        },
        { trustedSigners: [signer], session },
      ),
    frames: async (session) => {
      const segments = (await namesOf(session)).filter((name) => name.endsWith('.seg'));
      const frames: RecordedFrame[] = [];
      for (const name of segments) frames.push(...readFrames(await store.get(sessionPrefix(session) + name)));
      return frames;
    },
    stop: async () => {
      for (const child of tasks) child.kill('SIGKILL');
      await Promise.all([api.close(), database.stop(), issuer.close(), moto.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function copyAll(s3: S3Client, bucket: string, into: string): Promise<void> {
  for (const [key, bytes] of await objectsOf(s3, bucket)) {
    mkdirSync(dirname(join(into, key)), { recursive: true });
    writeFileSync(join(into, key), bytes);
  }
}

async function objectsOf(s3: S3Client, Bucket: string, Prefix = ''): Promise<Map<string, Buffer>> {
  const objects = new Map<string, Buffer>();
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix }))
    for (const { Key } of Contents) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: Key! }));
      objects.set(Key!, Buffer.from(await Body!.transformToByteArray()));
    }
  return objects;
}

async function startTask(
  port: number,
  settings: readonly string[],
  environment: Readonly<Record<string, string>>,
  ca: string,
  token: (person: Person) => Promise<string>,
): Promise<{ readonly task: CloudTask; readonly child: ChildProcess }> {
  const args = [...settings, '--drain-ms', '2000', '--config-ms', '200'];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const said: CloudTask['said'][number][] = [];
  const gone = new Promise<number | null>((done) => child.once('close', done));
  await new Promise<void>((ready, failed) => {
    createInterface(child.stderr).on('line', (line) => {
      if (!line.startsWith('{')) return;
      said.push(JSON.parse(line) as CloudTask['said'][number]);
      if (said.at(-1)!.event === 'listening') ready();
    });
    child.once('close', () => failed(new Error(JSON.stringify(said.at(-1)))));
  });
  const task: CloudTask = {
    port,
    pid: child.pid!,
    said,
    gone,
    connect: async (person, database, options) => {
      const client = new pg.Client({
        host: '127.0.0.1',
        port,
        database,
        user: 'dana',
        password: await token(person),
        ssl: { ca: readFileSync(ca, 'utf8'), servername: 'localhost' },
        ...(options === undefined ? {} : { options }),
      });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return gone;
    },
  };
  return { task, child };
}

function configOf(issuer: string, port: number): string {
  const target = (name: string): string => `  ${name}:
    protocol: postgres
    address: 127.0.0.1:${port}
    database: postgres
    credential: { user: app, secret: orders-db }
    tls: { mode: disable }
    recording: { retention: { keep: 30d, lock: compliance } }
`;
  return `version: 1
identity: { issuer: '${issuer}', audience: custody, groupsClaim: groups, backchannelLogout: true }
targets:
${target('orders-db')}${target('orders-prod')}rules:
  - { name: developers-work, groups: [developers], targets: [orders-db], allow: [connect] }
  - name: developers-ask
    groups: [developers]
    targets: [orders-prod]
    allow: [connect]
    approval: { reviewers: { any: [reviewers] }, approvals: 2, maxDuration: 4h }
  - { name: auditors, groups: [auditors], targets: ['*'], allow: [replay, export], sessions: any }
  - { name: reviewers-stop, groups: [reviewers], targets: ['*'], allow: [terminate], sessions: any }
  - { name: platform, groups: [platform], targets: ['*'], allow: [administer] }
`;
}
