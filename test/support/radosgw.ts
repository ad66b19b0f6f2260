import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { type AwsClients, awsClients } from '#adapters/aws/clients.ts';
import { type CephCluster, startCephCluster } from './ceph-cluster.ts';
import { eventually } from './clients.ts';
import { createBucket, freePort, REGION } from './moto.ts';

const START_MS = 60_000;

/** An S3 with a real Object Lock: Debian's radosgw. Not to be believed on `If-None-Match` and on checksums. */
export interface Radosgw {
  readonly endpoint: string;
  /** As the user who makes the buckets and owns them. Only `s3` is there. */
  readonly clients: AwsClients;
  /** What a process needs in its environment to use it for S3; put it over moto's, which takes any credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** The owner's, for a test that changes how it sends. */
  ownClient(): S3Client;
  /** A bucket of a new name, made with Object Lock. */
  bucket(): Promise<string>;
  /** A new user, who may do what a bucket's policy grants to `arn`, and nothing else. */
  user(): RadosgwUser;
  stop(): Promise<void>;
}

export interface RadosgwUser {
  readonly s3: S3Client;
  readonly arn: string;
}

/** Whether .ci/radosgw has unpacked it on this machine; where clients are required it has to be. */
export function hasRadosgw(): boolean {
  if (existsSync(join(unpacked(), 'usr/bin/radosgw'))) return true;
  const missing = 'tests that need a real S3 Object Lock (.ci/radosgw fetches one, on Debian)';
  if (process.env['CUSTODY_REQUIRE_CLIENTS']) throw new Error(`radosgw is missing: ${missing}`);
  process.stderr.write(`LEFT OUT: ${missing}\n`);
  return false;
}

/** `CUSTODY_RADOSGW`: the folder that .ci/radosgw printed, when it is not the usual one. */
function unpacked(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return process.env['CUSTODY_RADOSGW'] ?? join(cache, 'custody/radosgw');
}

/** About 2 s and 150 MB. It keeps everything in memory. */
export async function startRadosgw(): Promise<Radosgw> {
  const port = await freePort();
  const cluster = startCephCluster(unpacked(), await freePort(), port);
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await eventually('radosgw', () => answers(endpoint, cluster), START_MS);
    return radosgwAt(endpoint, cluster);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function radosgwAt(endpoint: string, cluster: CephCluster): Radosgw {
  const connect = (credentials: Credentials): AwsClients =>
    awsClients({ region: REGION, endpoint, credentials });
  const { credentials } = createUser(cluster);
  const clients = connect(credentials);
  return {
    endpoint,
    clients,
    environment: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    ownClient: () => connect(credentials).s3,
    bucket: () => createBucket(clients),
    user: () => {
      const other = createUser(cluster);
      return { arn: other.arn, s3: connect(other.credentials).s3 };
    },
    stop: async () => {
      clients.s3.destroy();
      await cluster.stop();
    },
  };
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

function createUser(cluster: CephCluster): { readonly arn: string; readonly credentials: Credentials } {
  const name = `custody-${randomUUID()}`;
  const credentials = {
    accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
    secretAccessKey: randomBytes(20).toString('hex'),
  };
  const keys = [`--access-key=${credentials.accessKeyId}`, `--secret-key=${credentials.secretAccessKey}`];
  const as = ['-n', 'client.rgw', '--no-mon-config'];
  cluster.run('radosgw-admin', ...as, 'user', 'create', `--uid=${name}`, `--display-name=${name}`, ...keys);
  return { arn: `arn:aws:iam:::user/${name}`, credentials };
}

async function answers(endpoint: string, cluster: CephCluster): Promise<true | undefined> {
  cluster.checkAlive();
  return fetch(endpoint).then(
    () => true,
    () => undefined,
  );
}
