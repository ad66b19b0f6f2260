import { Aws, Duration } from 'aws-cdk-lib';
import { CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { EVENT_TABLES, type EventTable } from '../event-tables.ts';
import { KEPT } from '../kept.ts';
import type { EventPlaces } from '../permissions.ts';

export interface EventsProps {
  readonly key: IKey;
  readonly accessLogs: IBucket;
  /** The longest that a recording is kept: what is derived of it goes when it does. */
  readonly longestDays: number;
}

/** What one query may read at most: a month's events of a large deployment, for some cents. */
const SCANNED_MAX = 20 * 2 ** 30;

/**
 * Events of sealed sessions in a bucket of their own, and how Athena reads them. They are derived and nothing of them is locked; whoever
 * reads them, as a SIEM does, has no right to evidence.
 */
export class Events extends Construct {
  readonly bucket: Bucket;
  readonly database: string;
  readonly workgroup: string;

  constructor(scope: Construct, id: string, { key, accessLogs, longestDays }: EventsProps) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.KMS,
      encryptionKey: key,
      bucketKeyEnabled: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: 'events/',
      removalPolicy: KEPT,
      lifecycleRules: [
        ...['events/', 'steps/', 'made/'].map((prefix) => goes(prefix, longestDays + 1)),
        ...['progress/', 'results/', 'wanted/'].map((prefix) => goes(prefix, 7)),
      ],
    });
    const template = this.bucket.node.defaultChild as CfnBucket;
    template.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
    const name = `custody_${this.node.addr.slice(-8)}`;
    const database = new CfnDatabase(this, 'Database', {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name, description: 'Custody: what was done in sessions, as OCSF events' },
    });
    this.database = name;
    for (const table of EVENT_TABLES) this.#table(table).addResourceDependency(database);
    this.workgroup = this.#workgroup(key, name);
  }

  /** ARNs for who asks. */
  get places(): EventPlaces {
    const { database, workgroup } = this;
    const glue = `arn:${Aws.PARTITION}:glue:${Aws.REGION}:${Aws.ACCOUNT_ID}`;
    return {
      bucket: this.bucket.bucketArn,
      workgroup: `arn:${Aws.PARTITION}:athena:${Aws.REGION}:${Aws.ACCOUNT_ID}:workgroup/${workgroup}`,
      catalog: [`${glue}:catalog`, `${glue}:database/${database}`, `${glue}:table/${database}/steps`],
    };
  }

  #table({ name, description, columns, partitions, projection }: EventTable): CfnTable {
    const place = `s3://${this.bucket.bucketName}/${name}/`;
    const path = partitions.map(([key]) => `${key}=\${${key}}`).join('/');
    return new CfnTable(this, `Table-${name}`, {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.database,
      tableInput: {
        ...{ name, description, tableType: 'EXTERNAL_TABLE' },
        partitionKeys: partitions.map(([key, type]) => ({ name: key, type })),
        parameters: {
          ...projection,
          'projection.enabled': 'true',
          'storage.location.template': `${place}${path}/`,
        },
        storageDescriptor: {
          location: place,
          columns: columns.map(([column, type]) => ({ name: column, type })),
          inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
          serdeInfo: { serializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
        },
      },
    });
  }

  /** Nobody who asks here chooses where answers go, or reads without a limit. */
  #workgroup(key: IKey, name: string): string {
    new CfnWorkGroup(this, 'WorkGroup', {
      name,
      description: 'Custody: searches in what was done in sessions',
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: SCANNED_MAX,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: `s3://${this.bucket.bucketName}/results/`,
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: key.keyArn },
        },
      },
    });
    return name;
  }
}

function goes(prefix: string, days: number) {
  return { id: prefix.slice(0, -1), prefix, expiration: Duration.days(days) };
}
