import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectLockRetention,
  ObjectOwnership,
  StorageClass,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { evidencePolicy } from './evidence-policy.ts';

export interface EvidenceStoreProps {
  readonly key: IKey;
  readonly accessLogs: IBucket;
  readonly lock: 'governance' | 'compliance';
  /** The bucket's default lock, for objects that come without one. */
  readonly lockDays: number;
  /** After how many days a session's objects go: no lock may be longer. */
  readonly expireDays: number;
  readonly breakGlassRoleArn?: string;
}

const COLD_AFTER = Duration.days(90);
/** Parts that never became an object. */
const PARTS_KEPT = Duration.days(7);

/**
 * Where recordings and the ledger are. It has no name of ours: a bucket that stays behind when its stack goes would keep the
 * next stack from taking the name.
 */
export class EvidenceStore extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: EvidenceStoreProps) {
    super(scope, id);
    const { key, accessLogs, lock, lockDays, expireDays, breakGlassRoleArn } = props;
    const retention = Duration.days(lockDays);
    this.bucket = new Bucket(this, 'Bucket', {
      versioned: true,
      objectLockEnabled: true,
      objectLockDefaultRetention:
        lock === 'compliance'
          ? ObjectLockRetention.compliance(retention)
          : ObjectLockRetention.governance(retention),
      encryption: BucketEncryption.KMS,
      encryptionKey: key,
      bucketKeyEnabled: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: 'evidence/',
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: lifecycle(expireDays),
    });
    for (const statement of evidencePolicy(this.bucket as IBucket, breakGlassRoleArn)) {
      this.bucket.addToResourcePolicy(statement);
    }
  }
}

/** The ledger stays: it proves what there was. */
function lifecycle(expireDays: number) {
  return [
    {
      id: 'sessions',
      prefix: 'sessions/',
      // An expiry that comes before the move would make S3 refuse both.
      ...(expireDays > COLD_AFTER.toDays()
        ? {
            transitions: [
              { storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL, transitionAfter: COLD_AFTER },
            ],
          }
        : {}),
      expiration: Duration.days(expireDays),
      noncurrentVersionExpiration: Duration.days(1),
    },
    { id: 'parts', abortIncompleteMultipartUploadAfter: PARTS_KEPT },
  ];
}
