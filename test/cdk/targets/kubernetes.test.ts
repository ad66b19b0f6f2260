import type { Template } from 'aws-cdk-lib/assertions';
import { type ISecurityGroup, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { allowed, inWords, policiesOf } from '#test/support/role-policies.ts';
import { configFolder, gatewayStack, gatewayTemplate, MINIMAL } from '#test/support/stacks.ts';

const HOST = '0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com';
const ROLE = 'arn:aws:iam::210987654321:role/custody-cluster';
const CA = Buffer.from('-----BEGIN CERTIFICATE-----\n').toString('base64');
const target = (name: string, credential: string) => `
  ${name}:
    protocol: kubernetes
    address: ${HOST}:443
    tls: { caData: ${CA} }
    credential: ${credential}`;
const EKS = target('prod', '{ eks: { cluster: prod } }');
const TARGETS = [
  EKS,
  target('other-account', `{ eks: { cluster: theirs, role: '${ROLE}' } }`),
  target('by_token', '{ tokenSecret: custody/token }'),
  target('by-certificate', '{ certificateSecret: custody/certificate }'),
].join('');
const withTargets = (targets: string) =>
  configFolder((yaml) => yaml.replace(/^rules:/m, `${targets.slice(1)}\nrules:`));

function templateOf(settings: object = {}, targets = TARGETS): Template {
  using folder = withTargets(targets);
  return gatewayTemplate({ configFolder: folder.path, ...settings });
}

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof CustodyError) return `${error.message} → ${error.hint}`;
    throw error;
  }
  throw new Error('it was taken');
}

const template = templateOf();
/** Of one cluster, with all that cdk.json may say of it. */
const other = templateOf(
  {
    gateway: { ...MINIMAL.gateway, kubernetesPort: 443 },
    targets: { prod: { securityGroupId: 'sg-0123456789abcdef0', accessEntry: false } },
  },
  EKS,
);
const may = allowed(policiesOf(template, 'GatewayProxyRole'));
/** As CloudFormation has them: of any shape. */
// oxlint-disable-next-line typescript/no-explicit-any
const propertiesOf = (type: string, of = template): Record<string, any>[] =>
  Object.values(of.findResources(type)).map(({ Properties }) => Properties);
const environmentOf = (variables: readonly { Name: string; Value: unknown }[]) =>
  Object.fromEntries(variables.map(({ Name, Value }) => [Name, inWords(Value)]));

describe('a stack with clusters', () => {
  it('has a listener and a container port for them, with the same health and the same clients', () => {
    const listeners = propertiesOf('AWS::ElasticLoadBalancingV2::Listener');
    expect(listeners.map(({ Port, Protocol }) => [Port, Protocol])).toEqual([
      [5432, 'TCP'],
      [6443, 'TCP'],
    ]);
    // A watch of which nothing comes: keepalives of both sides come every 30 s.
    expect(listeners[1]!['ListenerAttributes']).toEqual([{ Key: 'tcp.idle_timeout.seconds', Value: '6000' }]);
    const groups = propertiesOf('AWS::ElasticLoadBalancingV2::TargetGroup');
    expect(groups.map(({ Port, HealthCheckPort }) => [Port, HealthCheckPort])).toEqual([
      [5432, '8080'],
      [6443, '8080'],
    ]);
    const [clients] = propertiesOf('AWS::EC2::SecurityGroup').filter(
      ({ GroupDescription }) => GroupDescription === 'Clients of the gateway',
    );
    expect(clients!['SecurityGroupIngress'].map((rule: { ToPort: number }) => rule.ToPort)).toEqual([
      5432, 6443,
    ]);
    const [task] = propertiesOf('AWS::ECS::TaskDefinition');
    const [container] = task!['ContainerDefinitions'];
    expect(container.PortMappings.map((port: { ContainerPort: number }) => port.ContainerPort)).toEqual([
      5432, 6443, 8080,
    ]);
  });

  it('tells the proxy its port, and the functions the address for people', () => {
    const [task] = propertiesOf('AWS::ECS::TaskDefinition');
    const proxy = environmentOf(task!['ContainerDefinitions'][0].Environment);
    expect(proxy['CUSTODY_KUBERNETES_PORT']).toBe('6443');
    expect(proxy).not.toHaveProperty('CUSTODY_KUBERNETES_ADDRESS');
    for (const { Environment } of propertiesOf('AWS::Lambda::Function').filter(
      ({ Environment }) => Environment?.Variables.CUSTODY_BUCKET !== undefined,
    )) {
      expect(Environment.Variables.CUSTODY_KUBERNETES_ADDRESS).toBe('gateway.example.com:6443');
      expect(Environment.Variables).not.toHaveProperty('CUSTODY_KUBERNETES_PORT');
    }
  });

  it('listens where cdk.json says', () => {
    expect(propertiesOf('AWS::ElasticLoadBalancingV2::Listener', other).map(({ Port }) => Port)).toEqual([
      5432, 443,
    ]);
    expect(JSON.stringify(other)).toContain('"CUSTODY_KUBERNETES_ADDRESS":"gateway.example.com:443"');
  });

  it('lets the proxy into the cluster of its account by its role, in one group and without a policy of EKS', () => {
    const [entry, ...others] = propertiesOf('AWS::EKS::AccessEntry');
    expect(others).toEqual([]);
    expect({ ...entry, PrincipalArn: inWords(entry!['PrincipalArn']) }).toEqual({
      ClusterName: 'prod',
      PrincipalArn: 'GatewayProxyRole',
      Username: 'custody-gateway',
      KubernetesGroups: ['custody-gateway'],
      Type: 'STANDARD',
    });
    expect([...may.keys()].filter((action) => action.startsWith('eks:'))).toEqual([]);
  });

  it('lets it take just the role that custody.yaml names, and reach STS for it', () => {
    expect(may.get('sts:AssumeRole')).toEqual([ROLE]);
    const services = (of: Template) =>
      propertiesOf('AWS::EC2::VPCEndpoint', of).map(({ ServiceName }) => inWords(ServiceName));
    expect(services(template).filter((name) => name.endsWith('.sts'))).toHaveLength(1);
    expect(allowed(policiesOf(other, 'GatewayProxyRole')).has('sts:AssumeRole')).toBe(false);
    expect(services(other).filter((name) => name.endsWith('.sts'))).toEqual([]);
  });

  it('lets it read the secrets of its clusters, and no function any', () => {
    const read = may.get('secretsmanager:GetSecretValue')!.map((arn) => arn.split('custody/')[1]);
    expect(read).toEqual(['tls-??????', 'orders-??????', 'token-??????', 'certificate-??????']);
    for (const role of ['Access', 'Replay', 'Authorizer', 'Sealer'])
      expect(JSON.stringify([...allowed(policiesOf(template, `GatewayFunctions${role}Role`))])).not.toMatch(
        /custody\/(?:token|certificate)|AssumeRole/,
      );
  });

  it('opens the way to the API server', () => {
    const [way, ...others] = propertiesOf('AWS::EC2::SecurityGroupIngress', other).filter(
      ({ GroupId }) => GroupId === 'sg-0123456789abcdef0',
    );
    expect(others).toEqual([]);
    expect(way).toMatchObject({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443 });
    expect(inWords(way!['SourceSecurityGroupId'])).toMatch(/^GatewayNetworkTasks/);
  });

  it('names the role of the proxy, which clusters of others have to know', () => {
    expect(inWords(template.findOutputs('GatewayRole')['GatewayRole']!['Value'])).toBe('GatewayProxyRole');
  });
});

describe('a stack without clusters', () => {
  it('has none of it', () => {
    const plain = gatewayTemplate();
    plain.resourceCountIs('AWS::ElasticLoadBalancingV2::Listener', 1);
    plain.resourceCountIs('AWS::EKS::AccessEntry', 0);
    expect(JSON.stringify(plain)).not.toMatch(/KUBERNETES|GatewayRole/);
  });
});

describe('a cluster that somebody else lets the gateway into', () => {
  it('gets no access entry of the stack', () => {
    expect(other.findResources('AWS::EKS::AccessEntry')).toEqual({});
  });

  it('cannot be given one where the stack is not', () => {
    const targets = { 'other-account': { accessEntry: true } };
    expect(refusalOf(() => templateOf({ targets }))).toMatch(/other-account.*accessEntry: true.* → .*remove/);
  });
});

describe('a cluster that custody.yaml does not have so', () => {
  it.each(['tokenFile', 'certificateFile'])('is refused for a %s: tasks have no files', (what) => {
    const words = refusalOf(() => templateOf({}, target('prod', `{ ${what}: of-it }`)));
    expect(words).toContain(`found ${what}, expected tokenSecret, certificateSecret, or eks`);
  });

  it.each([
    ['a pattern for a role', `{ eks: { cluster: prod, role: 'arn:aws:iam::210987654321:role/*' } }`],
    ['every role', `{ eks: { cluster: prod, role: '*' } }`],
    ['no region', '{ eks: { cluster: prod, region: evil.example/ } }'],
    ['a name that no cluster has', '{ eks: { cluster: "a\\nb" } }'],
  ])('is refused for %s', (_what, credential) => {
    expect(refusalOf(() => templateOf({}, target('prod', credential)))).toMatch(/credential\.eks\.\w+/);
  });

  it.each([
    ['resourceId', 'prod', { resourceId: 'db-ABC123' }, 'no database of RDS'],
    ['accessEntry', 'orders', { accessEntry: true }, 'no cluster of EKS'],
  ])('is refused for %s of another kind in cdk.json', (key, name, settings, what) => {
    const words = refusalOf(() => templateOf({ targets: { [name]: settings } }, EKS));
    expect(words).toContain(`cdk.json: context.custody.targets.${name}.${key}: found `);
    expect(words).toContain(what);
  });

  it('is refused in code for what differs', () => {
    using folder = withTargets(TARGETS);
    const stack = gatewayStack({ configFolder: folder.path });
    const { gateway } = stack;
    const at = { host: HOST, port: 443 };
    const clusterSecurityGroup: ISecurityGroup = SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1');
    const secret = Secret.fromSecretNameV2(stack, 'Secret', 'another');
    const refused = (...[name, found]: Parameters<typeof gateway.addKubernetesTarget>): string =>
      refusalOf(() => gateway.addKubernetesTarget(name, found));
    expect(refused('dev', at)).toContain('the target "dev": found it in code');
    expect(refused('orders', at)).toContain(
      'found addKubernetesTarget, but custody.yaml says protocol: postgres',
    );
    expect(refused('prod', { ...at, port: 6443 })).toContain(`expected ${HOST}:443`);
    expect(refused('prod', { cluster: { clusterName: 'dev', clusterSecurityGroup } })).toContain(
      'found the cluster dev, expected prod',
    );
    expect(refused('prod', { ...at, secret })).toContain(
      'found a secret, but its credential in custody.yaml is eks',
    );
    expect(refused('by_token', at)).toContain(
      'found no secret, but its credential in custody.yaml is custody/token',
    );
    expect(refused('by_token', { ...at, secret })).toContain(
      'found the secret another, expected custody/token',
    );
  });
});
