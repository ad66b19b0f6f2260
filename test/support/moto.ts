import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DeleteTableCommand } from '@aws-sdk/client-dynamodb';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { type AwsClients, awsClients } from '#adapters/aws/clients.ts';
import { type CredentialPorts, targetCredentials } from '#adapters/aws/target-credentials.ts';
import { type TableName, type TableSchema, tables } from '#adapters/aws/tables.ts';
import { eventually } from './clients.ts';

export const REGION = 'eu-central-1';
/** Where Python finds what makes the emulator's transactions as isolated as AWS's are. */
const ONE_AT_A_TIME = fileURLToPath(new URL('one-at-a-time', import.meta.url));
const PATIENCE_MS = 30_000;
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

/** An AWS in one process: good for all but Object Lock. */
export interface Moto {
  readonly endpoint: string;
  readonly clients: AwsClients;
  /** What a process needs in its environment to use it. */
  readonly environment: Readonly<Record<string, string>>;
  /** A table of a new name. */
  table(name: TableName): Promise<string>;
  /** Drops what is in a table, which the emulator otherwise holds in memory for ever. */
  empty(table: string, name: TableName): Promise<void>;
  /** A bucket of a new name, made with Object Lock. */
  bucket(): Promise<string>;
  /** A new P-256 key; its id. */
  signingKey(): Promise<string>;
  stop(): Promise<void>;
}

/** Whether moto's server is on this machine (pip install 'moto[server]'); where clients are required it has to be. */
export function hasMoto(): boolean {
  try {
    // Not run: its own --help takes half a second.
    execFileSync('sh', ['-c', 'command -v "$0"', motoServer()], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CUSTODY_REQUIRE_CLIENTS']) throw error;
    process.stderr.write("LEFT OUT: tests that need moto (pip install 'moto[server]==5.2.1')\n");
    return false;
  }
}

/** `CUSTODY_MOTO`: where it is, when it is not on the path. */
function motoServer(): string {
  return process.env['CUSTODY_MOTO'] ?? 'moto_server';
}

export async function startMoto(environment: Readonly<Record<string, string>> = {}): Promise<Moto> {
  const port = await freePort();
  const server = spawn(motoServer(), ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, PYTHONPATH: ONE_AT_A_TIME, ...environment },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  let gone = false;
  server.once('exit', () => (gone = true));
  await eventually('moto', () => answers(endpoint), 60_000);
  // Another server may have had the port first, and answered in its place.
  if (gone) throw new Error('moto ended as soon as it was started');
  return motoAt(endpoint, server);
}

function motoAt(endpoint: string, server: ChildProcess): Moto {
  const clients = patient(awsClients({ region: REGION, endpoint, credentials: CREDENTIALS }));
  return {
    endpoint,
    clients,
    environment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
    table: (name) => createTable(clients, tables[name]),
    empty: async (table, name) => {
      await clients.dynamo.send(new DeleteTableCommand({ TableName: table }));
      await createTable(clients, tables[name], table);
    },
    bucket: () => createBucket(clients),
    signingKey: async () => {
      const made = await clients.kms.send(
        new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
      );
      return made.KeyMetadata!.KeyId!;
    },
    stop: async () => {
      const gone = new Promise((done) => server.once('exit', done));
      server.kill('SIGKILL');
      await gone;
    },
  };
}

/** An emulator loads a service when it is first asked: on a busy machine that is longer than AWS may take, and a retry finds the table made. */
export function patient(clients: AwsClients): AwsClients {
  for (const client of [clients.s3, clients.dynamo, clients.kms, clients.secrets, clients.sts]) {
    (client.config.requestHandler as NodeHttpHandler).updateHttpClientConfig('requestTimeout', PATIENCE_MS);
  }
  return clients;
}

/** Credentials of targets, as the proxy reads them; `secretsAs`: of another account. */
export function credentialsIn(
  { secrets, sts }: Pick<AwsClients, 'secrets' | 'sts'>,
  {
    secretsAs = () => secrets,
    now = () => new Date(),
  }: Partial<Pick<CredentialPorts, 'secretsAs' | 'now'>> = {},
): ReturnType<typeof targetCredentials> {
  return targetCredentials({ secrets, sts, region: REGION, secretsAs, now });
}

/** Makes a table as the stack does. */
export async function createTable(
  { dynamo }: AwsClients,
  schema: TableSchema,
  name = `custody-${randomUUID()}`,
): Promise<string> {
  const { indexes = [] } = schema;
  const keys = [schema, ...indexes].map(keysOf);
  const attributes = [...new Set(keys.flat().map(({ AttributeName }) => AttributeName))];
  await dynamo.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: attributes.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: keysOf(schema),
      ...(indexes.length === 0
        ? {}
        : {
            GlobalSecondaryIndexes: indexes.map((index) => ({
              IndexName: index.name,
              KeySchema: keysOf(index),
              Projection: { ProjectionType: 'ALL' as const },
            })),
          }),
    }),
  );
  return name;
}

function keysOf({ partition, sort }: { readonly partition: string; readonly sort?: string }) {
  const hash = { AttributeName: partition, KeyType: 'HASH' as const };
  return sort === undefined ? [hash] : [hash, { AttributeName: sort, KeyType: 'RANGE' as const }];
}

export async function createBucket({ s3 }: AwsClients): Promise<string> {
  const Bucket = `custody-${randomUUID()}`;
  const configuration = { LocationConstraint: REGION } as const;
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: configuration,
      ObjectLockEnabledForBucket: true,
    }),
  );
  return Bucket;
}

async function answers(endpoint: string): Promise<true | undefined> {
  return fetch(`${endpoint}/moto-api/data.json`).then(
    () => true,
    () => undefined,
  );
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => probe.once('listening', done));
  const { port } = probe.address() as { port: number };
  await new Promise((done) => probe.close(done));
  return port;
}
