import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { NODE_FLAGS } from '#proxy/node-flags.ts';
import { usualProcesses } from '#proxy/processes/count.ts';
import { gatewayStack, gatewayTemplate, MINIMAL, ROOT } from '#test/support/stacks.ts';

const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:custody/tls';

const template = gatewayTemplate({ drain: '20m' });

const one = (type: string, from = template) => {
  const found = Object.values(from.findResources(type));
  expect(found).toHaveLength(1);
  return found[0]!['Properties'] as Record<string, unknown>;
};

const attributes = (properties: Record<string, unknown>, key: string) =>
  Object.fromEntries(
    (properties[key] as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]),
  );

describe('the load balancer', () => {
  it('passes TCP on, for sessions that are quiet for an hour and a half', () => {
    const listener = one('AWS::ElasticLoadBalancingV2::Listener');
    expect(listener).toMatchObject({ Port: 5432, Protocol: 'TCP' });
    expect(attributes(listener, 'ListenerAttributes')).toEqual({ 'tcp.idle_timeout.seconds': '6000' });
  });

  it('shows tasks their clients, cuts nobody off from a task that stops, and everybody from one that vanished', () => {
    const group = one('AWS::ElasticLoadBalancingV2::TargetGroup');
    expect(group).toMatchObject({
      Protocol: 'TCP',
      Port: 5432,
      TargetType: 'ip',
      HealthCheckProtocol: 'HTTP',
      HealthCheckPort: '8080',
      HealthCheckPath: '/healthz',
    });
    expect(attributes(group, 'TargetGroupAttributes')).toMatchObject({
      'preserve_client_ip.enabled': 'true',
      'deregistration_delay.timeout_seconds': '1200',
      'deregistration_delay.connection_termination.enabled': 'false',
      'load_balancing.cross_zone.enabled': 'true',
      'target_health_state.unhealthy.connection_termination.enabled': 'true',
    });
  });

  it('finds out within half a minute, and not by a pause of some seconds', () => {
    const group = one('AWS::ElasticLoadBalancingV2::TargetGroup') as Record<string, number>;
    const { HealthCheckIntervalSeconds, HealthCheckTimeoutSeconds, UnhealthyThresholdCount } = group;
    // It may vanish just after a check, and each check that fails takes its whole time.
    const longest = HealthCheckIntervalSeconds! * UnhealthyThresholdCount! + HealthCheckTimeoutSeconds!;
    expect(longest).toBeLessThan(30);
    expect(HealthCheckIntervalSeconds! * (UnhealthyThresholdCount! - 1)).toBeGreaterThanOrEqual(15);
  });

  it('is internal, protected once that is asked for, and takes clients from the networks that were named', () => {
    const balancer = one('AWS::ElasticLoadBalancingV2::LoadBalancer');
    expect(balancer).toMatchObject({ Type: 'network', Scheme: 'internal' });
    const attributesOf = (from: typeof template) =>
      attributes(one('AWS::ElasticLoadBalancingV2::LoadBalancer', from), 'LoadBalancerAttributes');
    expect(attributesOf(template)).toMatchObject({ 'load_balancing.cross_zone.enabled': 'true' });
    expect(attributesOf(template)['deletion_protection.enabled']).toBe('false');
    expect(attributesOf(gatewayTemplate({ protect: true }))['deletion_protection.enabled']).toBe('true');
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: 'Clients of the gateway',
      SecurityGroupIngress: [{ CidrIp: '10.0.0.0/8', FromPort: 5432, ToPort: 5432, IpProtocol: 'tcp' }].map(
        (rule) => Match.objectLike(rule),
      ),
    });
  });

  it('has public addresses only where that was asked for', () => {
    const gateway = { ...MINIMAL.gateway, reach: 'internet', clients: ['0.0.0.0/0'], port: 6432 };
    const open = gatewayTemplate({ gateway });
    expect(one('AWS::ElasticLoadBalancingV2::LoadBalancer', open)).toMatchObject({
      Scheme: 'internet-facing',
    });
    expect(one('AWS::ElasticLoadBalancingV2::Listener', open)).toMatchObject({ Port: 6432 });
  });
});

describe('the service', () => {
  const service = one('AWS::ECS::Service');
  const task = one('AWS::ECS::TaskDefinition');
  const [container] = task['ContainerDefinitions'] as Record<string, unknown>[];

  it('starts new tasks before it stops old ones, and goes back when they do not start', () => {
    expect(service).toMatchObject({
      LaunchType: 'FARGATE',
      DeploymentConfiguration: {
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
      HealthCheckGracePeriodSeconds: 60,
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
    });
  });

  it('gives its tasks its tags, so that a bill says whose they are', () => {
    expect(service).toMatchObject({ EnableECSManagedTags: true, PropagateTags: 'SERVICE' });
  });

  it('keeps the number of tasks that sessions have called for when it is deployed again', () => {
    expect(service['DesiredCount']).toBeUndefined();
  });

  const dependsOn = (from = template): string[] =>
    Object.values(from.findResources('AWS::ECS::Service'))[0]!['DependsOn'] as string[];

  it('starts its tasks once custody.yaml is there for them to read, and recordings are guarded', () => {
    const [files] = Object.keys(template.findResources('Custom::CDKBucketDeployment'));
    expect(dependsOn()).toContain(files);
    expect(dependsOn()).toContainEqual(expect.stringMatching(/^GatewayEvidenceBucketPolicy/));
  });

  it.each([
    ['with a NAT gateway', {}],
    ['without', { network: { issuerAccess: 'none' } }],
  ])('starts its tasks once they have a way out, %s', (_how, settings) => {
    const from = gatewayTemplate(settings);
    const ids = (type: string): string[] => Object.keys(from.findResources(type));
    const routes = ids('AWS::EC2::Route').filter((id) => id.includes('tasks'));
    const ways = [...ids('AWS::EC2::VPCEndpoint'), ...ids('AWS::EC2::SecurityGroupIngress'), ...routes];
    expect(ways.length).toBeGreaterThanOrEqual(7 + 3);
    expect(dependsOn(from)).toEqual(expect.arrayContaining(ways));
  });

  it('runs as nobody in particular, on a file system that cannot be written', () => {
    expect(container).toMatchObject({
      User: 'node',
      ReadonlyRootFilesystem: true,
      Privileged: false,
      LinuxParameters: { InitProcessEnabled: true, Capabilities: { Drop: ['ALL'] } },
      MountPoints: [{ ContainerPath: '/tmp', ReadOnly: false, SourceVolume: 'scratch' }],
    });
    expect(task['Volumes']).toEqual([{ Name: 'scratch' }]);
  });

  it('has as long as Fargate gives to say goodbye, and less than that to seal', () => {
    expect(container!['StopTimeout']).toBe(120);
    const command = container!['Command'] as string[];
    expect(Number(command[command.indexOf('--drain-ms') + 1])).toBeLessThan(120_000);
  });

  it('is told everything by its environment, and no secret', () => {
    const names = (container!['Environment'] as { Name: string }[]).map(({ Name }) => Name);
    expect(names.sort()).toEqual([
      'AWS_REGION',
      'CUSTODY_API_URL',
      'CUSTODY_BUCKET',
      'CUSTODY_CONFIG_BUCKET',
      'CUSTODY_CONFIG_KEY',
      'CUSTODY_GATEWAY_ADDRESS',
      'CUSTODY_LEDGER_KEEP_DAYS',
      'CUSTODY_LEDGER_LOCK',
      'CUSTODY_LEDGER_ORIGIN',
      'CUSTODY_SIGNING_KEY',
      'CUSTODY_TABLE_ACCESS',
      'CUSTODY_TABLE_COORDINATION',
      'CUSTODY_TABLE_DELIVERIES',
      'CUSTODY_TABLE_JOURNAL',
      'CUSTODY_TABLE_RUNS',
      'CUSTODY_TABLE_SESSIONS',
      'CUSTODY_TLS_SECRET',
      'POWERTOOLS_METRICS_NAMESPACE',
    ]);
    expect(container!['Secrets']).toBeUndefined();
  });

  it.each([
    ['custody/tls', 'custody/tls'],
    // Secrets Manager takes an ARN that ends so for a complete one, and finds nothing.
    ['custody/tls-secret', 'custody/tls-secret'],
    [`${SECRET_ARN}-AbCdEf`, `${SECRET_ARN}-AbCdEf`],
  ])('asks for its certificate %s by a name that means one secret', (tlsSecret, Value) => {
    const named = gatewayTemplate({ gateway: { ...MINIMAL.gateway, tlsSecret } });
    const [{ Environment }] = one('AWS::ECS::TaskDefinition', named)['ContainerDefinitions'] as [
      { Environment: unknown[] },
    ];
    expect(Environment).toContainEqual({ Name: 'CUSTODY_TLS_SECRET', Value });
  });

  it('grows with sessions and with work', () => {
    expect(one('AWS::ApplicationAutoScaling::ScalableTarget')).toMatchObject({
      MinCapacity: 2,
      MaxCapacity: 10,
    });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      TargetTrackingScalingPolicyConfiguration: {
        CustomizedMetricSpecification: {
          Namespace: 'Custody/Custody/Gateway',
          MetricName: 'ActiveSessions',
          Statistic: 'Average',
          Dimensions: [{ Name: 'service', Value: 'proxy' }],
        },
        TargetValue: 200,
      },
    });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      TargetTrackingScalingPolicyConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      },
    });
  });

  it('has a limit for each task, and another task before one is full', () => {
    const large = gatewayTemplate({ tasks: { maxSessions: 250, cpu: 4096, memoryMiB: 8192 } });
    const [{ Command }] = one('AWS::ECS::TaskDefinition', large)['ContainerDefinitions'] as [
      { Command: string[] },
    ];
    expect(Command[Command.indexOf('--sessions-max') + 1]).toBe('250');
    const standing = container!['Command'] as string[];
    expect(standing[standing.indexOf('--sessions-max') + 1]).toBe('400');
    // As many processes as a gateway would choose that sees these cores.
    expect(Command[Command.indexOf('--processes') + 1]).toBe(String(usualProcesses(4)));
    expect(standing[standing.indexOf('--processes') + 1]).toBe(String(usualProcesses(1)));
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      PolicyType: 'StepScaling',
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'ChangeInCapacity',
        Cooldown: 900,
        StepAdjustments: [
          { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 80, ScalingAdjustment: 1 },
          { MetricIntervalLowerBound: 80, ScalingAdjustment: 2 },
        ],
      },
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ActiveSessions',
      Statistic: 'Maximum',
      Threshold: 320,
    });
  });

  it('is of the architecture that was asked for', () => {
    expect(task['RuntimePlatform']).toMatchObject({ CpuArchitecture: 'ARM64' });
    const x64 = gatewayTemplate({ tasks: { architecture: 'x64' } });
    expect(one('AWS::ECS::TaskDefinition', x64)['RuntimePlatform']).toMatchObject({
      CpuArchitecture: 'X86_64',
    });
  });
});

describe('the network', () => {
  const ENDPOINTS = ['kms', 'secretsmanager', 'logs', 'ecr.api', 'ecr.dkr'];

  it('reaches AWS without the internet', () => {
    const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint'));
    const kinds = endpoints.map(({ Properties }) => Properties.VpcEndpointType as string);
    expect(kinds.filter((kind) => kind === 'Gateway')).toHaveLength(2);
    const names = JSON.stringify(endpoints.map(({ Properties }) => Properties.ServiceName));
    for (const name of [...ENDPOINTS, 's3', 'dynamodb']) expect(names).toContain(`.${name}"`);
  });

  it('lets tasks out to https and to their targets, and nobody in but the load balancer', () => {
    const groups = template.findResources('AWS::EC2::SecurityGroup', {
      Properties: { GroupDescription: 'Tasks of the gateway' },
    });
    const [id, tasks] = Object.entries(groups)[0]!;
    const { SecurityGroupEgress, SecurityGroupIngress } = tasks['Properties'];
    expect(
      SecurityGroupEgress.map(({ FromPort, ToPort }: Record<string, number>) => [FromPort, ToPort]),
    ).toEqual([
      [443, 443],
      [5432, 5432],
    ]);
    expect(SecurityGroupIngress).toBeUndefined();
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'))
      .map(({ Properties }) => Properties)
      .filter(({ GroupId }) => GroupId['Fn::GetAtt'][0] === id);
    expect(new Set(rules.map(({ FromPort }) => FromPort))).toEqual(new Set([5432, 8080]));
    for (const { SourceSecurityGroupId } of rules)
      expect(SourceSecurityGroupId['Fn::GetAtt'][0]).toMatch(/^GatewayFrontGroup/);
  });

  it('has one way out for the keys of the issuer, or two, or none at all', () => {
    template.resourceCountIs('AWS::EC2::NatGateway', 1);
    gatewayTemplate({ network: { natGateways: 2 } }).resourceCountIs('AWS::EC2::NatGateway', 2);
    const closed = gatewayTemplate({ network: { issuerAccess: 'none' } });
    closed.resourceCountIs('AWS::EC2::NatGateway', 0);
    closed.resourceCountIs('AWS::EC2::InternetGateway', 0);
  });

  it('is one that is there already, with what it has, where its id was given', () => {
    const there = gatewayTemplate({
      account: '123456789012',
      region: 'eu-central-1',
      network: { vpcId: 'vpc-0123456789abcdef0' },
    });
    for (const type of ['AWS::EC2::VPC', 'AWS::EC2::VPCEndpoint', 'AWS::EC2::NatGateway'])
      expect(Object.keys(there.findResources(type)), type).toEqual([]);
  });

  it('is in subnets that were named, of a VPC that another account shares: nothing is looked up or changed there', () => {
    const ids = (kind: string) => [1, 2].map((i) => `subnet-0123456789abcd${kind}${i}`);
    const network = {
      vpcId: 'vpc-0123456789abcdef0',
      subnetIds: { private: ids('ab'), front: ids('cd') },
      securityGroupIds: { tasks: 'sg-0123456789abcdef0', front: 'sg-0123456789abcdef1' },
    };
    const stack = gatewayStack({ network });
    const shared = Template.fromStack(stack);
    expect(
      stack.node.root.node
        .findAll()
        .flatMap(({ node }) => node.metadata)
        .filter(({ type }) => type === 'aws:cdk:missing'),
    ).toEqual([]);
    expect(one('AWS::ECS::Service', shared)['NetworkConfiguration']).toMatchObject({
      AwsvpcConfiguration: { Subnets: ids('ab'), SecurityGroups: ['sg-0123456789abcdef0'] },
    });
    expect(one('AWS::ElasticLoadBalancingV2::LoadBalancer', shared)).toMatchObject({
      Subnets: ids('cd'),
      SecurityGroups: ['sg-0123456789abcdef1'],
    });
    for (const type of [
      'VPC',
      'Subnet',
      'Route',
      'VPCEndpoint',
      'SecurityGroup',
      'SecurityGroupIngress',
      'SecurityGroupEgress',
    ])
      expect(Object.keys(shared.findResources(`AWS::EC2::${type}`)), type).toEqual([]);
  });

  it('carries nothing to buckets and tables of another account', () => {
    const gateways = Object.values(
      template.findResources('AWS::EC2::VPCEndpoint', { Properties: { VpcEndpointType: 'Gateway' } }),
    );
    expect(gateways).toHaveLength(2);
    for (const { Properties } of gateways) {
      const { Statement } = Properties.PolicyDocument as { Statement: Record<string, unknown>[] };
      const [own, layers, ...others] = Statement;
      expect(own!['Condition']).toEqual({
        StringEquals: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } },
      });
      expect(others).toEqual([]);
      const isS3 = JSON.stringify(Properties.ServiceName).includes('.s3');
      expect(/-starport-layer-bucket\/\*/.test(JSON.stringify(layers?.['Resource'] ?? ''))).toBe(isS3);
    }
  });

  it('takes zones that nobody has to look up, also where the region is known', () => {
    const known = gatewayTemplate({ account: '123456789012', region: 'eu-central-1' });
    const zones = Object.values(known.findResources('AWS::EC2::Subnet')).map((subnet) =>
      JSON.stringify(subnet['Properties'].AvailabilityZone),
    );
    const first = [0, 1].map((zone) => JSON.stringify({ 'Fn::Select': [zone, { 'Fn::GetAZs': '' }] }));
    expect(new Set(zones)).toEqual(new Set(first));
  });

  it('says what flows in it', () => {
    template.hasResourceProperties('AWS::EC2::FlowLog', { ResourceType: 'VPC', TrafficType: 'ALL' });
  });
});

describe('the image', () => {
  const dockerfile = readFileSync(join(ROOT, 'fargate-proxy', 'Dockerfile'), 'utf8');

  it("starts node with the gateway's own flags, and not as root", () => {
    const [, entry] = /^ENTRYPOINT (.*)$/m.exec(dockerfile)!;
    expect(JSON.parse(entry!)).toEqual(['node', ...NODE_FLAGS, '/app/proxy/main.mjs']);
    expect(/^USER (.*)$/m.exec(dockerfile)![1]).toBe('node');
  });
});
