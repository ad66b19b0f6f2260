import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, type Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { explain, explainPolicyOfCdk } from '../explain.ts';
import { keep } from '../kept.ts';
import { configPolicy } from './config-policy.ts';
import { emptiedWhereCreationFails } from './emptied.ts';
import { encryptedLog } from './log-group.ts';

export interface ConfigStoreProps {
  /** custody.yaml and the certificates that it names. */
  readonly folder: string;
  readonly accessLogs: IBucket;
  readonly key: IKey;
  /** Whether the stack is known to work: then nothing of it has to be undone. */
  readonly protect: boolean;
}

/** Where custody.yaml is for all processes: names and rules, never a secret. Deployments alone write it. Earlier versions stay. */
export class ConfigStore extends Construct {
  readonly bucket: Bucket;
  /** Once it is deployed, they are in the bucket. */
  readonly files: BucketDeployment;

  constructor(scope: Construct, id: string, { folder, accessLogs, key, protect }: ConfigStoreProps) {
    super(scope, id);
    const { bucket, emptying, emptier } = emptiedWhereCreationFails(this, 'Bucket', {
      versioned: true,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: 'config/',
    });
    this.bucket = bucket;
    this.files = new BucketDeployment(this, 'Files', {
      sources: [Source.asset(folder)],
      destinationBucket: this.bucket as IBucket,
      logGroup: encryptedLog(this, 'DeploymentLog', key),
      retainOnDelete: true,
    });
    this.files.node.addDependency(emptying);
    const handler = this.files.handlerRole.roleArn;
    for (const statement of configPolicy(bucket as IBucket, { handler, ...(protect ? {} : { emptier }) })) {
      bucket.addToResourcePolicy(statement);
    }
    keep(bucket.policy!);
    explainDeployment(this.files, 'the configuration');
  }
}

/** It runs while the stack is deployed, and never after. */
export function explainDeployment({ handlerRole }: BucketDeployment, what: string): void {
  const reason = `CDK writes this policy, for copying ${what} from the asset bucket while the stack is deployed`;
  explainPolicyOfCdk(handlerRole, reason);
  explain(handlerRole, "CDK's own function logs with AWS's own policy", MANAGED_LOGGING);
  explain(handlerRole.node.scope!, 'CDK chooses the runtime of its own function', 'L1');
}

const MANAGED_LOGGING =
  'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]';
