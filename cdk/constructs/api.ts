import { Duration, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  DomainName,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  type HttpRoute,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { aliasRecord } from '../alias-record.ts';
import { explain } from '../explain.ts';
import { type ApiRoute, routes } from '../routes.ts';
import type { Functions } from './functions.ts';
import { encryptedLog } from './log-group.ts';

/** Requests a second for the whole API: people and scripts, and no flood reaches the tables. */
export const THROTTLE = { rateLimit: 100, burstLimit: 200 } as const;

/** CDK's own format is of REST APIs: an HTTP API does not know its words for what was called. `code`: why it was refused. */
const LOGGED = {
  request: '$context.requestId',
  at: '$context.requestTime',
  from: '$context.identity.sourceIp',
  // Behind the console's CloudFront another; the authorizer's word.
  viewer: '$context.authorizer.address',
  route: '$context.routeKey',
  status: '$context.status',
  code: '$context.authorizer.code',
  ms: '$context.responseLatency',
} as const;

/** The control plane's address, of either kind. */
export interface GatewayApi {
  readonly id: string;
  readonly url: string;
  /** Where it has a public address: pages may be there too, or CloudFront before it. */
  readonly http: HttpApi | undefined;
  /** Its routes come once there are functions, which know the address themselves. */
  route(functions: Functions): void;
  /** How many calls a minute it answers with its own fault. */
  failures(): IMetric;
}

/** A name of yours, with its certificate, of the same region. */
export interface ApiName {
  readonly domainName: string;
  readonly certificate: ICertificate;
  /** Where its record is made; by whoever owns the zone when not given. */
  readonly hostedZoneId?: string | undefined;
}

/** A public one, which API Gateway calls an HTTP API. */
export class Api extends Construct implements GatewayApi {
  readonly api: HttpApi;
  readonly url: string;
  /** What a CNAME of the name leads to. */
  readonly alias: string | undefined;

  constructor(scope: Construct, id: string, key: IKey, name?: ApiName) {
    super(scope, id);
    this.api = new HttpApi(this, 'Api', {
      apiName: `Custody ${Stack.of(this).stackName}`,
      description: 'Custody',
      createDefaultStage: false,
      // Else there would be a way around what is before the name.
      ...(name === undefined ? {} : { disableExecuteApiEndpoint: true }),
    });
    const domain = name && this.#named(name);
    this.api.addStage('Stage', {
      stageName: '$default',
      autoDeploy: true,
      throttle: THROTTLE,
      detailedMetricsEnabled: true,
      ...(domain === undefined ? {} : { domainMapping: { domainName: domain } }),
      accessLogSettings: {
        destination: new LogGroupLogDestination(encryptedLog(this, 'Log', key)),
        format: AccessLogFormat.custom(JSON.stringify(LOGGED)),
      },
    });
    this.url = name === undefined ? this.api.apiEndpoint : `https://${name.domainName}`;
    this.alias = domain?.regionalDomainName;
  }

  get id(): string {
    return this.api.apiId;
  }

  get http(): HttpApi {
    return this.api;
  }

  failures(): IMetric {
    return this.api.metricServerError({ period: Duration.minutes(1), statistic: Stats.SUM });
  }

  #named({ domainName, certificate, hostedZoneId }: ApiName): DomainName {
    const domain = new DomainName(this, 'Name', { domainName, certificate });
    if (hostedZoneId !== undefined)
      aliasRecord(this, 'Record', {
        ...{ hostedZoneId, name: domainName },
        to: { dnsName: domain.regionalDomainName, hostedZoneId: domain.regionalHostedZoneId },
      });
    return domain;
  }

  /** Every call is looked at anew: nobody is let in on what was true a minute ago. */
  route({ byName }: Functions): void {
    const authorizer = new HttpLambdaAuthorizer('Authorizer', byName.authorizer, {
      responseTypes: [HttpLambdaResponseType.SIMPLE],
      identitySource: ['$request.header.Authorization'],
      resultsCacheTtl: Duration.seconds(0),
    });
    const integrations = {
      access: new HttpLambdaIntegration('Access', byName.access, ANY_ROUTE),
      replay: new HttpLambdaIntegration('Replay', byName.replay, ANY_ROUTE),
      scim: new HttpLambdaIntegration('Scim', byName.scim, ANY_ROUTE),
      logout: new HttpLambdaIntegration('Logout', byName.logout, ANY_ROUTE),
      ssh: new HttpLambdaIntegration('Ssh', byName.ssh, ANY_ROUTE),
    };
    for (const route of routes) {
      const made = this.api.addRoutes({
        path: gatewayPath(route),
        methods: [route.method as HttpMethod],
        integration: integrations[route.to as keyof typeof integrations],
        authorizer: route.open ? new HttpNoneAuthorizer() : authorizer,
      });
      if (route.open) made.forEach(isOpen);
    }
  }
}

/** A permission of this API for each function, not for each route: a stack has 500 resources, and targets need some. */
const ANY_ROUTE = { scopePermissionToRoute: false } as const;

/** For pages of the console, and what they are made of. */
export function routePages(api: HttpApi, lambda: IFunction, paths: readonly string[]): void {
  const integration = new HttpLambdaIntegration('Console', lambda);
  const methods = [HttpMethod.GET, HttpMethod.HEAD];
  for (const path of paths) {
    const made = api.addRoutes({ path, methods, integration, authorizer: new HttpNoneAuthorizer() });
    for (const route of made)
      explain(
        route,
        'the page asks whoever opens it to sign in, and holds nothing that is not public',
        'APIG4',
      );
  }
}

function gatewayPath({ path }: ApiRoute): string {
  return path.replace('{proxy}', '{proxy+}');
}

function isOpen(route: HttpRoute): void {
  explain(
    route,
    'anybody may read the public key, where to log in, and what the API looks like; an issuer signs what it sends, and its directory shows a secret',
    'APIG4',
  );
}
