import { CfnDeletionPolicy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Bucket, type BucketProps, type CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { keep } from '../kept.ts';

/**
 * A bucket that has objects before the stack is complete, and that CloudFormation can remove all the same where the creation fails:
 * CDK's own function empties it. It is kept as the bucket is, which means that CloudFormation calls it when the creation is rolled
 * back, and never when the stack is deleted. Never for recordings.
 */
export function emptiedWhereCreationFails(scope: Construct, id: string, props: BucketProps): EmptiedBucket {
  const bucket = new Bucket(scope, id, {
    ...props,
    autoDeleteObjects: true,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  // In the template alone: CDK empties no bucket that it takes for one to be kept.
  const made = bucket.node.defaultChild as CfnBucket;
  made.addOverride('DeletionPolicy', CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE);
  made.addOverride('UpdateReplacePolicy', CfnDeletionPolicy.RETAIN);
  const emptying = bucket.node
    .findAll()
    .find(({ node }) => node.id === 'AutoDeleteObjectsCustomResource') as Construct;
  keep(emptying);
  return { bucket, emptying, emptier: emptierRole(bucket) };
}

export interface EmptiedBucket {
  readonly bucket: Bucket;
  /** What puts objects there comes after this. */
  readonly emptying: Construct;
  /** The ARN of the role that empties it. */
  readonly emptier: string;
}

/** CDK has one such function for all buckets of a stack. */
function emptierRole(bucket: Bucket): string {
  const provider = Stack.of(bucket).node.findChild('Custom::S3AutoDeleteObjectsCustomResourceProvider');
  return (provider as Construct & { readonly roleArn: string }).roleArn;
}
