import { Duration } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  type HttpRoute,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { explain } from '../explain.ts';
import { type ApiRoute, routes } from '../routes.ts';
import type { Functions } from './functions.ts';
import { encryptedLog } from './log-group.ts';

/** Requests a second for the whole API: people and scripts, and no flood reaches the tables. */
const THROTTLE = { rateLimit: 100, burstLimit: 200 } as const;

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

/** The control plane's address. Its routes come once there are functions, which know the address themselves. */
export class Api extends Construct {
  readonly api: HttpApi;

  constructor(scope: Construct, id: string, key: IKey) {
    super(scope, id);
    this.api = new HttpApi(this, 'Api', { description: 'Custody', createDefaultStage: false });
    this.api.addStage('Stage', {
      stageName: '$default',
      autoDeploy: true,
      throttle: THROTTLE,
      detailedMetricsEnabled: true,
      accessLogSettings: {
        destination: new LogGroupLogDestination(encryptedLog(this, 'Log', key)),
        format: AccessLogFormat.custom(JSON.stringify(LOGGED)),
      },
    });
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
