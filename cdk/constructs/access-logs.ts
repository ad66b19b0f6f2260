import { Duration } from 'aws-cdk-lib';
import { BlockPublicAccess, type Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { explain } from '../explain.ts';
import { emptiedWhereCreationFails } from './emptied.ts';

/** Who read what in the buckets, kept for a year. S3 writes such logs only where its own key encrypts. */
export class AccessLogs extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.bucket = emptiedWhereCreationFails(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      lifecycleRules: [{ id: 'year', expiration: Duration.days(365) }],
    }).bucket;
    explain(this.bucket, 'it holds the access logs: a log of who read the log would never end', 'S1');
  }
}
