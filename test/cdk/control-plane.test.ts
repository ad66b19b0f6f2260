import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it, vi } from 'vitest';
import * as adapters from '#adapters/aws/tables.ts';
import type { TableSchema } from '#adapters/aws/tables.ts';
import { functionNames } from '#cdk/function-names.ts';
import { routes } from '#cdk/routes.ts';
import { openApiDocument } from '#lambdas/openapi.ts';
import { telemetryFor } from '#lambdas/telemetry.ts';
import { inWords } from '#test/support/role-policies.ts';
import { gatewayTemplate, ROOT } from '#test/support/stacks.ts';

const template = gatewayTemplate({ alarms: { emails: ['ops@example.com'] } });

type Properties = Readonly<Record<string, unknown>>;

function all(type: string): Map<string, Properties> {
  const found = Object.entries(template.findResources(type));
  return new Map(
    found.map(([id, resource]) => [id.replace(/[0-9A-F]{8}$/, ''), resource['Properties'] as Properties]),
  );
}

describe('the functions', () => {
  const functions = new Map(
    [...all('AWS::Lambda::Function')].filter(([id]) => id.startsWith('GatewayFunctions')),
  );

  it('are those that there are, on ARM and Node 24, each with a role and a log of its own', () => {
    expect(functions.size).toBe(functionNames.length);
    for (const [id, properties] of functions) {
      expect(properties, id).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        TracingConfig: { Mode: 'Active' },
      });
      expect(inWords(properties['Role']), id).toBe(id.replace(/Function$/, 'Role'));
      const { LogGroup } = properties['LoggingConfig'] as { LogGroup: unknown };
      expect(inWords(LogGroup), id).toBe(id.replace(/Function$/, 'Log'));
      // Outside the VPC: the notifier reaches webhooks, the authorizer the issuer.
      expect(properties['VpcConfig'], id).toBeUndefined();
    }
  });

  it('are told where things are', () => {
    const sealer = functions.get('GatewayFunctionsSealerFunction')!;
    const { Variables } = sealer['Environment'] as { Variables: Properties };
    expect(
      Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, inWords(value)])),
    ).toMatchObject({
      CUSTODY_BUCKET: 'GatewayEvidenceBucket',
      CUSTODY_CONFIG_BUCKET: 'GatewayConfigBucket',
      CUSTODY_CONFIG_KEY: 'custody.yaml',
      CUSTODY_TABLE_SESSIONS: 'GatewayTablesSessions',
      CUSTODY_TABLE_JOURNAL: 'GatewayTablesJournal',
      CUSTODY_SIGNING_KEY: 'GatewaySigningKey',
      CUSTODY_LEDGER_ORIGIN: 'gateway.example.com/ledger',
      CUSTODY_LEDGER_LOCK: 'governance',
      CUSTODY_LEDGER_KEEP_DAYS: '3650',
      CUSTODY_GATEWAY_ADDRESS: 'gateway.example.com:5432',
    });
  });

  it('write encrypted logs that are kept for a year', () => {
    for (const [id, properties] of all('AWS::Logs::LogGroup')) {
      expect(inWords(properties['KmsKeyId']), id).toBe('GatewayDataKey');
      expect(properties['RetentionInDays'], id).toBe(365);
    }
  });
});

describe('the API', () => {
  const document = Object.entries(openApiDocument().paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { security }]: [string, { security?: unknown[] }]) => ({
      key: `${method.toUpperCase()} ${path}`,
      // A directory shows a secret of its own.
      open: security !== undefined,
    })),
  );

  it('has a route for each of its operations, and no other', () => {
    const routed = routes.map(({ method, path, open = false }) => ({ key: `${method} ${path}`, open }));
    const sorted = (list: typeof routed) => list.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    expect(sorted(routed)).toEqual(sorted(document));
  });

  it('asks the authorizer about each that is not open to all', () => {
    const made = [...all('AWS::ApiGatewayV2::Route').values()];
    const found = Object.fromEntries(made.map((route) => [route['RouteKey'], route['AuthorizationType']]));
    const wanted = document.map(({ key, open }) => [
      key.replace('{proxy}', '{proxy+}'),
      open ? 'NONE' : 'CUSTOM',
    ]);
    expect(found).toEqual(Object.fromEntries(wanted));
  });

  it('asks it every time, in the form that it answers', () => {
    const [authorizer] = [...all('AWS::ApiGatewayV2::Authorizer').values()];
    expect(authorizer).toMatchObject({
      AuthorizerPayloadFormatVersion: '2.0',
      EnableSimpleResponses: true,
      AuthorizerResultTtlInSeconds: 0,
      IdentitySource: ['$request.header.Authorization'],
    });
  });

  it('sends sessions and the ledger to replay, what issuers send to logout, directories to scim, certificates to ssh, the rest to access', () => {
    const integrations = all('AWS::ApiGatewayV2::Integration');
    const functionOf = (target: unknown): string => {
      const integration = integrations.get(inWords(target).replace('integrations/', ''))!;
      return inWords(integration['IntegrationUri']);
    };
    for (const route of all('AWS::ApiGatewayV2::Route').values()) {
      const isReplay = /^\w+ \/v1\/(?:sessions|search|ledger|signer|openapi)/.test(String(route['RouteKey']));
      const isLogout = String(route['RouteKey']).startsWith('POST /v1/logout/');
      const isScim = String(route['RouteKey']).includes(' /v1/scim/');
      const isSsh = / \/v1\/ssh(?:\/|$)/.test(String(route['RouteKey']));
      const name = isSsh ? 'Ssh' : isReplay ? 'Replay' : isLogout ? 'Logout' : isScim ? 'Scim' : 'Access';
      expect(functionOf(route['Target']), String(route['RouteKey'])).toBe(`GatewayFunctions${name}Function`);
    }
  });

  // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
  it('writes down what was called, in words that an HTTP API knows', () => {
    const [stage] = [...all('AWS::ApiGatewayV2::Stage').values()];
    const { Format } = stage!['AccessLogSettings'] as { Format: string };
    const variables = Object.values(JSON.parse(Format) as Record<string, string>);
    expect(variables).toEqual([
      '$context.requestId',
      '$context.requestTime',
      '$context.identity.sourceIp',
      '$context.authorizer.address',
      '$context.routeKey',
      '$context.status',
      '$context.authorizer.code',
      '$context.responseLatency',
    ]);
  });

  it('writes down who called, and bounds how often', () => {
    const [stage] = [...all('AWS::ApiGatewayV2::Stage').values()];
    expect(stage).toMatchObject({
      StageName: '$default',
      DefaultRouteSettings: { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 },
    });
    expect(inWords((stage!['AccessLogSettings'] as { DestinationArn: unknown }).DestinationArn)).toBe(
      'GatewayApiLog',
    );
  });
});

describe('what runs by itself', () => {
  it('runs every minute, the sealer when a task stops as well, settler and indexer when a session is sealed', () => {
    // Those that tell changes have names, and no function behind them.
    const run = [...all('AWS::Events::Rule').values()].filter(({ Name }) => Name === undefined);
    const rules = run.map((rule) => {
      const [target] = rule['Targets'] as { Arn: unknown }[];
      return [inWords(target!.Arn), rule['ScheduleExpression'] ?? rule['EventPattern']] as const;
    });
    const scheduled = rules.filter(([, when]) => when === 'rate(1 minute)').map(([name]) => name);
    expect(scheduled.sort()).toEqual(
      ['Notifier', 'Sandbox', 'Sealer', 'Sequencer', 'Settler'].map(
        (name) => `GatewayFunctions${name}Function`,
      ),
    );
    const again = [...all('AWS::Lambda::EventInvokeConfig').values()];
    expect(again.map(({ FunctionName }) => inWords(FunctionName)).sort()).toEqual(
      ['Indexer', 'Notifier', 'Sandbox', 'Sealer', 'Sequencer', 'Settler'].map(
        (name) => `GatewayFunctions${name}Function`,
      ),
    );
    for (const config of again)
      expect(config).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
    const events = rules.filter(([, when]) => typeof when === 'object');
    const stopped = events.find(([, when]) => JSON.stringify(when).includes('aws.ecs'));
    const sealed = events.find(([, when]) => JSON.stringify(when).includes('close.json.sig'));
    expect(events).toHaveLength(3);
    const wanted = events.find(([, when]) => JSON.stringify(when).includes('wanted/'));
    expect(wanted![0]).toBe('GatewayFunctionsIndexerFunction');
    expect(rules.find(([, when]) => when === 'rate(5 minutes)')![0]).toBe(wanted![0]);
    expect(sealed![0]).toBe('GatewayFunctionsSettlerFunction');
    expect(sealed![1]).toMatchObject({
      'detail-type': ['Object Created'],
      detail: { object: { key: [{ suffix: '/close.json.sig' }] } },
    });
    const [bucket] = [...all('AWS::S3::Bucket').values()].filter(
      ({ ObjectLockEnabled }) => ObjectLockEnabled === true,
    );
    expect(bucket!['NotificationConfiguration']).toEqual({
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    });
    expect(stopped![0]).toBe('GatewayFunctionsSealerFunction');
    expect(stopped![1]).toMatchObject({
      source: ['aws.ecs'],
      'detail-type': ['ECS Task State Change'],
      detail: { lastStatus: ['STOPPED'] },
    });
  });
});

describe('alarms', () => {
  const alarms = all('AWS::CloudWatch::Alarm');

  it.each([
    ['UnsealedSessions', 'sealer', 'breaching'],
    ['UnsettledTasks', 'settler', 'breaching'],
    ['UnindexedSessions', 'indexer', 'breaching'],
    ['LedgerLag', 'sequencer', 'breaching'],
    ['JournalLag', 'proxy', 'breaching'],
    ['RecorderFailures', 'proxy', 'notBreaching'],
    ['PolicyNotDeployed', 'notifier', 'notBreaching'],
  ])('%s watches what the %s tells, and silence is %s', (name, service, TreatMissingData) => {
    expect(alarms.get(`GatewayAlarms${name}`)).toMatchObject({
      Namespace: 'Custody/Custody/Gateway',
      Dimensions: [{ Name: 'service', Value: service }],
      TreatMissingData,
      AlarmActions: [expect.anything()],
    });
  });

  it.each([
    ['refused tokens at both doors', 'RefusedTokens', ['authorizer', 'proxy']],
    ['directories that fail at both doors', 'DirectoryFailures', ['authorizer', 'proxy']],
    ['issuers that are away, as both doors see it', 'IssuersAway', ['authorizer', 'proxy']],
    ['broken glass, whoever is the first to tell of it', 'BreakGlass', ['access', 'notifier', 'proxy']],
  ])('counts %s', (_what, name, services) => {
    const { Metrics } = alarms.get(`GatewayAlarms${name}`) as unknown as {
      Metrics: { Expression?: string; MetricStat?: { Metric: { Dimensions: object[] } } }[];
    };
    expect(Metrics[0]!.Expression).toBe(services.map((service) => `FILL(${service}, 0)`).join(' + '));
    expect(Metrics.slice(1).flatMap(({ MetricStat }) => MetricStat!.Metric.Dimensions)).toEqual(
      services.map((Value) => ({ Name: 'service', Value })),
    );
  });

  it('count a broken glass at every desk of the stack: whoever changes a request tells of it', () => {
    const files = globSync('{lambdas/functions/*,fargate-proxy/desks}.ts', { cwd: ROOT });
    const texts = files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const);
    const desks = texts.filter(([, text]) => text.includes('new AccessDesk('));
    expect(desks).toHaveLength(3);
    for (const [file, text] of desks) expect(text, file).toContain('countingAlarms(');
  });

  it('watches what the API answers: its functions make an answer of every error, which is no error to Lambda', () => {
    expect(alarms.get('GatewayAlarmsApiFails')).toMatchObject({
      Namespace: 'AWS/ApiGateway',
      MetricName: '5xx',
      Statistic: 'Sum',
      Dimensions: [{ Name: 'ApiId', Value: { Ref: expect.stringContaining('Api') as string } }],
      AlarmActions: [expect.anything()],
    });
  });

  it('watch the errors of each function, and throttles of each table', () => {
    const metrics = [...alarms.values()].map(
      ({ Namespace, MetricName }) => `${String(Namespace)} ${String(MetricName)}`,
    );
    const count = (metric: string): number => metrics.filter((one) => one === metric).length;
    expect(count('AWS/Lambda Errors')).toBe(12);
    const { tables: schemas } = adapters;
    for (const [name, { indexes = [] }] of Object.entries(schemas as Record<string, TableSchema>))
      for (const way of ['Read', 'Write']) {
        const counted = countedBy(`GatewayAlarms${way}Throttles${name}`);
        expect(counted.every(({ MetricName }) => MetricName === `${way}ThrottleEvents`)).toBe(true);
        // An index is throttled by itself.
        expect(
          counted.map(({ Dimensions }) => Dimensions.length === 2 && indexOf(Dimensions)),
          name,
        ).toEqual([false, ...indexes.map((index) => index.name)]);
      }
  });

  interface Counted {
    readonly Namespace: string;
    readonly MetricName: string;
    readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[];
  }

  const indexOf = (dimensions: Counted['Dimensions']) =>
    dimensions.find(({ Name }) => Name === 'GlobalSecondaryIndexName')?.Value;

  /** The metrics that an alarm goes by. */
  function countedBy(name: string): readonly Counted[] {
    const alarm = alarms.get(name)!;
    const added = alarm['Metrics'] as { MetricStat?: { Metric: Counted } }[] | undefined;
    return added?.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []) ?? [alarm as unknown as Counted];
  }

  it('watch what surrounds the tasks: the load balancer, the service, the way out', () => {
    expect(countedBy('GatewayAlarmsUnhealthyTasks')).toEqual([
      expect.objectContaining({ Namespace: 'AWS/NetworkELB', MetricName: 'UnHealthyHostCount' }),
    ]);
    expect(countedBy('GatewayAlarmsMissingTasks').map(({ MetricName }) => MetricName)).toEqual([
      'DesiredTaskCount',
      'RunningTaskCount',
    ]);
    expect(countedBy('GatewayAlarmsNatPorts')).toEqual([
      expect.objectContaining({ Namespace: 'AWS/NATGateway', MetricName: 'ErrorPortAllocation' }),
    ]);
    const without = gatewayTemplate({ network: { issuerAccess: 'none' } });
    expect(Object.keys(without.findResources('AWS::CloudWatch::Alarm')).join()).not.toContain('NatPorts');
  });

  it('ring three weeks before the certificate ends, and for what nobody delivers any more', () => {
    expect(alarms.get('GatewayAlarmsCertificateEnds')).toMatchObject({
      MetricName: 'CertificateDaysLeft',
      Statistic: 'Minimum',
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 21,
    });
    expect(alarms.get('GatewayAlarmsDeadLetters')).toMatchObject({
      MetricName: 'DeadLetters',
      Dimensions: [{ Name: 'service', Value: 'notifier' }],
    });
  });

  it('go to one encrypted topic, and to those who asked', () => {
    const [topic] = [...all('AWS::SNS::Topic').values()];
    expect(inWords(topic!['KmsMasterKeyId'])).toBe('GatewayDataKey');
    template.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'ops@example.com',
    });
    expect(all('AWS::CloudWatch::Dashboard').size).toBe(1);
  });

  it('may publish there, over TLS, and whoever is outside the account may not', () => {
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: [
          { Effect: 'Deny', Action: 'sns:Publish', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
          {
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          },
          // What is changed of the stack. AWS says it without a condition.
          { Effect: 'Allow', Action: 'sns:Publish', Principal: { Service: 'events.amazonaws.com' } },
        ].map((statement) => Match.objectLike(statement)),
      },
    });
  });

  it("go by the names that processes give their metrics, which are no other stack's", () => {
    const variables = [...all('AWS::Lambda::Function'), ...all('AWS::ECS::TaskDefinition')]
      .filter(([id]) => /^Gateway(?:Functions|Proxy)/.test(id))
      .map(([, properties]) => /"POWERTOOLS_METRICS_NAMESPACE[^}]*/.exec(JSON.stringify(properties))?.[0]);
    expect(variables).toHaveLength(functionNames.length + 1);
    for (const variable of variables) expect(variable).toContain('"Custody/Custody/Gateway"');
    vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'Custody/Custody/Gateway');
    const { metrics } = telemetryFor('sealer');
    vi.unstubAllEnvs();
    metrics.addMetric('UnsealedSessions', 'Count', 0);
    const { _aws, ...values } = metrics.serializeMetrics();
    expect(_aws.CloudWatchMetrics).toMatchObject([
      {
        Namespace: 'Custody/Custody/Gateway',
        Dimensions: [['service']],
        Metrics: [{ Name: 'UnsealedSessions' }],
      },
    ]);
    expect(values).toMatchObject({ service: 'sealer' });
  });

  it('of two gateways go by metrics of their own', () => {
    const other = gatewayTemplate({ stackName: 'Other' });
    const told = Object.values(other.findResources('AWS::CloudWatch::Alarm')).map(
      (alarm) => alarm['Properties'].Namespace as string | undefined,
    );
    expect(told).toContain('Custody/Other/Gateway');
    expect(told).not.toContain('Custody/Custody/Gateway');
  });
});
