import { Aws, Duration, Stack } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  ApiDefinition,
  EndpointType,
  LogGroupLogDestination,
  MethodLoggingLevel,
  SpecRestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IInterfaceVpcEndpoint } from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { explain } from '../explain.ts';
import type { FunctionName } from '../function-names.ts';
import { restDocument, STAGE } from '../rest-document.ts';
import { routes } from '../routes.ts';
import { type GatewayApi, THROTTLE } from './api.ts';
import type { Functions } from './functions.ts';
import { encryptedLog } from './log-group.ts';

export interface PrivateApiProps {
  readonly key: IKey;
  /** Of execute-api: calls come through it, and no other way. */
  readonly endpoint: IInterfaceVpcEndpoint;
  /** Of AWS WAF, in the region. */
  readonly webAclArn?: string | undefined;
}

/** As an HTTP API's log has it, in the words that a REST API knows. */
const LOGGED = {
  request: '$context.requestId',
  at: '$context.requestTime',
  from: '$context.identity.sourceIp',
  viewer: '$context.authorizer.address',
  route: '$context.httpMethod $context.resourcePath',
  status: '$context.status',
  code: '$context.authorizer.code',
  ms: '$context.responseLatency',
} as const;

/**
 * The control plane's address where it must not have a public one. HTTP APIs are always public, and a load balancer before Lambda knows
 * no authorizer and takes no answer above 1 MB; a REST API can be private, asks the same authorizer, and takes a web ACL. What it
 * sends has another form (`lambdas/rest-event.ts`).
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html
 */
export class PrivateApi extends Construct implements GatewayApi {
  readonly id: string;
  readonly url: string;
  readonly http = undefined;
  /** The API names functions and functions know its address: of the two, these names are known first. */
  readonly functionNames: string;
  readonly #api: SpecRestApi;

  constructor(scope: Construct, id: string, { key, endpoint, webAclArn }: PrivateApiProps) {
    super(scope, id);
    this.functionNames = `custody-${this.node.addr.slice(-8)}-`;
    this.#api = new SpecRestApi(this, 'Api', {
      restApiName: `Custody ${Stack.of(this).stackName}`,
      apiDefinition: ApiDefinition.fromInline(restDocument(routes, (name) => this.#invocation(name))),
      endpointConfiguration: { types: [EndpointType.PRIVATE], vpcEndpoints: [endpoint] },
      policy: onlyThrough(endpoint),
      cloudWatchRole: true,
      deployOptions: {
        stageName: STAGE,
        throttlingRateLimit: THROTTLE.rateLimit,
        throttlingBurstLimit: THROTTLE.burstLimit,
        metricsEnabled: true,
        tracingEnabled: true,
        loggingLevel: MethodLoggingLevel.ERROR,
        accessLogDestination: new LogGroupLogDestination(encryptedLog(this, 'Log', key)),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(LOGGED)),
      },
    });
    this.id = this.#api.restApiId;
    this.url = `https://${this.id}-${endpoint.vpcEndpointId}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}`;
    explain(this.#api, 'handlers say of each call what is wrong with it, in words', 'APIG2');
    explain(
      this.#api,
      'API Gateway writes its logs with a role of the account that AWS has a policy for',
      PUSH_LOGS,
    );
    if (webAclArn === undefined)
      explain(this.#api.deploymentStage, 'nobody reaches it from the internet', 'APIG3');
    else
      new CfnWebACLAssociation(this, 'WebAcl', {
        resourceArn: this.#api.deploymentStage.stageArn,
        webAclArn,
      });
  }

  /** The API may call what its document names. */
  route({ byName }: Functions): void {
    const called = new Set<FunctionName>(['authorizer', ...routes.map(({ to }) => to)]);
    for (const name of called) this.#mayCall(byName[name]!);
  }

  failures(): IMetric {
    return this.#api.metricServerError({ period: Duration.minutes(1), statistic: Stats.SUM });
  }

  #mayCall(lambda: IFunction): void {
    lambda.addPermission('PrivateApi', {
      principal: new ServicePrincipal('apigateway.amazonaws.com'),
      sourceArn: Stack.of(this).formatArn({ service: 'execute-api', resource: this.id, resourceName: '*' }),
    });
  }

  #invocation(name: FunctionName): string {
    const lambda = `arn:${Aws.PARTITION}:lambda:${Aws.REGION}:${Aws.ACCOUNT_ID}:function:${this.functionNames}${name}`;
    return `arn:${Aws.PARTITION}:apigateway:${Aws.REGION}:lambda:path/2015-03-31/functions/${lambda}/invocations`;
  }
}

const PUSH_LOGS =
  'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]';

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html */
function onlyThrough({ vpcEndpointId }: IInterfaceVpcEndpoint): PolicyDocument {
  const everybody = {
    principals: [new AnyPrincipal()],
    actions: ['execute-api:Invoke'],
    resources: ['execute-api:/*'],
  };
  const elsewhere = { StringNotEquals: { 'aws:SourceVpce': vpcEndpointId } };
  return new PolicyDocument({
    statements: [
      new PolicyStatement({ ...everybody, effect: Effect.DENY, conditions: elsewhere }),
      new PolicyStatement(everybody),
    ],
  });
}
