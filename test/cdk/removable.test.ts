import type { Template } from 'aws-cdk-lib/assertions';
import { afterAll, describe, expect, it } from 'vitest';
import { refusedBy } from '#test/support/policy-judge.ts';
import { inWords, type PolicyStatementJson } from '#test/support/role-policies.ts';
import { configFolder, gatewayTemplate, MINIMAL } from '#test/support/stacks.ts';

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: string | readonly string[];
  readonly Properties?: Readonly<Record<string, unknown>>;
}

const resourcesOf = (template: Template): Readonly<Record<string, Resource>> =>
  (template.toJSON() as { Resources: Record<string, Resource> }).Resources;

/** Whom CloudFormation is, when it works for `cdk deploy`. */
const DEPLOYMENT = 'arn:aws:iam::123456789012:role/cdk-hnb659fds-cfn-exec-role-123456789012-eu-central-1';
const OTHER = 'arn:aws:iam::123456789012:role/Administrator';

/** What CloudFormation calls to delete what a creation made that is rolled back. */
const DELETION: Readonly<Record<string, readonly [action: string, kind: string]>> = {
  'AWS::KMS::Key': ['kms:ScheduleKeyDeletion', '*'],
  'AWS::S3::Bucket': ['s3:DeleteBucket', 'bucket'],
};

/** What would keep CloudFormation from rolling back a creation that failed. */
function inTheWay(template: Template): string[] {
  const resources = resourcesOf(template);
  return Object.entries(resources).flatMap(([id, resource]) => [
    ...(['Retain', 'Snapshot'].includes(resource.DeletionPolicy ?? '') ? [`${id} stays behind`] : []),
    ...protectedBy(resource).map((what) => `${id} has ${what}`),
    ...deniedTo(DEPLOYMENT, id, resource, resources).map((sid) => `${id} is kept by ${sid}`),
    ...(resource.Type === 'AWS::S3::Bucket' && !isEmpty(id, resources) ? [`${id} has objects`] : []),
  ]);
}

function protectedBy({ Type, Properties = {} }: Resource): string[] {
  const attributes = (Properties['LoadBalancerAttributes'] ?? []) as { Key: string; Value: string }[];
  const balancer = attributes.some(
    ({ Key, Value }) => Key === 'deletion_protection.enabled' && Value === 'true',
  );
  return [
    ...(balancer ? ['deletion protection'] : []),
    ...(Properties['DeletionProtectionEnabled'] === true ? ['deletion protection'] : []),
    ...(Type === 'AWS::IAM::Role' && Properties['PermissionsBoundary'] !== undefined ? ['a boundary'] : []),
  ];
}

function statementsOf(
  id: string,
  { Type, Properties = {} }: Resource,
  all: Readonly<Record<string, Resource>>,
) {
  const policy =
    Type === 'AWS::KMS::Key'
      ? Properties['KeyPolicy']
      : Object.values(all).find(
          (one) =>
            one.Type === 'AWS::S3::BucketPolicy' && (one.Properties!['Bucket'] as { Ref: string }).Ref === id,
        )?.Properties!['PolicyDocument'];
  return ((policy as { Statement: PolicyStatementJson[] } | undefined)?.Statement ??
    []) as readonly PolicyStatementJson[];
}

function deniedTo(
  principal: string,
  id: string,
  resource: Resource,
  all: Readonly<Record<string, Resource>>,
): string[] {
  const deletion = DELETION[resource.Type];
  if (deletion === undefined) return [];
  const [action, kind] = deletion;
  const asked = {
    action,
    resource: kind === 'bucket' ? id.replace(/[0-9A-F]{8}$/, '') : '*',
    context: { 'aws:PrincipalArn': principal, 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' },
  };
  return [refusedBy(statementsOf(id, resource, all), asked) ?? []].flat();
}

/** Emptied as CloudFormation goes back; or nobody puts anything before tasks run, which is when creation is over. */
function isEmpty(id: string, all: Readonly<Record<string, Resource>>): boolean {
  const emptied = Object.values(all).some(
    ({ Type, DeletionPolicy, Properties }) =>
      Type === 'Custom::S3AutoDeleteObjects' &&
      DeletionPolicy === 'RetainExceptOnCreate' &&
      (Properties!['BucketName'] as { Ref: string }).Ref === id,
  );
  return emptied || (/^Gateway(?:Evidence|Events)Bucket/.test(id) && scheduledAfterService(all));
}

function scheduledAfterService(all: Readonly<Record<string, Resource>>): boolean {
  const [service] = Object.entries(all).find(([, { Type }]) => Type === 'AWS::ECS::Service')!;
  const rules = Object.values(all).filter(({ Type }) => Type === 'AWS::Events::Rule');
  return rules.length === 9 + 11 && rules.every(({ DependsOn }) => [DependsOn].flat().includes(service));
}

const WITH_SSH = configFolder((yaml) =>
  yaml.replace(
    /^rules:/m,
    `  web-1:
    protocol: ssh
    address: 10.1.2.3:22
    hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1n']
    logins: { app: { certificate: true } }
rules:`,
  ),
);
afterAll(() => WITH_SSH[Symbol.dispose]());

const KINDS = {
  shells: { configFolder: WITH_SSH.path },
  plain: {},
  open: { gateway: { ...MINIMAL.gateway, reach: 'internet', clients: ['0.0.0.0/0'] } },
  closed: { network: { issuerAccess: 'none' } },
  strict: { recordings: { lock: 'compliance', days: 30, acknowledgeCompliance: true } },
} as const;

describe('a first deployment that fails', () => {
  it.each(Object.entries(KINDS))(
    'leaves nothing that CloudFormation cannot delete: %s',
    (_kind, settings) => {
      expect(inTheWay(gatewayTemplate(settings))).toEqual([]);
    },
  );

  it('would leave much of a stack that is protected, which is why none is at first', () => {
    const found = inTheWay(gatewayTemplate({ protect: true }));
    expect(found.filter((one) => one.endsWith('has deletion protection'))).toHaveLength(7);
    expect(found.filter((one) => one.endsWith('is kept by NobodyDeletesTheKey'))).toHaveLength(2);
  });

  it('empties what it filled itself before it removes it, and what it filled comes after that', () => {
    const all = Object.entries(resourcesOf(gatewayTemplate()));
    const [emptying] = all.find(([id]) => id.startsWith('GatewayConfigBucketAutoDelete'))!;
    const files = all.find(([, { Type }]) => Type === 'Custom::CDKBucketDeployment')![1];
    expect(files.DependsOn).toContain(emptying);
  });

  it('never empties the bucket of recordings', () => {
    const all = Object.values(resourcesOf(gatewayTemplate()));
    const emptied = all.filter(({ Type }) => Type === 'Custom::S3AutoDeleteObjects');
    expect(emptied.map(({ Properties }) => inWords(Properties!['BucketName'])).sort()).toEqual([
      'GatewayAccessLogsBucket',
      'GatewayConfigBucket',
      'GatewayConsoleEdgeFilesBucket',
      'GatewayConsoleEdgeLogs',
    ]);
  });
});

describe('a stack that was deployed', () => {
  const KEPT = ['AWS::S3::Bucket', 'AWS::KMS::Key', 'AWS::DynamoDB::Table', 'AWS::Logs::LogGroup'];

  it.each([
    ['protected', { protect: true }],
    ['not yet protected', {}],
  ])('keeps what holds evidence when it is deleted or changed: %s', (_how, settings) => {
    const all = Object.entries(resourcesOf(gatewayTemplate(settings)));
    const kept = all.filter(([, { Type }]) => KEPT.includes(Type));
    expect(kept).toHaveLength(6 + 2 + 6 + 17);
    const policies = all.filter(
      ([id, { Type }]) => Type === 'AWS::S3::BucketPolicy' && /^Gateway(?:Evidence|Config)/.test(id),
    );
    expect(policies).toHaveLength(2);
    for (const [id, { DeletionPolicy, UpdateReplacePolicy }] of [...kept, ...policies]) {
      expect([DeletionPolicy, UpdateReplacePolicy], id).toEqual(['RetainExceptOnCreate', 'Retain']);
    }
  });

  it('does not have its buckets emptied when it is deleted: nobody calls what would', () => {
    const all = Object.values(resourcesOf(gatewayTemplate({ protect: true })));
    for (const { DeletionPolicy } of all.filter(({ Type }) => Type === 'Custom::S3AutoDeleteObjects'))
      expect(DeletionPolicy).toBe('RetainExceptOnCreate');
  });

  it.each([
    ['an administrator', OTHER, {}, 'NobodyDeletesTheKey'],
    ['an administrator', OTHER, { protect: true }, 'NobodyDeletesTheKey'],
    ['a deployment', DEPLOYMENT, { protect: true }, 'NobodyDeletesTheKey'],
    ['a deployment, before it is protected', DEPLOYMENT, {}, undefined],
  ])('lets %s delete no key', (_who, principal, settings, refused) => {
    const all = resourcesOf(gatewayTemplate(settings));
    const keys = Object.entries(all).filter(([, { Type }]) => Type === 'AWS::KMS::Key');
    expect(keys).toHaveLength(2);
    for (const [id, key] of keys)
      expect(deniedTo(principal, id, key, all)).toEqual(refused === undefined ? [] : [refused]);
  });
});
