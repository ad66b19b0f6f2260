import { Aws, Duration, Fn } from 'aws-cdk-lib';
import {
  AccessLevel,
  AllowedMethods,
  type BehaviorOptions,
  CachePolicy,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin, S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  type Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { EVIDENCE } from '../../../console/build/addresses.ts';
import { EDGE_SECRET } from '../../../console/build/edge-headers.ts';
import { consoleHeaders, DATA_HEADERS } from '../../../console/build/headers.ts';
import { apiCode, evidenceCode, pagesCode } from '../../edge-code.ts';
import { explain } from '../../explain.ts';
import { emptiedWhereCreationFails } from '../emptied.ts';
import { ConsoleFiles } from './files.ts';
import { headersPolicy } from './headers-policy.ts';
import type { ConsoleDistributionSettings } from './settings.ts';

export interface ConsoleDistributionProps extends ConsoleDistributionSettings {
  readonly key: IKey;
  readonly accessLogs: IBucket;
  readonly api: { readonly url: string };
  readonly evidence: Bucket;
  /** Origins of identity providers. */
  readonly connect: readonly string[];
  /** What `npm run build` made when not given. */
  readonly source?: string;
}

/** The API answers within half a minute. */
const ANSWER = Duration.seconds(40);
const LOGS_KEPT = Duration.days(365);
const { HTTPS_ONLY } = ViewerProtocolPolicy;

/** The console, the API and evidence under one origin: the page asks nobody else but the identity provider. */
export class ConsoleDistribution extends Construct {
  readonly distribution: Distribution;
  /** What the API knows this by. */
  readonly secret: Secret;

  constructor(scope: Construct, id: string, props: ConsoleDistributionProps) {
    super(scope, id);
    const { domainName, certificate, webAclArn } = props;
    this.secret = new Secret(this, 'Secret', {
      description: 'Custody: CloudFront shows it to the API, which believes it about who asks',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
    });
    explain(this.secret, 'CloudFront takes it when it is deployed: a rotation would leave it behind', 'SMG4');
    const logs = this.#logs(props.accessLogs);
    this.distribution = new Distribution(this, 'Distribution', {
      comment: 'Custody: the console',
      defaultBehavior: this.#pages(props),
      additionalBehaviors: { '/v1/*': this.#api(props), [`${EVIDENCE}/*`]: this.#evidence(props) },
      httpVersion: HttpVersion.HTTP2_AND_3,
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      logBucket: logs as IBucket,
      ...(domainName === undefined || certificate === undefined
        ? {}
        : { domainNames: [domainName], certificate }),
      ...(webAclArn === undefined ? {} : { webAclId: webAclArn }),
    });
    explainDistribution(this.distribution, certificate === undefined);
  }

  #pages({ key, accessLogs, connect, source }: ConsoleDistributionProps): BehaviorOptions {
    const { bucket } = new ConsoleFiles(this, 'Files', {
      ...{ key, accessLogs },
      ...(source === undefined ? {} : { source }),
    });
    const headers = consoleHeaders(connect);
    return {
      // May list, so that what is not there is "not found", and not "forbidden".
      origin: S3BucketOrigin.withOriginAccessControl(bucket as IBucket, {
        originAccessLevels: [AccessLevel.READ, AccessLevel.LIST],
      }),
      viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
      cachePolicy: CachePolicy.CACHING_OPTIMIZED,
      compress: true,
      responseHeadersPolicy: headersPolicy(this, 'PageHeaders', 'Custody: pages', headers),
      functionAssociations: this.#before('Pages', 'one page for all addresses', pagesCode(headers)),
    };
  }

  #api({ api }: ConsoleDistributionProps): BehaviorOptions {
    return {
      origin: origin(Fn.select(2, Fn.split('/', api.url)), {
        // Into the template goes where it is, and not what it is.
        [EDGE_SECRET]: this.secret.secretValue.unsafeUnwrap(),
      }),
      viewerProtocolPolicy: HTTPS_ONLY,
      allowedMethods: AllowedMethods.ALLOW_ALL,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      compress: false,
      responseHeadersPolicy: headersPolicy(this, 'DataHeaders', 'Custody: data', DATA_HEADERS),
      functionAssociations: this.#before('Api', 'tells the API who asks', apiCode(DATA_HEADERS)),
    };
  }

  /** The name is the one that links are signed for; CloudFront signs nothing here. */
  #evidence({ evidence }: ConsoleDistributionProps): BehaviorOptions {
    // Nothing of a recording is ever shown by the browser itself.
    const headers = { ...DATA_HEADERS, 'content-disposition': 'attachment' };
    return {
      origin: origin(evidenceHost(evidence)),
      viewerProtocolPolicy: HTTPS_ONLY,
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      compress: false,
      responseHeadersPolicy: headersPolicy(this, 'EvidenceHeaders', 'Custody: evidence', headers),
      functionAssociations: this.#before('Evidence', 'links of S3', evidenceCode(DATA_HEADERS)),
    };
  }

  #before(id: string, what: string, code: string) {
    const made = new EdgeFunction(this, `${id}Function`, {
      comment: `Custody: ${what}`,
      code: FunctionCode.fromInline(code),
      runtime: FunctionRuntime.JS_2_0,
    });
    return [{ function: made, eventType: FunctionEventType.VIEWER_REQUEST }];
  }

  /** CloudFront writes its log with ACLs. https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-access.html */
  #logs(accessLogs: IBucket): Bucket {
    return emptiedWhereCreationFails(this, 'Logs', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: 'console-logs/',
      lifecycleRules: [{ id: 'year', expiration: LOGS_KEPT }],
    }).bucket;
  }
}

/** As the SDK signs links to it. */
export function evidenceHost({ bucketName }: Pick<IBucket, 'bucketName'>): string {
  return `${bucketName}.s3.${Aws.REGION}.${Aws.URL_SUFFIX}`;
}

function origin(host: string, customHeaders: Readonly<Record<string, string>> = {}): HttpOrigin {
  return new HttpOrigin(host, {
    protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
    originSslProtocols: [OriginSslPolicy.TLS_V1_2],
    readTimeout: ANSWER,
    customHeaders,
  });
}

function explainDistribution(distribution: Distribution, hasOwnName: boolean): void {
  explain(distribution, 'where people may come from is what rules of custody.yaml say, call by call', 'CFR1');
  explain(
    distribution,
    'a web ACL is of whoever deploys, who names it with webAclArn; the API has limits of its own',
    'CFR2',
  );
  if (!hasOwnName) return;
  explain(
    distribution,
    "CloudFront's own name comes with its own least version of TLS; a name of yours has TLS 1.2, and browsers take nothing older",
    'CFR4',
  );
}
