import { describe, expect, it } from 'vitest';
import { readDeploymentConfig } from '#cdk/config.ts';
import { type Ask, answerOf } from '#cli/aws/ask.ts';
import type { Finding } from '#cli/findings/finding.ts';
import { bootstrapFindings } from '#cli/preflight/account.ts';
import { imageFindings } from '#cli/preflight/image.ts';
import { keyFindings } from '#cli/preflight/keys.ts';
import { nameFindings } from '#cli/preflight/names.ts';
import { networkFindings } from '#cli/preflight/network.ts';
import { quotaFindings } from '#cli/preflight/quotas.ts';
import { trailFindings } from '#cli/preflight/trail.ts';
import { MINIMAL } from '#test/support/stacks.ts';

type Answers = Readonly<Record<string, object | ((args: readonly string[]) => object | undefined)>>;

/** AWS, by operation. */
function says(answers: Answers): Ask {
  return async (_service, operation = '', ...args) => {
    const made = answers[operation];
    const found =
      typeof made === 'function' ? (made as (args: readonly string[]) => object | undefined)(args) : made;
    if (found === undefined)
      return answerOf({ code: 254, stdout: '', stderr: 'An error occurred (NoSuchThing): nothing' });
    return answerOf({ code: 0, stdout: JSON.stringify(found), stderr: '' });
  };
}

const settings = (more: object = {}) => readDeploymentConfig({ ...MINIMAL, ...more });
const lines = (findings: readonly Finding[]): string[] =>
  findings.map(({ result, what }) => `${result}: ${what}`);

describe('a VPC that is there', () => {
  const VPC = {
    network: { vpcId: 'vpc-0123456789abcdef0' },
    account: '123456789012',
    region: 'eu-central-1',
  };
  const subnet = (SubnetId: string, zone: string, AvailableIpAddressCount = 200) => ({
    ...{ SubnetId, AvailabilityZone: `eu-central-1${zone}`, AvailableIpAddressCount },
  });
  const nat = {
    Associations: [{ Main: true }],
    Routes: [{ DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: 'nat-1' }],
  };
  const s3 = [
    { ServiceName: 'com.amazonaws.eu-central-1.s3' },
    { ServiceName: 'com.amazonaws.eu-central-1.dynamodb' },
  ];
  const look = async (subnets: object[], tables: object[], endpoints: object[], more: object = {}) =>
    lines(
      await networkFindings(
        settings({ ...VPC, ...more }),
        says({
          'describe-subnets': { Subnets: subnets },
          'describe-route-tables': { RouteTables: tables },
          'describe-vpc-endpoints': { VpcEndpoints: endpoints },
          'describe-vpc-attribute': (args) => ({
            [args.includes('enableDnsSupport') ? 'EnableDnsSupport' : 'EnableDnsHostnames']: { Value: true },
          }),
        }),
      ),
    );

  it('has subnets with a way out in two zones', async () => {
    expect(await look([subnet('a', 'a'), subnet('b', 'b')], [nat], s3)).toEqual([
      'good: 2 subnets for tasks, in 2 zones',
    ]);
  });

  it('lacks subnets, room in them, or gateway endpoints', async () => {
    expect(await look([subnet('a', 'a'), subnet('b', 'b')], [], s3)).toEqual([
      expect.stringMatching(/^bad: it has private subnets with a way out .* in no zone/),
    ]);
    expect(await look([subnet('a', 'a')], [nat], s3)).toContainEqual(
      expect.stringMatching(/^warning: .* in eu-central-1a alone/),
    );
    expect(await look([subnet('a', 'a'), subnet('b', 'b', 3)], [nat], s3)).toContainEqual(
      'bad: b has 3 free addresses',
    );
    expect(await look([subnet('a', 'a'), subnet('b', 'b')], [nat], [])).toContainEqual(
      'warning: it has no gateway endpoint for s3, dynamodb',
    );
    expect(await look([], [], [])).toEqual(['bad: it is not in this account and region, or has no subnets']);
  });

  it('needs all endpoints where nothing leads out', async () => {
    const network = { ...VPC.network, issuerAccess: 'none' };
    expect(await look([subnet('a', 'a'), subnet('b', 'b')], [], s3, { network })).toEqual([
      'bad: it has no endpoint for kms, secretsmanager, logs, ecr.api, ecr.dkr',
    ]);
  });
});

describe('a key of one own that encrypts a secret', () => {
  const ARN = 'arn:aws:kms:eu-central-1:123456789012:key/abc';
  const root = { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::123456789012:root' }, Action: 'kms:*' };
  const look = async (named: string | undefined, statement: object = root, KeyState = 'Enabled') =>
    lines(
      await keyFindings(
        'x',
        ARN,
        named,
        says({
          'describe-key': { KeyMetadata: { Arn: ARN, KeyState, KeyManager: 'CUSTOMER' } },
          'get-key-policy': { Policy: JSON.stringify({ Statement: [statement] }) },
        }),
      ),
    );

  it('is named in cdk.json, enabled, and leaves its use to IAM', async () => {
    expect(await look(ARN)).toEqual([]);
    expect(await look(undefined)).toEqual([`bad: it is encrypted with ${ARN}, and cdk.json does not say so`]);
    expect(await look(ARN, root, 'PendingDeletion')).toEqual([`bad: its key ${ARN} is PendingDeletion`]);
    expect(await look(ARN, { ...root, Principal: { AWS: 'arn:aws:iam::123456789012:role/other' } })).toEqual([
      `warning: the policy of ${ARN} does not leave its use to IAM`,
    ]);
    expect(await look(ARN, { ...root, Condition: { Bool: {} } })).toEqual([
      expect.stringMatching(/^warning/),
    ]);
  });
});

describe('a trail', () => {
  const look = async (trail: object | undefined, status: object, selectors: object = {}) =>
    lines(
      await trailFindings(
        settings({ region: 'eu-central-1' }),
        says({
          'describe-trails': { trailList: trail === undefined ? [] : [trail] },
          'get-trail-status': status,
          'get-event-selectors': selectors,
        }),
      ),
    );
  const all = { Name: 'all', HomeRegion: 'eu-central-1' };
  const field = (Field: string, Equals: string[]) => ({ Field, Equals });

  it('has to see the region, to log, and to hear of what changes something', async () => {
    const on = { IsLogging: true };
    expect(await look(all, on)).toEqual(['good: the trail all hears of changes']);
    expect(await look({ Name: 'all', HomeRegion: 'us-east-1', IsMultiRegionTrail: true }, on)).toEqual([
      'good: the trail all hears of changes',
    ]);
    expect(await look({ ...all, HomeRegion: 'us-east-1' }, on)).toEqual([
      'warning: no trail sees this region',
    ]);
    expect(await look(undefined, on)).toEqual(['warning: no trail sees this region']);
    expect(await look(all, { IsLogging: false })).toEqual(['warning: the trail all does not log']);
    const deaf = 'warning: the trail all hears of no management events that change something';
    expect(
      await look(all, on, { EventSelectors: [{ ReadWriteType: 'ReadOnly', IncludeManagementEvents: true }] }),
    ).toEqual([deaf]);
    const management = field('eventCategory', ['Management']);
    const advanced = (...FieldSelectors: object[]) =>
      look(all, on, { AdvancedEventSelectors: [{ FieldSelectors }] });
    expect(await advanced(management)).toEqual(['good: the trail all hears of changes']);
    expect(await advanced(management, field('readOnly', ['true']))).toEqual([deaf]);
    expect(await advanced(field('eventCategory', ['Data']))).toEqual([deaf]);
    expect(await advanced(management, { Field: 'eventSource', NotEquals: ['kms.amazonaws.com'] })).toEqual([
      deaf,
    ]);
  });
});

it('quotas: what is there, and what a deployment adds, is held against the limit', async () => {
  const limits: Readonly<Record<string, number>> = {
    'L-F678F1CE': 5,
    'L-0263D0A3': 5,
    'L-69A177A2': 50,
    'L-0EA8095F': 60,
    'L-B99A9384': 10,
    'L-3032A538': 6,
  };
  const ask = says({
    'get-service-quota': (args) => ({ Quota: { Value: limits[args.at(-1)!] } }),
    'describe-vpcs': { Vpcs: Array.from({ length: 5 }, () => ({})) },
    'describe-addresses': { Addresses: [] },
    'describe-load-balancers': { LoadBalancers: [{ Type: 'application' }] },
  });
  const targets = Object.fromEntries(
    Array.from({ length: 70 }, (_, i) => [`t${i}`, { securityGroupId: 'sg-0123456789abcdef0' }]),
  );
  expect(lines(await quotaFindings(settings({ targets }), ask))).toEqual([
    'bad: 5 are allowed, 5 are there, and up to 1 would be added',
    'bad: 60 are allowed, and up to 71 would be added',
    'warning: 10 are allowed, and up to 50 would be added',
    'warning: 6 are allowed, and up to 10 would be added',
  ]);
});

it('cdk bootstrap has to be as late as templates need it', async () => {
  const of = (Value: string) => says({ 'get-parameter': { Parameter: { Value } } });
  expect(lines(await bootstrapFindings(of('30')))).toEqual(['good: version 30']);
  expect(lines(await bootstrapFindings(of('5')))).toEqual([
    'bad: version 5 is older than 6, which templates need',
  ]);
});

it('the name leads somewhere, or a zone of Route 53 is told', async () => {
  const zone = (Name: string) => says({ 'get-hosted-zone': { HostedZone: { Name } } });
  const named = settings({ gateway: { ...MINIMAL.gateway, hostedZoneId: 'Z1' } });
  const none = async () => [];
  expect(lines(await nameFindings(named, zone('example.com.'), none))).toEqual([
    'good: the deployment makes its record in example.com.',
  ]);
  expect(lines(await nameFindings(named, zone('other.org.'), none))).toEqual([
    'bad: the zone Z1 is other.org., which is not above it',
  ]);
  const ask = says({
    'list-hosted-zones': {
      HostedZones: [{ Name: 'com.' }, { Name: 'example.com.', Id: '/hostedzone/Z1' }, { Name: 'other.org.' }],
    },
  });
  expect(lines(await nameFindings(settings(), ask, async () => ['10.0.0.1']))).toEqual([
    'good: it leads to 10.0.0.1',
  ]);
  const [missing] = await nameFindings(settings(), ask, async () => []);
  expect(missing).toMatchObject({
    result: 'warning',
    todo: expect.stringContaining(
      'gateway.hostedZoneId: "Z1" in cdk.json, and the deployment makes it in example.com.',
    ) as string,
  });
});

it('Docker has to answer, and to make images of the architecture of tasks', async () => {
  const arch = process.arch === 'arm64' ? 'x64' : 'arm64';
  const platform = arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
  const docker = (platforms: string) => async (_program: string, args: readonly string[]) =>
    args[0] === 'version' ? '28.0\n' : platforms;
  const other = settings({ tasks: { architecture: arch } });
  expect(lines(await imageFindings(other, async () => undefined))).toEqual(['bad: it does not answer']);
  expect(lines(await imageFindings(other, docker('Platforms: linux/386')))).toEqual([
    `warning: its builder does not say that it makes ${platform}`,
  ]);
  expect(lines(await imageFindings(other, docker(`Platforms: ${platform}`)))).toEqual([
    `good: 28.0, makes ${platform} by emulation`,
  ]);
});
