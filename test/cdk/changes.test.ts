import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { IamChangesStack } from '#cdk/iam-changes-stack.ts';
import { eventMatches } from '#test/support/event-pattern.ts';
import { inWords } from '#test/support/role-policies.ts';
import { gatewayTemplate, testApp } from '#test/support/stacks.ts';

const template = gatewayTemplate();
const ACCOUNT = '123456789012';
const DEPLOYMENT = {
  type: 'AssumedRole',
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/cdk-hnb659fds-cfn-exec-role-${ACCOUNT}-eu-central-1/AWSCloudFormation`,
  invokedBy: 'cloudformation.amazonaws.com',
};
const SOMEBODY = { type: 'AssumedRole', arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Administrator/eve` };

interface Rule {
  readonly name: string;
  readonly pattern: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** The rules of the template, with names as CloudFormation might fill them in. */
const rules: readonly Rule[] = Object.values(template.findResources('AWS::Events::Rule'))
  .map(({ Properties }) => Properties as Record<string, unknown>)
  .filter(({ Name }) => Name !== undefined)
  .map(({ Name, EventPattern, Targets }) => ({
    name: String(Name).replace(/^custody-\w+-/, ''),
    pattern: filledIn(EventPattern) as Rule['pattern'],
    text: inWords(
      (Targets as { InputTransformer: { InputTemplate: unknown } }[])[0]!.InputTransformer.InputTemplate,
    ),
  }));

function filledIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(filledIn);
  if (typeof value !== 'object' || value === null) return value;
  const [name] = Object.keys(value);
  if (name === 'Ref' || name?.startsWith('Fn::')) return inWords(value).replaceAll(/AWS::(\w+)/g, '$1');
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filledIn(inner)]));
}

/** As CloudTrail writes them. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
function call(service: string, eventName: string, requestParameters: object, more: object = {}) {
  return {
    source: `aws.${service}`,
    'detail-type': 'AWS API Call via CloudTrail',
    account: ACCOUNT,
    detail: {
      eventVersion: '1.08',
      eventSource: `${service}.amazonaws.com`,
      eventName,
      userIdentity: SOMEBODY,
      sourceIPAddress: '192.0.2.1',
      requestParameters,
      ...more,
    },
  };
}

const told = (event: object): string[] =>
  rules.filter(({ pattern }) => eventMatches(pattern, event)).map(({ name }) => name);

const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/other';
const EVIDENCE = { bucketName: 'GatewayEvidenceBucket' };
const SEALER = 'GatewayFunctionsSealerFunction';
const arnOf = (name: string) => `arn:aws:lambda:eu-central-1:${ACCOUNT}:function:${name}`;
const serviceName = (
  rules.find(({ name }) => name === 'tasks')!.pattern as never as {
    detail: { $or: { requestParameters: { service: string[]; family: string[] } }[] };
  }
).detail.$or;
const SERVICE_NAME = serviceName[1]!.requestParameters.service[0]!;
const FAMILY = serviceName[0]!.requestParameters.family[0]!;

const GUARDS: readonly [rule: string, event: ReturnType<typeof call>][] = [
  ['keys', call('kms', 'PutKeyPolicy', { keyId: 'GatewaySigningKey', policyName: 'default' })],
  ['keys', call('kms', 'ScheduleKeyDeletion', { keyId: 'GatewayDataKey', pendingWindowInDays: 7 })],
  [
    'keys',
    call(
      'kms',
      'CreateGrant',
      { keyId: 'alias/x' },
      { resources: [{ ARN: KEY }, { ARN: 'GatewayDataKey' }] },
    ),
  ],
  ['buckets', call('s3', 'PutBucketPolicy', EVIDENCE)],
  ['buckets', call('s3', 'PutBucketObjectLockConfiguration', EVIDENCE)],
  ['buckets', call('s3', 'PutBucketLifecycle', EVIDENCE)],
  ['buckets', call('s3', 'DeleteBucketPolicy', { bucketName: 'GatewayConfigBucket' })],
  ['roles', call('iam', 'PutRolePolicy', { roleName: 'GatewayProxyRole', policyName: 'more' })],
  ['roles', call('iam', 'UpdateAssumeRolePolicy', { roleName: 'GatewayFunctionsSealerRole' })],
  [
    'roles',
    call('iam', 'CreatePolicyVersion', {
      policyArn: `arn:aws:iam::${ACCOUNT}:policy/StackName-GatewayProxyRoleOverflowPolicy11A2B-x`,
    }),
  ],
  ['tables', call('dynamodb', 'DeleteTable', { tableName: 'GatewayTablesJournal' })],
  [
    'tables',
    call('dynamodb', 'PutResourcePolicy', {
      resourceArn: `arn:aws:dynamodb:eu-central-1:${ACCOUNT}:table/GatewayTablesAccess`,
    }),
  ],
  ['rules', call('events', 'DisableRule', { name: 'GatewaySchedulessealer' })],
  [
    'rules',
    call('events', 'RemoveTargets', { rule: 'custody-' + ruleAddress() + '-keys', ids: ['Target0'] }),
  ],
  ['alarms', call('sns', 'DeleteTopic', { topicArn: 'GatewayAlarmsTopic' })],
  ['alarms', call('sns', 'Unsubscribe', { subscriptionArn: 'GatewayAlarmsTopic:1234' })],
  ['alarms', call('cloudtrail', 'StopLogging', { name: 'organization' })],
];

const CODE: readonly [rule: string, event: ReturnType<typeof call>][] = [
  ['functions', call('lambda', 'UpdateFunctionCode20150331v2', { functionName: SEALER })],
  ['functions', call('lambda', 'UpdateFunctionConfiguration20150331v2', { functionName: SEALER })],
  ['functionsByArn', call('lambda', 'UpdateFunctionCode20150331v2', { functionName: arnOf(SEALER) })],
  ['tasks', call('ecs', 'RegisterTaskDefinition', { family: FAMILY })],
  ['tasks', call('ecs', 'UpdateService', { service: SERVICE_NAME, taskDefinition: 'x:2' })],
  [
    'tasks',
    call('ecs', 'UpdateService', {
      service: `arn:aws:ecs:eu-central-1:${ACCOUNT}:service/cluster/${SERVICE_NAME}`,
      enableExecuteCommand: true,
    }),
  ],
  ['tasks', call('ecs', 'UpdateService', { service: SERVICE_NAME, desiredCount: 0 })],
  ['tasks', call('ecs', 'RunTask', { taskDefinition: `${FAMILY}:1`, overrides: {} })],
  ['api', call('apigateway', 'UpdateRoute', { apiId: 'GatewayApi', routeId: 'a' })],
];

function ruleAddress(): string {
  const named = Object.values(template.findResources('AWS::Events::Rule')).flatMap(
    ({ Properties }) => Properties['Name'] ?? [],
  );
  return /^custody-(\w+)-/.exec(String(named[0]))![1]!;
}

describe('changes around the stack', () => {
  it.each([...GUARDS, ...CODE])('ring %s', (rule, event) => {
    expect(told(event)).toEqual([rule]);
  });

  it.each(GUARDS)(
    'ring %s also where CloudFormation makes them: any stack may have its role',
    (rule, event) => {
      expect(told({ ...event, detail: { ...event.detail, userIdentity: DEPLOYMENT } })).toEqual([rule]);
    },
  );

  it.each(CODE)('do not ring %s where CloudFormation makes them: the deployment is told', (_rule, event) => {
    expect(told({ ...event, detail: { ...event.detail, userIdentity: DEPLOYMENT } })).toEqual([]);
  });

  it('ring for what was refused as well', () => {
    const [, event] = GUARDS[0]!;
    const detail = { ...event.detail, errorCode: 'AccessDenied', responseElements: null };
    expect(told({ ...event, detail })).toEqual(['keys']);
  });

  it.each([
    ['another key', call('kms', 'PutKeyPolicy', { keyId: 'other' }, { resources: [{ ARN: KEY }] })],
    ['the use of a key', call('kms', 'Decrypt', { keyId: 'GatewayDataKey' })],
    ['another bucket', call('s3', 'PutBucketPolicy', { bucketName: 'other' })],
    ['another function', call('lambda', 'UpdateFunctionCode20150331v2', { functionName: 'other' })],
    ['a service that scales', call('ecs', 'UpdateService', { service: SERVICE_NAME, desiredCount: 5 })],
    ['another service', call('ecs', 'UpdateService', { service: 'other', taskDefinition: 'x' })],
    ['another role', call('iam', 'PutRolePolicy', { roleName: 'other' })],
    ['another rule', call('events', 'DisableRule', { name: 'other' })],
    ['a rule that is looked at', call('events', 'DescribeRule', { name: 'GatewaySchedulessealer' })],
  ])('are silent about %s', (_what, event) => {
    expect(told(event)).toEqual([]);
  });

  it('tell each deployment of this stack, and of no other', () => {
    const event = (stack: string, status: string) => ({
      source: 'aws.cloudformation',
      'detail-type': 'CloudFormation Stack Status Change',
      detail: { 'stack-id': stack, 'status-details': { status, 'status-reason': '' } },
    });
    expect(told(event('StackId', 'UPDATE_IN_PROGRESS'))).toEqual(['deployments']);
    expect(told(event('StackId', 'UPDATE_COMPLETE'))).toEqual(['deployments']);
    expect(told(event('other', 'UPDATE_COMPLETE'))).toEqual([]);
  });

  it('say who, what, from where and whether it was refused', () => {
    for (const { name, text } of rules.filter(({ name }) => name !== 'deployments'))
      for (const part of ['eventName', 'userIdentity-arn', 'sourceIPAddress', 'errorCode', 'eventID'])
        expect(text, name).toContain(`<detail-${part}>`);
  });

  it('come from the region of IAM through a stack there, which passes on what is of this gateway alone', () => {
    const gateway = { account: ACCOUNT, region: 'eu-central-1' };
    const there = Template.fromStack(
      new IamChangesStack(testApp(), 'There', { stackName: 'Custody', gateway }),
    );
    const [forward] = Object.values(there.findResources('AWS::Events::Rule'));
    const { EventPattern, Targets } = forward!['Properties'];
    expect(inWords(Targets[0].Arn)).toBe(`arn:aws:events:eu-central-1:${ACCOUNT}:event-bus/default`);
    const policyArn = `arn:aws:iam::${ACCOUNT}:policy/Custody-GatewayProxyRoleOverflowPolicy11A2B-x`;
    for (const [event, passedOn] of [
      [call('iam', 'PutRolePolicy', { roleName: 'Custody-GatewayProxyRole-x' }), true],
      [call('iam', 'CreatePolicyVersion', { policyArn }), true],
      [call('iam', 'PutRolePolicy', { roleName: 'Other-GatewayProxyRole-x' }), false],
      [call('iam', 'GetRole', { roleName: 'Custody-GatewayProxyRole-x' }), false],
    ] as const)
      expect(eventMatches(EventPattern, event)).toBe(passedOn);
  });

  it('fit into what EventBridge takes as a pattern, also with the longest names', () => {
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
    for (const { name, pattern } of rules) {
      const longest = JSON.stringify(pattern).replaceAll(/Gateway\w+/g, (id) =>
        'x'.repeat(Math.max(64, id.length)),
      );
      expect(longest.length, name).toBeLessThan(2048);
    }
  });

  it('ring an alarm of their own, and another one where nobody can be told', () => {
    const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'));
    const metricsOf = (prefix: string): string[] => {
      const [, { Properties }] = alarms.find(([id]) => id.startsWith(prefix))!;
      const metrics = Properties.Metrics as { MetricStat?: { Metric: { MetricName: string } } }[];
      return metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName ?? []);
    };
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html
    expect(metricsOf('GatewayAlarmsStackChanged').length).toBeLessThanOrEqual(10);
    expect(new Set(metricsOf('GatewayAlarmsStackChanged'))).toEqual(new Set(['TriggeredRules']));
    expect(new Set(metricsOf('GatewayAlarmsChangesUntold'))).toEqual(new Set(['FailedInvocations']));
  });

  it('reach the topic: EventBridge may publish there, and use its key', () => {
    const topic = JSON.stringify(template.findResources('AWS::SNS::TopicPolicy'));
    expect(topic).toContain('"Principal":{"Service":"events.amazonaws.com"}');
    const [key] = Object.entries(template.findResources('AWS::KMS::Key')).filter(([id]) =>
      id.startsWith('GatewayDataKey'),
    );
    expect(JSON.stringify(key)).toContain(
      '"Principal":{"Service":"events.amazonaws.com"},"Resource":"*","Sid":"ChangesOfThisStack"',
    );
  });
});
