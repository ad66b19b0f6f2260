/**
 * What functions are made of: AWS adapters by the environment. One function each, so that a bundle holds what its function
 * names and nothing else.
 */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AwsClients } from '#adapters/aws/clients.ts';
import { ConfigBucket } from '#adapters/aws/config-bucket.ts';
import { dynamoDeliveries } from '#adapters/aws/deliveries.ts';
import type { AwsSettings } from '#adapters/aws/env.ts';
import { dynamoLeafPlaces } from '#adapters/aws/leaf-places.ts';
import { dynamoLeafQueue } from '#adapters/aws/leaf-queue.ts';
import { s3LedgerHead } from '#adapters/aws/ledger-head.ts';
import { dynamoRunStore } from '#adapters/aws/runs-store.ts';
import { s3Store } from '#adapters/aws/s3-store.ts';
import { dynamoSessionIndex } from '#adapters/aws/session-index.ts';
import type { Config } from '#core/access/config.ts';
import type { LeafPlaces, LeafQueue, LedgerHead } from '#core/ledger/ports.ts';
import { WebhookStream } from '#core/notify/stream.ts';
import type { RecordingSink, RecordingSource, Signer } from '#core/recording/ports.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import type { SessionCatalog, SessionIndex } from '#core/recording/session-index.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import { workflowTexts } from '#core/tasks/workflow-texts.ts';
import { FreshPolicy } from './fresh-policy.ts';
import { storedLedger } from './ledger/stored-ledger.ts';
import type { RunsPorts } from './runs/handler.ts';
import type { LedgerView } from './sessions/handler.ts';

const DAY_MS = 24 * 3_600_000;

export function now(): Date {
  return new Date();
}

export function freshPolicy(settings: AwsSettings, s3: AwsClients['s3']): Promise<FreshPolicy> {
  const { CUSTODY_CONFIG_BUCKET: bucket, CUSTODY_CONFIG_KEY: key } = settings;
  const config = new ConfigBucket({ s3, bucket, key, folder: join(tmpdir(), 'custody-certificates') });
  return FreshPolicy.of(async () => (await config.read()).config, now);
}

export function sessionsOf(
  { CUSTODY_TABLE_SESSIONS: table }: AwsSettings,
  dynamo: AwsClients['dynamo'],
): SessionIndex & SessionCatalog {
  return dynamoSessionIndex({ dynamo, table, now });
}

export function leavesOf(
  { CUSTODY_TABLE_COORDINATION: table }: AwsSettings,
  dynamo: AwsClients['dynamo'],
): LeafQueue {
  return dynamoLeafQueue({ dynamo, table, now });
}

/** For functions that may read. */
export function storeOf(settings: AwsSettings, s3: AwsClients['s3']): RecordingSink & RecordingSource {
  const { CUSTODY_BUCKET: bucket, CUSTODY_LEDGER_LOCK: lock, CUSTODY_LEDGER_KEEP_DAYS: days } = settings;
  return s3Store(s3, { bucket, lock, retentionMs: days * DAY_MS, mayRead: true, now });
}

/** Each head is locked for as long as the ledger is: the bucket's default is that of recordings. */
export function ledgerHeadOf(settings: AwsSettings, s3: AwsClients['s3']): LedgerHead {
  const { CUSTODY_BUCKET: bucket, CUSTODY_LEDGER_LOCK: lock, CUSTODY_LEDGER_KEEP_DAYS: days } = settings;
  return s3LedgerHead(s3, bucket, { lock, retentionMs: days * DAY_MS, now });
}

export function leafPlacesOf(
  { CUSTODY_TABLE_SESSIONS: table }: AwsSettings,
  dynamo: AwsClients['dynamo'],
): LeafPlaces {
  return dynamoLeafPlaces({ dynamo, table });
}

export function ledgerOf(
  settings: AwsSettings,
  { s3, dynamo }: Pick<AwsClients, 's3' | 'dynamo'>,
  signer: Pick<Signer, 'publicKey'>,
): LedgerView {
  const head = s3LedgerHead(s3, settings.CUSTODY_BUCKET);
  return {
    ...storedLedger(settings.CUSTODY_LEDGER_ORIGIN, { head, store: storeOf(settings, s3), signer }),
    find: (session) => leafPlacesOf(settings, dynamo).of(session),
  };
}

/** Runs of workflows, as the API has them. Results are derived elsewhere. */
export function runPorts(
  settings: AwsSettings,
  { s3, dynamo }: Pick<AwsClients, 's3' | 'dynamo'>,
  policy: () => Config,
): Pick<RunsPorts, 'runs' | 'desk' | 'texts'> {
  const runs = dynamoRunStore({ dynamo, table: settings.CUSTODY_TABLE_RUNS }, now);
  const texts = workflowTexts(storeOf(settings, s3));
  const deliveries = dynamoDeliveries(dynamo, settings.CUSTODY_TABLE_DELIVERIES);
  const stream = new WebhookStream(() => policy().webhooks, deliveries);
  const newId = (at: Date): string => newSessionId(at.getTime(), randomBytes(10));
  const newKey = (): Uint8Array => randomBytes(32);
  const leaves = leavesOf(settings, dynamo);
  return { runs, texts, desk: new RunDesk({ runs, texts, leaves, stream, now, newId, newKey }) };
}
