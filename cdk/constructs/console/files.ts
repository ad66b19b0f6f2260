import { join } from 'node:path';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, type Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, CacheControl, type ISource, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { cachingOf } from '../../../console/build/headers.ts';
import { built } from '../../artifacts.ts';
import { BUCKET_FILES } from '../../console-folder.ts';
import { explainDeployment } from '../config-store.ts';
import { emptiedWhereCreationFails } from '../emptied.ts';
import { encryptedLog } from '../log-group.ts';

export interface ConsoleFilesProps {
  readonly key: IKey;
  readonly accessLogs: IBucket;
  /** What `npm run build` made when not given. */
  readonly source?: string;
}

/** Where CloudFront finds the console: public code, and nothing of anybody. */
export class ConsoleFiles extends Construct {
  readonly bucket: Bucket;

  constructor(
    scope: Construct,
    id: string,
    { key, accessLogs, source = built(join('dist', BUCKET_FILES)) }: ConsoleFilesProps,
  ) {
    super(scope, id);
    const { bucket, emptying } = emptiedWhereCreationFails(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: 'console/',
    });
    this.bucket = bucket;
    const logGroup = encryptedLog(this, 'DeploymentLog', key);
    const put = (name: string, isImmutable: boolean, part: ISource, only: readonly string[]) => {
      const made = new BucketDeployment(this, name, {
        sources: [part],
        destinationBucket: bucket as IBucket,
        cacheControl: [CacheControl.fromString(cachingOf({ isImmutable }))],
        exclude: ['*'],
        include: [...only],
        // A page that is open loads parts of the build that it is of.
        prune: false,
        retainOnDelete: true,
        logGroup,
      });
      made.node.addDependency(emptying);
      return made;
    };
    const assets = put('Assets', true, Source.asset(source), ['assets/*']);
    const page = put('Page', false, Source.asset(source), ['index.html']);
    // What it names has to be there.
    page.node.addDependency(assets);
    explainDeployment(page, 'the console');
  }
}
