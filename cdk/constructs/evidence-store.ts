import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type IBucket,
  ObjectLockRetention,
  ObjectOwnership,
  StorageClass,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { CHECKPOINT } from '#core/ledger/layout.ts';
import { KEPT, keep } from '../kept.ts';
import { evidencePolicy } from './evidence-policy.ts';

export interface EvidenceStoreProps {
  readonly key: IKey;
  readonly accessLogs: IBucket;
  readonly lock: 'governance' | 'compliance';
  /** The bucket's default lock, for objects that come without one. */
  readonly lockDays: number;
  /** The longest that a session is locked: a day later its objects go. */
  readonly longestDays: number;
  readonly breakGlassRoleArn?: string;
  /** How long the ledger is locked. */
  readonly ledgerDays: number;
  /** Whether anything may be locked so that nobody can lift it. */
  readonly acknowledgeCompliance: boolean;
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
    const { key, accessLogs, lock, lockDays, longestDays } = props;
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
      removalPolicy: KEPT,
      lifecycleRules: lifecycle(longestDays + 1, Math.max(lockDays, props.ledgerDays) + 1),
    });
    // By the template alone: what CDK has for it is a function that may change every bucket's notifications.
    const template = this.bucket.node.defaultChild as CfnBucket;
    template.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
    const limits = {
      sessionDays: longestDays,
      otherDays: Math.max(lockDays, props.ledgerDays),
      compliance: props.acknowledgeCompliance,
      breakGlassRoleArn: props.breakGlassRoleArn,
    };
    for (const statement of evidencePolicy(this.bucket as IBucket, limits)) {
      this.bucket.addToResourcePolicy(statement);
    }
    // Else a deletion of the stack would leave the recordings, and nothing that refuses to delete them.
    keep(this.bucket.policy!);
  }
}

/** The ledger stays: it proves what there was. */
function lifecycle(expireDays: number, headDays: number) {
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
      ...gone(expireDays),
    },
    { id: 'indexes', prefix: 'indexes/', ...gone(expireDays) },
    // One a minute where there are sessions: the newest stays, and proves the earlier ones.
    { id: 'heads', prefix: CHECKPOINT, noncurrentVersionExpiration: Duration.days(headDays) },
    { id: 'parts', abortIncompleteMultipartUploadAfter: PARTS_KEPT },
  ];
}

function gone(days: number) {
  return { expiration: Duration.days(days), noncurrentVersionExpiration: Duration.days(1) };
}
