import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { RDSClient } from '@aws-sdk/client-rds';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { STSClient } from '@aws-sdk/client-sts';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** One client for each service, shared by all adapters of a process: connections are kept and counted once. */
export interface AwsClients {
  readonly s3: S3Client;
  readonly dynamo: DynamoDBDocumentClient;
  readonly kms: KMSClient;
  readonly secrets: SecretsManagerClient;
  readonly sts: STSClient;
}

interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export interface AwsClientOptions {
  readonly region: string;
  /** An emulator's address, for tests; AWS's own when not given. */
  readonly endpoint?: string;
  readonly s3Endpoint?: string;
  readonly credentials?: AwsCredentials | (() => Promise<AwsCredentials>);
}

const CONNECT_MS = 1_000;
/** A call answers in milliseconds or not at all; what a session may wait for is decided by its recording's deadline. */
const REQUEST_MS = 3_000;
/** Segments are at most 64 MiB. */
const OBJECT_MS = 30_000;
const ATTEMPTS = 4;
const SOCKETS = 64;
/** Of calls whose answer is old in seconds: a connection that hangs is given up for another in good time, three times in two seconds. */
export const SOON = { requestMs: 700, attempts: 3, sockets: 4 } as const;
/** An item of the journal is there in milliseconds, or asked for anew: by whoever has the patience, who knows when to pause. */
const JOURNAL = { requestMs: 1_000, attempts: 1 } as const;

/** All of them, for a process that needs them all. */
export function awsClients(options: AwsClientOptions): AwsClients {
  return {
    s3: s3Client(options),
    dynamo: dynamoClient(options),
    kms: kmsClient(options),
    secrets: secretsClient(options),
    sts: stsClient(options),
  };
}

// One by one: a function is bundled with the clients that it names.

export function s3Client(options: AwsClientOptions): S3Client {
  const { endpoint, s3Endpoint = endpoint } = options;
  return new S3Client({
    ...common(options),
    requestHandler: handler(OBJECT_MS),
    ...at(s3Endpoint),
    // Emulators have one host name for all buckets.
    forcePathStyle: s3Endpoint !== undefined || hasOwnEndpoint(process.env),
  });
}

export function dynamoClient(options: AwsClientOptions): DynamoDBDocumentClient {
  return documents(options, { requestMs: REQUEST_MS, attempts: ATTEMPTS });
}

/**
 * For the look at live sessions and for the lease: both end sessions where they are not answered in seconds. Its connections are its
 * own, so that nothing else holds them up.
 */
export function watchDynamoClient(options: AwsClientOptions): DynamoDBDocumentClient {
  return documents(options, SOON);
}

/** For the journal's puts, which are tried again by the journal itself: the SDK pauses for half a second after a first throttling. */
export function journalDynamoClient(options: AwsClientOptions): DynamoDBDocumentClient {
  return documents(options, JOURNAL);
}

export function kmsClient(options: AwsClientOptions): KMSClient {
  return new KMSClient(quick(options));
}

export function secretsClient(options: AwsClientOptions): SecretsManagerClient {
  return new SecretsManagerClient(quick(options));
}

/** Of the region, not of the world: that is the one which a VPC's endpoint leads to. */
export function stsClient(options: AwsClientOptions): STSClient {
  return new STSClient(quick(options));
}

export function rdsClient(options: AwsClientOptions): RDSClient {
  return new RDSClient({ ...quick(options), requestHandler: handler(OBJECT_MS) });
}

/** How long an answer is waited for, how often it is asked for, and over how many connections. */
interface Patience {
  readonly requestMs: number;
  readonly attempts: number;
  readonly sockets?: number;
}

function documents(
  options: AwsClientOptions,
  { requestMs, attempts, sockets }: Patience,
): DynamoDBDocumentClient {
  const requestHandler = handler(requestMs, sockets);
  const client = new DynamoDBClient({ ...quick(options), maxAttempts: attempts, requestHandler });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** Retries are the SDK's own, with its growing pauses; every port call may be repeated (its contract says so). */
function common({ region, credentials }: AwsClientOptions) {
  return {
    region,
    maxAttempts: ATTEMPTS,
    retryMode: 'standard',
    ...(credentials === undefined ? {} : { credentials }),
  } as const;
}

function quick(options: AwsClientOptions) {
  return { ...common(options), requestHandler: handler(REQUEST_MS), ...at(options.endpoint) };
}

/** The SDK's own variables: all services elsewhere, or S3 alone. */
function hasOwnEndpoint(environment: NodeJS.ProcessEnv): boolean {
  return ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'].some((name) => environment[name] !== undefined);
}

function at(endpoint: string | undefined): { readonly endpoint?: string } {
  return endpoint === undefined ? {} : { endpoint };
}

function handler(requestTimeout: number, maxSockets = SOCKETS): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: Math.min(CONNECT_MS, requestTimeout),
    requestTimeout,
    throwOnRequestTimeout: true,
    httpAgent: { maxSockets },
    httpsAgent: { maxSockets },
  });
}
