import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { refusedBy } from '#test/support/policy-judge.ts';
import { allowed, inWords, type PolicyStatementJson, policiesOf } from '#test/support/role-policies.ts';
import { configFolder, gatewayStack, gatewayTemplate, MINIMAL } from '#test/support/stacks.ts';

const TARGET = `
  web-1:
    protocol: ssh
    address: web-1.internal:22
    hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1n']
    logins:
      deploy: { keySecret: custody/web-1-deploy }
      Admin.2: { secret: custody/web-1-admin }
      app: { certificate: true }
`;
/** What CloudFront shows the API: of no target. */
const OF_CONSOLE = 'GatewayConsoleEdge';
const withTarget = (target = TARGET) =>
  configFolder((yaml) => yaml.replace(/^rules:/m, `${target.slice(1)}\nrules:`));

function templateOf(settings: object = {}, target = TARGET): Template {
  using folder = withTarget(target);
  return gatewayTemplate({ configFolder: folder.path, ...settings });
}

function refusalOf(target: string): string {
  try {
    templateOf({}, target);
  } catch (error) {
    if (error instanceof CustodyError) return `${error.message} → ${error.hint}`;
    throw error;
  }
  throw new Error('it was taken');
}

const template = templateOf();
const may = (role: string) => allowed(policiesOf(template, role));

describe('a stack with an SSH target', () => {
  it('has a listener and a container port for each protocol, with the same health and the same clients', () => {
    const listeners = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::Listener'));
    expect(listeners.map(({ Properties }) => [Properties.Port, Properties.Protocol])).toEqual([
      [5432, 'TCP'],
      [22, 'TCP'],
    ]);
    const groups = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::TargetGroup'));
    expect(groups.map(({ Properties }) => [Properties.Port, Properties.HealthCheckPort])).toEqual([
      [5432, '8080'],
      [2222, '8080'],
    ]);
    const [clients] = Object.values(template.findResources('AWS::EC2::SecurityGroup')).filter(
      ({ Properties }) => Properties.GroupDescription === 'Clients of the gateway',
    );
    expect(
      clients!['Properties'].SecurityGroupIngress.map((rule: { ToPort: number }) => rule.ToPort),
    ).toEqual([5432, 22]);
    const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
    const [container] = task!['Properties'].ContainerDefinitions;
    expect(container.PortMappings.map((port: { ContainerPort: number }) => port.ContainerPort)).toEqual([
      5432, 2222, 8080,
    ]);
    const from = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).filter(
      ({ Properties }) => Properties.Description === 'The load balancer',
    );
    expect(from.map(({ Properties }) => Properties.FromPort)).toEqual([5432, 2222, 8080]);
  });

  it('listens where cdk.json says', () => {
    const other = templateOf({ gateway: { ...MINIMAL.gateway, sshPort: 2200 } });
    const listeners = Object.values(other.findResources('AWS::ElasticLoadBalancingV2::Listener'));
    expect(listeners.map(({ Properties }) => Properties.Port)).toEqual([5432, 2200]);
    expect(JSON.stringify(other)).toContain('"CUSTODY_SSH_ADDRESS","Value":"gateway.example.com:2200"');
  });

  it('opens the way to it', () => {
    expect(JSON.stringify(template.findResources('AWS::EC2::SecurityGroup'))).toContain(
      'The target at port 22',
    );
    const group = templateOf({ targets: { 'web-1': { securityGroupId: 'sg-0123456789abcdef0' } } });
    group.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId: 'sg-0123456789abcdef0',
      FromPort: 22,
    });
  });

  it('lets the proxy read the secrets of its logins and make the host key, and nobody else', () => {
    const read = may('GatewayProxyRole').get('secretsmanager:GetSecretValue')!;
    expect(
      read.filter((arn) => arn.includes('custody/web-1')).map((arn) => arn.split('custody/')[1]),
    ).toEqual(['web-1-admin-??????', 'web-1-deploy-??????']);
    expect(may('GatewayProxyRole').get('secretsmanager:PutSecretValue')).toEqual(['GatewaySshHostKey']);
    for (const role of ['Access', 'Replay', 'Ssh', 'Authorizer', 'Sealer'])
      expect(JSON.stringify([...may(`GatewayFunctions${role}Role`)])).not.toMatch(/HostKey|custody\/web-1/);
  });

  it('holds no key and no text of one: the secret is made empty, and stays when the stack goes', () => {
    const secrets = Object.entries(template.findResources('AWS::SecretsManager::Secret'));
    const own = secrets.flatMap(([id, secret]) => (id.startsWith(OF_CONSOLE) ? [] : secret));
    expect(own).toHaveLength(1);
    const [secret] = own;
    expect(Object.keys(secret!['Properties'])).toEqual(['Description']);
    expect(secret!['DeletionPolicy']).toBe('RetainExceptOnCreate');
  });

  it('signs for people in one function, and for targets in the proxy', () => {
    expect(may('GatewayFunctionsSshRole').get('kms:Sign')).toEqual(['GatewaySshUserCaKey']);
    expect(may('GatewayProxyRole').get('kms:Sign')).toEqual(['GatewaySigningKey', 'GatewaySshTargetCaKey']);
    expect(may('GatewayFunctionsSshRole').get('kms:GetPublicKey')).toEqual([
      'GatewaySshUserCaKey',
      'GatewaySshTargetCaKey',
    ]);
    for (const role of [
      'Access',
      'Replay',
      'Authorizer',
      'Sealer',
      'Sequencer',
      'Notifier',
      'Scim',
      'Logout',
    ])
      expect(may(`GatewayFunctions${role}Role`).get('kms:Sign') ?? []).not.toEqual(
        expect.arrayContaining([expect.stringContaining('Ssh')]),
      );
  });

  it.each([
    ['GatewaySshUserCa', 'GatewayFunctionsSshRole', 'GatewayProxyRole'],
    ['GatewaySshTargetCa', 'GatewayProxyRole', 'GatewayFunctionsSshRole'],
  ])('security case 12: %s signs for %s alone, whatever the policies of %s allow', (id, own, other) => {
    const keys = Object.entries(template.findResources('AWS::KMS::Key'));
    const key = keys.find(([name]) => name.startsWith(id))![1];
    expect(key['Properties']).toMatchObject({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const statements = key['Properties'].KeyPolicy.Statement as PolicyStatementJson[];
    const roles = Object.keys(template.findResources('AWS::IAM::Role'));
    const arnOf = (role: string) =>
      inWords({ 'Fn::GetAtt': [roles.find((name) => name.startsWith(role))!, 'Arn'] });
    const asked = (by: string) =>
      refusedBy(statements, { action: 'kms:Sign', resource: '*', context: { 'aws:PrincipalArn': by } });
    expect(asked(arnOf(own))).toBeUndefined();
    expect(asked(arnOf(other))).toBe('NobodyElseSigns');
    expect(asked('arn:aws:iam::123456789012:role/Administrator')).toBe('NobodyElseSigns');
  });

  it('tells proxy and functions where what is', () => {
    const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
    const [container] = task!['Properties'].ContainerDefinitions;
    const told = Object.fromEntries(
      container.Environment.map(({ Name, Value }: { Name: string; Value: unknown }) => [
        Name,
        inWords(Value),
      ]),
    );
    expect(told).toMatchObject({
      CUSTODY_SSH_PORT: '2222',
      CUSTODY_SSH_ADDRESS: 'gateway.example.com:22',
      CUSTODY_SSH_HOST_KEY_SECRET: 'GatewaySshHostKey',
      CUSTODY_SSH_USER_CA: 'GatewaySshUserCaKey',
      CUSTODY_SSH_TARGET_CA: 'GatewaySshTargetCaKey',
    });
    const functions = template.findResources('AWS::Lambda::Function');
    const [, ssh] = Object.entries(functions).find(([id]) => id.startsWith('GatewayFunctionsSsh'))!;
    expect(Object.keys(ssh['Properties'].Environment.Variables)).toEqual(
      expect.arrayContaining(['CUSTODY_SSH_ADDRESS', 'CUSTODY_SSH_USER_CA', 'CUSTODY_SSH_TARGET_CA']),
    );
    expect(Object.keys(ssh['Properties'].Environment.Variables)).not.toContain('CUSTODY_SSH_HOST_KEY_SECRET');
  });
});

describe('a stack without SSH targets', () => {
  it('has none of it: no port, no CA, no secret', () => {
    const plain = gatewayTemplate();
    plain.resourceCountIs('AWS::ElasticLoadBalancingV2::Listener', 1);
    plain.resourceCountIs('AWS::KMS::Key', 2);
    const secrets = Object.keys(plain.findResources('AWS::SecretsManager::Secret'));
    expect(secrets).toEqual([expect.stringMatching(new RegExp(`^${OF_CONSOLE}`))]);
    expect(JSON.stringify(plain)).not.toContain('CUSTODY_SSH');
  });
});

describe('an SSH target that custody.yaml does not have so', () => {
  it.each([
    ['keyFile', '{ keyFile: key }'],
    ['passwordFile', '{ passwordFile: password }'],
  ])('is refused for a %s: tasks have no files', (what, written) => {
    const words = refusalOf(TARGET.replace('{ certificate: true }', written));
    expect(words).toContain(
      `found ${what} for the login app, expected keySecret, secret, or certificate: true`,
    );
  });

  it('is refused for the resource id of a database: nothing would be done with it', () => {
    const targets = { 'web-1': { resourceId: 'db-ABC123' } };
    expect(() => templateOf({ targets })).toThrow(
      'cdk.json: context.custody.targets.web-1.resourceId: found "db-ABC123", expected none',
    );
  });

  it('is refused in code for what differs', () => {
    using folder = withTarget();
    const { gateway } = gatewayStack({ configFolder: folder.path });
    const at = { host: 'web-1.internal', port: 22 };
    expect(() => gateway.addSshTarget('web-2', at)).toThrow('the target "web-2": found it in code');
    expect(() => gateway.addSshTarget('orders', at)).toThrow(
      'found addSshTarget, but custody.yaml says protocol: postgres',
    );
    expect(() => gateway.addSshTarget('web-1', { ...at, port: 23 })).toThrow('expected web-1.internal:22');
    expect(() => gateway.addSshTarget('web-1', at)).toThrow(
      'found no secret for the login deploy, but custody.yaml says custody/web-1-deploy',
    );
    expect(() => gateway.addPostgresTarget('web-1', { ...at, auth: 'iam' })).toThrow(
      'found addPostgresTarget, but custody.yaml says protocol: ssh',
    );
  });

  it('is taken with names that CloudFormation would not take, and that differ little', () => {
    const logins = '{ a-b: { secret: s/1 }, a_b: { secret: s/2 }, a.b: { secret: s/3 } }';
    const many = templateOf({}, TARGET.replace(/logins:[^]*/, `logins: ${logins}\n`));
    const sids = Object.entries(many.findResources('AWS::IAM::Policy'))
      .filter(([id]) => id.startsWith('GatewayProxyRole'))
      .flatMap(([, policy]) => policy['Properties'].PolicyDocument.Statement as { Sid?: string }[])
      .flatMap(({ Sid = [] }) => Sid);
    expect(sids.filter((sid, i) => sids.indexOf(sid) !== i || !/^[A-Za-z0-9]+$/.test(sid))).toEqual([]);
    expect(Template.fromStack(gatewayStack()).findResources('AWS::IAM::Role')).toBeDefined();
  });
});
