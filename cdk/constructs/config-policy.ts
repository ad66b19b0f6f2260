import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { denyEverybody } from '../deny.ts';
import { deploymentRole } from '../deployment-role.ts';

export interface ConfigWriters {
  /** The role that copies the files while the stack is deployed. */
  readonly handler: string;
  /** The role that empties the bucket where the first deployment fails; nobody where the stack is protected. */
  readonly emptier?: string | undefined;
}

/**
 * Whoever writes custody.yaml gives access to everything, within seconds: only deployments do, which people review. An administrator
 * who may write any bucket has to change this policy first, in sight of CloudTrail, and may not do that either.
 */
export function configPolicy(bucket: IBucket, { handler, emptier }: ConfigWriters): PolicyStatement[] {
  const deployment = deploymentRole(bucket);
  const but = (...arns: readonly (string | undefined)[]) => ({
    ArnNotLike: { 'aws:PrincipalArn': arns.filter((arn) => arn !== undefined) },
  });
  const objects = [bucket.arnForObjects('*')];
  return [
    denyEverybody('OnlyDeploymentsWrite', WRITING, objects, but(deployment, handler)),
    denyEverybody('OnlyDeploymentsRemove', REMOVAL, objects, but(deployment, handler, emptier)),
    denyEverybody('OnlyDeploymentsChangeTheBucket', CHANGES, [bucket.bucketArn], but(deployment, emptier)),
  ];
}

/** What another bucket is replicated here with needs no s3:PutObject. https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html */
const WRITING = ['s3:PutObject', 's3:ReplicateObject'];

/** An older version comes to light where a newer one is removed. */
const REMOVAL = ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:ReplicateDelete'];

/** What lets others write, or makes objects vanish by itself. */
const CHANGES = [
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
  's3:PutBucketAcl',
  's3:PutBucketOwnershipControls',
  's3:PutBucketVersioning',
  's3:PutLifecycleConfiguration',
  's3:PutReplicationConfiguration',
  's3:DeleteBucket',
];
