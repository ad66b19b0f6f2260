import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type Bucket, HttpMethods, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Config } from '#core/access/config.ts';
import { signInOrigins } from '#core/access/sign-in-origins.ts';
import { ASSETS, EVIDENCE, PAGE_ROOTS } from '../../../console/build/addresses.ts';
import type { FunctionEnvironment } from '../../environment.ts';
import { type GatewayApi, routePages } from '../api.ts';
import type { Functions } from '../functions.ts';
import { ConsoleDistribution, evidenceHost } from './distribution.ts';
import type { ConsoleSettings } from './settings.ts';

/** Without `http` there is no console. */
type ConsoleApi = Pick<GatewayApi, 'url' | 'http'>;

export interface ConsoleProps {
  readonly settings: ConsoleSettings;
  readonly key: IKey;
  readonly accessLogs: IBucket;
  readonly config: Config;
  readonly api: ConsoleApi;
  readonly evidence: Bucket;
  /** What `npm run build` made when not given. */
  readonly source?: string;
}

/** Where people open the console. */
export class Console extends Construct {
  /** What the authorizer, or the function that serves the console, is told. */
  readonly environment: Partial<Pick<FunctionEnvironment, 'CUSTODY_EDGE_SECRET' | 'CUSTODY_EVIDENCE_ORIGIN'>>;
  /** What the authorizer may read. */
  readonly secrets: readonly ISecret[];
  readonly outputs: Readonly<Record<string, readonly [value: string, description: string]>>;
  readonly distribution: ConsoleDistribution | undefined;
  readonly #api: HttpApi | undefined;

  constructor(scope: Construct, id: string, props: ConsoleProps) {
    super(scope, id);
    const { settings, api, evidence } = props;
    this.#api = api.http;
    this.distribution = typeof settings === 'object' ? this.#distribution(settings, props) : undefined;
    this.secrets = this.distribution === undefined ? [] : [this.distribution.secret as ISecret];
    this.environment = this.#environment(props);
    this.outputs = outputsOf(props, this.distribution);
    if (settings === 'api') letRead(evidence, api.url);
  }

  /** What the API itself answers of it. */
  route({ byName }: Functions): void {
    if (byName.console === undefined || this.#api === undefined) return;
    const roots = PAGE_ROOTS.flatMap((root) => [`/${root}`, `/${root}/{proxy+}`]);
    routePages(this.#api, byName.console, ['/', `${ASSETS}{proxy+}`, `${EVIDENCE}/{proxy+}`, ...roots]);
  }

  #distribution(
    settings: Exclude<ConsoleSettings, string | false>,
    { settings: _settings, config, ...props }: ConsoleProps,
  ): ConsoleDistribution {
    return new ConsoleDistribution(this, 'Edge', { ...settings, ...props, connect: signInOrigins(config) });
  }

  #environment({ settings, evidence }: ConsoleProps): Console['environment'] {
    if (this.distribution !== undefined) return { CUSTODY_EDGE_SECRET: this.distribution.secret.secretArn };
    return settings === 'api' ? { CUSTODY_EVIDENCE_ORIGIN: `https://${evidenceHost(evidence)}` } : {};
  }
}

function outputsOf(
  { settings, api }: ConsoleProps,
  edge: ConsoleDistribution | undefined,
): Console['outputs'] {
  const words = 'The console; register <ConsoleUrl>/callback at the identity provider';
  if (settings === 'api') return { ConsoleUrl: [api.url, words] };
  if (edge === undefined || settings === false) return {};
  const { distributionDomainName: name } = edge.distribution;
  const { domainName } = settings;
  if (domainName === undefined) return { ConsoleUrl: [`https://${name}`, words] };
  return {
    ConsoleUrl: [`https://${domainName}`, words],
    ConsoleName: [name, 'The console: make a CNAME of its domain name to this'],
  };
}

/** The page follows links to evidence there. */
function letRead(evidence: Bucket, origin: string): void {
  evidence.addCorsRule({
    allowedOrigins: [origin],
    allowedMethods: [HttpMethods.GET, HttpMethods.HEAD],
    allowedHeaders: ['range'],
    exposedHeaders: ['content-range', 'etag'],
    maxAge: 600,
  });
}
