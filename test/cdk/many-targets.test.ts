import { afterAll, describe, expect, it } from 'vitest';
import { inWords } from '#test/support/role-policies.ts';
import { configFolder, gatewayTemplate } from '#test/support/stacks.ts';

const MANY = 150;
const NAMES = Array.from({ length: MANY }, (_, i) => `db-${i}`);
const PORTS = [5432, 5433, 6432];
const folder = configFolder((yaml) => {
  const targets = NAMES.map(
    (name, i) => `  ${name}:
    protocol: postgres
    address: ${name}.cluster-example.eu-central-1.rds.amazonaws.com:${PORTS[i % PORTS.length]}
    tls: { mode: verify-full, ca: rds }
    credential: { user: custody, ${i % 2 === 0 ? `secret: custody/${name}` : 'rdsIam: true'} }
    database: app
`,
  );
  return yaml.replace(/^rules:/m, `${targets.join('')}rules:`);
});
afterAll(() => folder[Symbol.dispose]());

const settings = (network: object) => ({
  configFolder: folder.path,
  network,
  targets: Object.fromEntries(
    NAMES.map((name, i) => [
      name,
      {
        securityGroupId: `sg-${String(i).padStart(17, '0')}`,
        ...(i % 2 === 0 ? {} : { resourceId: `cluster-ABCDEFGHIJKLMNOPQRSTUVWXY${i}` }),
      },
    ]),
  ),
});

const template = gatewayTemplate(settings({}));
const all = Object.entries(
  template.toJSON()['Resources'] as Record<string, { Type: string; Properties: Properties }>,
);
type Properties = Readonly<Record<string, unknown>>;
const of = (type: string) =>
  all.filter(([, { Type }]) => Type === type).map(([, { Properties }]) => Properties);

/** What the tasks' own group lets out. */
function egressOf(from = template): Properties[] {
  const groups = Object.entries(from.findResources('AWS::EC2::SecurityGroup'));
  const [id, tasks] = groups.find(
    ([, { Properties }]) => Properties.GroupDescription === 'Tasks of the gateway',
  )!;
  const others = Object.values(from.findResources('AWS::EC2::SecurityGroupEgress')).map(
    ({ Properties }) => Properties,
  );
  return [
    ...(tasks['Properties'].SecurityGroupEgress as Properties[]),
    ...others.filter(({ GroupId }) => JSON.stringify(GroupId).includes(id)),
  ];
}

describe(`a stack with ${MANY} targets`, () => {
  // https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
  it('has a group with less than sixty rules, which lead to private networks at the ports of targets', () => {
    const rules = egressOf();
    expect(rules.length).toBeLessThanOrEqual(60);
    expect(new Set(rules.map(({ FromPort }) => FromPort))).toEqual(new Set([443, ...PORTS]));
    const toTargets = rules.filter(({ CidrIp, FromPort }) => CidrIp === '0.0.0.0/0' && FromPort !== 443);
    // Of the example's own target, whose group nobody named.
    expect(toTargets.map(({ FromPort }) => FromPort)).toEqual([5432]);
  });

  it('opens each database to the tasks, at its own port alone', () => {
    const rules = of('AWS::EC2::SecurityGroupIngress').filter(({ GroupId }) =>
      String(GroupId).startsWith('sg-0'),
    );
    expect(rules).toHaveLength(MANY);
    for (const { GroupId, FromPort, ToPort, SourceSecurityGroupId } of rules) {
      const i = Number(String(GroupId).slice(3));
      expect([FromPort, ToPort]).toEqual([PORTS[i % PORTS.length], PORTS[i % PORTS.length]]);
      expect(inWords(SourceSecurityGroupId)).toMatch(/^GatewayNetworkTasks/);
    }
  });

  it('goes where it was told that targets are', () => {
    const networks = { targetNetworks: ['10.20.0.0/16', 'pl-0123456789abcdef0'] };
    const rules = egressOf(gatewayTemplate(settings(networks)));
    const places = rules.map(({ CidrIp, DestinationPrefixListId }) => CidrIp ?? DestinationPrefixListId);
    expect(new Set(places)).toEqual(new Set(['0.0.0.0/0', '10.20.0.0/16', 'pl-0123456789abcdef0']));
  });

  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
  it('has less than 500 resources, and a template of less than a megabyte', () => {
    expect(all.length).toBeLessThan(500);
    expect(JSON.stringify(template.toJSON()).length).toBeLessThan(1_000_000);
  });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  it('has policies that IAM takes, in size and number', () => {
    const length = (document: unknown) => JSON.stringify(filledIn(document)).length;
    const managed = of('AWS::IAM::ManagedPolicy');
    expect(managed.length).toBeGreaterThan(0);
    for (const { PolicyDocument } of managed) expect(length(PolicyDocument)).toBeLessThan(6_144);
    for (const { PolicyDocument } of of('AWS::IAM::Policy'))
      expect(length(PolicyDocument)).toBeLessThan(10_240);
    const ofProxy = managed.filter(({ Roles }) =>
      inWords((Roles as unknown[])[0]).startsWith('GatewayProxyRole'),
    );
    expect(ofProxy.length).toBeLessThanOrEqual(10);
  });

  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
  it('tells tasks and functions no more than they can hold', () => {
    const [task] = of('AWS::ECS::TaskDefinition');
    expect(JSON.stringify(task).length).toBeLessThan(64 * 1024);
    for (const { Environment } of of('AWS::Lambda::Function'))
      expect(JSON.stringify(Environment ?? {}).length).toBeLessThan(4_096);
  });
});

/** As long as ARNs are: what CloudFormation fills in for a reference is never longer. */
function filledIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(filledIn);
  if (typeof value !== 'object' || value === null) return value;
  const [name, given] = Object.entries(value)[0] ?? [];
  if (name === 'Fn::Join')
    return (given as [string, unknown[]])[1].map((part) => String(filledIn(part))).join('');
  if (name === 'Ref' && String(given).startsWith('AWS::')) return 'ap-southeast-2';
  if (name === 'Ref' || name?.startsWith('Fn::')) return 'x'.repeat(120);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filledIn(inner)]));
}
