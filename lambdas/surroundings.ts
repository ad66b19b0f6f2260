import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import { type AwsClients, awsClients } from '#adapters/aws/clients.ts';
import { ConfigBucket } from '#adapters/aws/config-bucket.ts';
import { dynamoDeliveries } from '#adapters/aws/deliveries.ts';
import { type AwsSettings, readAwsSettings } from '#adapters/aws/env.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { dynamoLeafQueue } from '#adapters/aws/leaf-queue.ts';
import { s3LedgerHead } from '#adapters/aws/ledger-head.ts';
import { s3Store } from '#adapters/aws/s3-store.ts';
import { dynamoSessionIndex } from '#adapters/aws/session-index.ts';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { FreshPolicy } from './fresh-policy.ts';
import type { LedgerView } from './sessions/handler.ts';

/** What functions are made of: AWS adapters by the environment. Each function takes what it may use, and its role says the same. */
export class Surroundings {
  readonly settings: AwsSettings;
  readonly clients: AwsClients;
  readonly now = (): Date => new Date();

  /** Throws `config-invalid`. */
  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.settings = readAwsSettings(environment);
    this.clients = awsClients({ region: this.settings.AWS_REGION });
  }

  policy(): Promise<FreshPolicy> {
    const { CUSTODY_CONFIG_BUCKET: bucket, CUSTODY_CONFIG_KEY: key } = this.settings;
    const folder = join(tmpdir(), 'custody-certificates');
    const config = new ConfigBucket({ s3: this.clients.s3, bucket, key, folder });
    return FreshPolicy.of(async () => (await config.read()).config, this.now);
  }

  access() {
    return dynamoAccessStore(this.clients.dynamo, this.settings.CUSTODY_TABLE_ACCESS);
  }

  deliveries() {
    return dynamoDeliveries(this.clients.dynamo, this.settings.CUSTODY_TABLE_DELIVERIES);
  }

  sessions() {
    const { dynamo } = this.clients;
    return dynamoSessionIndex({ dynamo, table: this.settings.CUSTODY_TABLE_SESSIONS, now: this.now });
  }

  coordination() {
    return { dynamo: this.clients.dynamo, table: this.settings.CUSTODY_TABLE_COORDINATION };
  }

  leaves() {
    return dynamoLeafQueue({ ...this.coordination(), now: this.now });
  }

  signer() {
    return kmsSigner(this.clients.kms, this.settings.CUSTODY_SIGNING_KEY);
  }

  store() {
    const {
      CUSTODY_BUCKET: bucket,
      CUSTODY_LEDGER_LOCK: lock,
      CUSTODY_LEDGER_KEEP_DAYS: days,
    } = this.settings;
    const kept = { lock, retentionMs: days * 24 * 3_600_000 };
    return s3Store(this.clients.s3, { bucket, ...kept, mayRead: true, now: this.now });
  }

  head() {
    return s3LedgerHead(this.clients.s3, this.settings.CUSTODY_BUCKET);
  }

  ledger(): LedgerView {
    const [head, store, signer] = [this.head(), this.store(), this.signer()];
    return {
      newest: async () => {
        const stored = await head.read();
        if (stored === undefined) return undefined;
        const key = await signer.publicKey();
        const checkpoint = openCheckpoint(stored.checkpoint, this.settings.CUSTODY_LEDGER_ORIGIN, key);
        return { note: stored.checkpoint, checkpoint };
      },
      fetch: (path) => store.get(tileKey(path)),
    };
  }
}
