import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { type Conditions, denyEverybody as deny } from '../deny.ts';
import { deploymentRole } from '../deployment-role.ts';

export interface LockLimits {
  /** The longest that a recording is locked. */
  readonly sessionDays: number;
  /** The longest that anything else is: the ledger. */
  readonly otherDays: number;
  /** Somebody knows that nobody can lift a compliance lock. */
  readonly compliance: boolean;
  /** May lift governance locks, delete and end legal holds. */
  readonly breakGlassRoleArn?: string | undefined;
}

/**
 * What nobody may do to recordings, whatever their own policies allow. Object Lock refuses the same where an object is locked;
 * this refuses it to administrators as well, until somebody changes the policy in sight of CloudTrail.
 */
export function evidencePolicy(bucket: IBucket, limits: LockLimits): PolicyStatement[] {
  const { breakGlassRoleArn } = limits;
  // Recordings, results of tasks, and the texts of the workflows that those are judged by.
  const evidence = ['sessions/*', 'workflows/*'].map((prefix) => bucket.arnForObjects(prefix));
  const objects = bucket.arnForObjects('*');
  const exempt: Conditions =
    breakGlassRoleArn === undefined ? {} : { ArnNotEquals: { 'aws:PrincipalArn': breakGlassRoleArn } };
  return [
    // The bucket's default would lock such an object too, but not for as long as its target asks.
    deny('PutsCarryTheirLock', ['s3:PutObject'], evidence, { Null: { 's3:object-lock-mode': 'true' } }),
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    deny('PutsNeverReplace', ['s3:PutObject'], evidence, {
      Null: { 's3:if-none-match': 'true' },
      Bool: { 's3:ObjectCreationOperation': 'true' },
    }),
    // A replica is put without any of that, over what is there. https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
    deny('NobodyReplicatesHere', ['s3:ReplicateObject', 's3:ReplicateDelete'], [objects]),
    deny('NobodyDeletes', ['s3:DeleteObject', 's3:DeleteObjectVersion'], [objects], exempt),
    deny('NobodyShortensLocks', ['s3:BypassGovernanceRetention'], [objects], exempt),
    deny('NobodyEndsLegalHolds', ['s3:PutObjectLegalHold'], [objects], {
      ...exempt,
      StringEquals: { 's3:object-lock-legal-hold': 'OFF' },
    }),
    ...lockCaps(bucket, limits),
    deny('OnlyDeploymentsChangeTheLock', LOCK_CHANGES, [bucket.bucketArn], {
      ArnNotLike: { 'aws:PrincipalArn': deploymentRole(bucket) },
    }),
  ];
}

/** A put with a lock in its headers is judged by these keys as a change of the lock is. */
const LOCKING = ['s3:PutObject', 's3:PutObjectRetention'];

/**
 * A lock cannot be taken back, and is paid for until its end: whoever may put recordings must not lock them, or all that there are,
 * for a century. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
 */
function lockCaps(bucket: IBucket, { sessionDays, otherDays, compliance }: LockLimits): PolicyStatement[] {
  const objects = bucket.arnForObjects('*');
  // S3 counts days that have begun.
  const longer = (days: number): Conditions => ({
    NumericGreaterThan: { 's3:object-lock-remaining-retention-days': String(days + 1) },
  });
  const caps = [
    deny('LocksOfSessionsEnd', LOCKING, [bucket.arnForObjects('sessions/*')], longer(sessionDays)),
    deny('LocksEnd', LOCKING, [objects], longer(Math.max(sessionDays, otherDays))),
  ];
  const irrevocable = { StringEquals: { 's3:object-lock-mode': 'COMPLIANCE' } };
  return compliance ? caps : [...caps, deny('NoComplianceLocks', LOCKING, [objects], irrevocable)];
}

/** A bucket that expires objects early or stops keeping versions hides them as a deletion would. */
const LOCK_CHANGES = [
  's3:PutBucketObjectLockConfiguration',
  's3:PutBucketVersioning',
  's3:PutLifecycleConfiguration',
  's3:DeleteBucket',
];
