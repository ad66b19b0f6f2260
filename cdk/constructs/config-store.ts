import { RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, Source } from 'aws-cdk-lib/aws-s3-deployment';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { explain, explainPolicyOfCdk } from '../explain.ts';
import { encryptedLog } from './log-group.ts';

export interface ConfigStoreProps {
  /** custody.yaml and the certificates that it names. */
  readonly folder: string;
  readonly accessLogs: IBucket;
  readonly key: IKey;
}

/** Where custody.yaml is for all processes: names and rules, never a secret. Earlier versions stay. */
export class ConfigStore extends Construct {
  readonly bucket: Bucket;
  /** Once it is deployed, they are in the bucket. */
  readonly files: BucketDeployment;

  constructor(scope: Construct, id: string, { folder, accessLogs, key }: ConfigStoreProps) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      versioned: true,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: 'config/',
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.files = new BucketDeployment(this, 'Files', {
      sources: [Source.asset(folder)],
      destinationBucket: this.bucket as IBucket,
      logGroup: encryptedLog(this, 'DeploymentLog', key),
      retainOnDelete: true,
    });
    explainDeployment(this.files);
  }
}

/** It runs while the stack is deployed, and never after. */
function explainDeployment({ handlerRole }: BucketDeployment): void {
  const reason =
    'CDK writes this policy, for copying the configuration from the asset bucket while the stack is deployed';
  explainPolicyOfCdk(handlerRole, reason);
  explain(handlerRole, "CDK's own function logs with AWS's own policy", MANAGED_LOGGING);
  explain(handlerRole.node.scope!, 'CDK chooses the runtime of its own function', 'L1');
}

const MANAGED_LOGGING =
  'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]';
