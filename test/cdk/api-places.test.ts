import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { routes } from '#cdk/routes.ts';
import type { CustodyError } from '#core/errors.ts';
import { inWords } from '#test/support/role-policies.ts';
import { gatewayStack, gatewayTemplate, MINIMAL } from '#test/support/stacks.ts';

const CERTIFICATE = 'arn:aws:acm:eu-central-1:123456789012:certificate/0a-1b';
const NAMED = {
  api: { domainName: 'api.example.com', certificateArn: CERTIFICATE, hostedZoneId: 'Z0123456789ABC' },
  gateway: { ...MINIMAL.gateway, hostedZoneId: 'Z0123456789ABC' },
};
const INSIDE = { api: { private: true }, console: false };

type Properties = Readonly<Record<string, unknown>>;

function only(template: Template, type: string): Properties {
  const found = Object.values(template.findResources(type));
  expect(found).toHaveLength(1);
  return found[0]!['Properties'] as Properties;
}

/** What all functions are told. */
function told(template: Template, variable: string): string {
  const [one] = Object.entries(template.findResources('AWS::Lambda::Function')).filter(([id]) =>
    id.startsWith('GatewayFunctionsScim'),
  );
  return inWords(one![1]['Properties'].Environment.Variables[variable]);
}

describe('an API with a name of yours', () => {
  const template = gatewayTemplate(NAMED);

  it('has no other name, which would be a way around what is before it', () => {
    expect(only(template, 'AWS::ApiGatewayV2::Api')).toMatchObject({ DisableExecuteApiEndpoint: true });
    expect(only(template, 'AWS::ApiGatewayV2::DomainName')).toMatchObject({
      DomainName: 'api.example.com',
      DomainNameConfigurations: [{ CertificateArn: CERTIFICATE, EndpointType: 'REGIONAL' }],
    });
    expect(only(template, 'AWS::ApiGatewayV2::ApiMapping')).toMatchObject({ Stage: '$default' });
    expect(told(template, 'CUSTODY_API_URL')).toBe('https://api.example.com');
    expect(template.findOutputs('ApiUrl')['ApiUrl']!['Value']).toBe('https://api.example.com');
  });

  it('is what CloudFront asks too, before the console', () => {
    const { DistributionConfig } = only(template, 'AWS::CloudFront::Distribution') as {
      DistributionConfig: { Origins: { DomainName: unknown }[] };
    };
    expect(DistributionConfig.Origins.map(({ DomainName }) => DomainName)).toContain('api.example.com');
  });

  it('gets its record, and the gateway gets one, where the zone was named', () => {
    const records = Object.values(template.findResources('AWS::Route53::RecordSet')).map(({ Properties }) => [
      Properties.Name,
      Properties.Type,
      Properties.HostedZoneId,
      JSON.stringify(Properties.AliasTarget),
    ]);
    expect(records.map((record) => record.slice(0, 3))).toEqual(
      expect.arrayContaining([
        ['gateway.example.com', 'A', 'Z0123456789ABC'],
        ['api.example.com', 'A', 'Z0123456789ABC'],
      ]),
    );
    const aliasOf = (name: string) => String(records.find(([of]) => of === name)![3]);
    expect(aliasOf('gateway.example.com')).toMatch(/GatewayFrontBalancer\w+","CanonicalHostedZoneID/);
    expect(aliasOf('api.example.com')).toMatch(/RegionalHostedZoneId/);
  });

  it('and nothing of it where none was', () => {
    const plain = gatewayTemplate();
    for (const type of ['AWS::Route53::RecordSet', 'AWS::ApiGatewayV2::DomainName'])
      expect(Object.keys(plain.findResources(type))).toEqual([]);
    expect(only(plain, 'AWS::ApiGatewayV2::Api')['DisableExecuteApiEndpoint']).toBeUndefined();
    expect(only(plain, 'AWS::ApiGatewayV2::Api')['Name']).toBe('Custody Custody');
  });
});

describe('a private API', () => {
  const template = gatewayTemplate(INSIDE);
  const api = only(template, 'AWS::ApiGateway::RestApi');
  interface Operation {
    readonly security?: readonly object[];
    readonly 'x-amazon-apigateway-integration': { readonly uri: unknown; readonly type: string };
  }
  const body = api['Body'] as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    readonly components: { readonly securitySchemes: Readonly<Record<string, Properties>> };
  };

  it('is reached through its endpoint, by the networks of clients, and in no other way', () => {
    expect(api['EndpointConfiguration']).toMatchObject({ Types: ['PRIVATE'] });
    template.resourceCountIs('AWS::ApiGatewayV2::Api', 0);
    const { Statement } = api['Policy'] as { Statement: Properties[] };
    const [endpoint] = Object.entries(template.findResources('AWS::EC2::VPCEndpoint')).filter(
      ([, { Properties }]) => JSON.stringify(Properties.ServiceName).includes('execute-api'),
    );
    expect(Statement).toContainEqual(
      expect.objectContaining({
        Effect: 'Deny',
        Action: 'execute-api:Invoke',
        Condition: { StringNotEquals: { 'aws:SourceVpce': { Ref: endpoint![0] } } },
      }),
    );
    expect(endpoint![1]['Properties'].PrivateDnsEnabled).toBe(false);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: 'Clients of the API',
      SecurityGroupIngress: [{ CidrIp: '10.0.0.0/8', FromPort: 443, ToPort: 443 }],
    });
  });

  it('has each operation, and the authorizer before those that are not open', () => {
    const found = Object.entries(body.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { security }]) => [
        `${method.toUpperCase()} /v1${path}`,
        security === undefined,
      ]),
    );
    const wanted = routes.map(({ method, path, open = false }) => [
      `${method} ${path.replace('{proxy}', '{proxy+}')}`,
      open,
    ]);
    expect(new Map(found as [string, boolean][])).toEqual(new Map(wanted as [string, boolean][]));
    expect(body.components.securitySchemes['authorizer']!['x-amazon-apigateway-authorizer']).toMatchObject({
      type: 'request',
      authorizerResultTtlInSeconds: 0,
    });
  });

  it('calls functions that there are, and may call them', () => {
    const functions = Object.entries(template.findResources('AWS::Lambda::Function')).filter(([id]) =>
      id.startsWith('GatewayFunctions'),
    );
    const names = functions.map(([, { Properties }]) => Properties.FunctionName as string);
    expect(names.every((name) => /^custody-\w{8}-\w+$/.test(name))).toBe(true);
    const called = new Set(
      [...JSON.stringify(body).matchAll(/:function:(custody-[\w-]+)\/invocations/g)].map(([, name]) => name!),
    );
    expect([...called].filter((name) => !names.includes(name))).toEqual([]);
    expect(called.size).toBe(6);
    const permitted = Object.values(template.findResources('AWS::Lambda::Permission')).filter(
      ({ Properties }) => Properties.Principal === 'apigateway.amazonaws.com',
    );
    expect(permitted).toHaveLength(6);
  });

  it('has the same addresses: what begins with /v1 is its stage', () => {
    expect(only(template, 'AWS::ApiGateway::Stage')).toMatchObject({ StageName: 'v1', TracingEnabled: true });
    expect(told(template, 'CUSTODY_API_URL')).toMatch(
      /^https:\/\/GatewayPrivateApi\w*-GatewayNetworkApi\w*\.execute-api\.AWS::Region\.AWS::URLSuffix$/,
    );
  });

  it('rings for its own errors, and for changes of it', () => {
    const [, alarm] = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).find(([id]) =>
      id.startsWith('GatewayAlarmsApiFails'),
    )!;
    expect(alarm['Properties']).toMatchObject({ MetricName: '5XXError' });
    expect(JSON.stringify(template.findResources('AWS::Events::Rule'))).toContain(
      '"restApiId":[{"Ref":"GatewayPrivateApi',
    );
  });

  it('takes an endpoint that is there in a VPC of yours, and a web ACL', () => {
    const webAclArn = 'arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/custody/0a-1b';
    const there = gatewayTemplate({
      ...INSIDE,
      account: '123456789012',
      region: 'eu-central-1',
      network: { vpcId: 'vpc-0123456789abcdef0' },
      api: { private: true, endpointId: 'vpce-0123456789abcdef0', webAclArn },
    });
    expect(JSON.stringify(only(there, 'AWS::ApiGateway::RestApi')['Policy'])).toContain(
      'vpce-0123456789abcdef0',
    );
    expect(only(there, 'AWS::WAFv2::WebACLAssociation')['WebACLArn']).toBe(webAclArn);
  });
});

describe('settings of the API that cannot be', () => {
  it.each([
    [
      { api: { domainName: 'api.example.com' } },
      'api.certificateArn',
      'domainName and certificateArn together',
    ],
    [{ api: { private: true } }, 'custody.console', 'expected false beside api.private'],
    [
      { api: { private: true, domainName: 'a.example.com', certificateArn: CERTIFICATE }, console: false },
      'api.domainName',
      'its address is that of its endpoint',
    ],
    [
      { api: { webAclArn: 'arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/a/b' } },
      'api.webAclArn',
      'WAF knows no HTTP APIs',
    ],
    [
      {
        ...INSIDE,
        account: '123456789012',
        region: 'eu-central-1',
        network: { vpcId: 'vpc-0123456789abcdef0' },
      },
      'api.endpointId',
      'a VPC of yours brings its endpoints',
    ],
  ])('are refused: %j', (settings, place, words) => {
    let message = '';
    try {
      gatewayStack(settings);
    } catch (error) {
      message = (error as CustodyError).message;
    }
    expect(message).toContain(place);
    expect(message).toContain(words);
  });
});
