import { Duration, type Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { type IVpc, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  DatabaseCluster,
  DatabaseClusterEngine,
  DatabaseProxy,
} from 'aws-cdk-lib/aws-rds';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { AccessGateway } from '#cdk/constructs/access-gateway.ts';
import { CustodyError } from '#core/errors.ts';
import { allowed, inWords, policiesOf } from '#test/support/role-policies.ts';
import {
  configFolder,
  EXAMPLE,
  emptyStack,
  gatewayStack,
  gatewayTemplate,
  MINIMAL,
  STUBS,
} from '#test/support/stacks.ts';

const ADDRESS = { host: 'orders.cluster-example.eu-central-1.rds.amazonaws.com', port: 5432 };
const SECRETS = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret';
const IAM = (yaml: string) => yaml.replace(/secret: custody\/orders.*/, 'rdsIam: true');

/** The construct as somebody uses it in a stack of their own. */
function gatewayIn(stack: Stack, folder = EXAMPLE, vpc?: IVpc): AccessGateway {
  return new AccessGateway(stack, 'Gateway', {
    ...STUBS,
    ...(vpc === undefined ? {} : { vpc }),
    configFolder: folder,
    hostname: 'gateway.example.com',
    port: 5432,
    tlsSecret: Secret.fromSecretNameV2(stack, 'Tls', 'tls'),
    reach: 'internal',
    clients: ['10.0.0.0/8'],
    issuerAccess: vpc === undefined ? 'nat' : 'none',
    tasks: { min: 1, max: 2, cpu: 1024, memoryMiB: 2048, architecture: 'arm64', sessionsEach: 100 },
    drain: Duration.minutes(10),
    recordings: { lock: 'governance', lockDays: 365, ledgerDays: 3650, acknowledgeCompliance: false },
  });
}

function aurora(stack: Stack): DatabaseCluster {
  return new DatabaseCluster(stack, 'Orders', {
    engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_16_6 }),
    writer: ClusterInstance.serverlessV2('Writer'),
    vpc: new Vpc(stack, 'Databases') as IVpc,
    port: 5432,
  });
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

const proxyMay = (stack: Stack) => allowed(policiesOf(Template.fromStack(stack), 'GatewayProxyRole'));

describe('a target that is a cluster', () => {
  const stack = emptyStack();
  const cluster = aurora(stack);
  gatewayIn(stack).addPostgresTarget('orders', { cluster, secret: cluster.secret! });
  const template = Template.fromStack(stack);

  it('opens its port to the tasks, and to nobody else', () => {
    const [rule, ...others] = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).filter(
      ({ Properties: rule }) => JSON.stringify(rule.GroupId).includes('OrdersSecurityGroup'),
    );
    expect(others).toEqual([]);
    expect(rule!['Properties']).toMatchObject({ FromPort: 5432, ToPort: 5432, IpProtocol: 'tcp' });
    expect(JSON.stringify(rule!['Properties'].SourceSecurityGroupId)).toContain('GatewayNetworkTasks');
  });

  it('lets the proxy read its secret and no other but the certificate', () => {
    const secrets = proxyMay(stack).get('secretsmanager:GetSecretValue')!;
    expect(secrets).toHaveLength(2);
    expect(secrets[0]).toMatch(/:secret:tls-\?{6}$/);
    expect(secrets[1]).toMatch(/^OrdersSecretAttachment/);
  });

  it('warns of nothing', () => {
    Annotations.fromStack(stack).hasNoWarning('*', Match.stringLikeRegexp('custody.yaml'));
  });
});

describe('a VPC that has two private subnets in a zone', () => {
  it('gets a load balancer with one in each, which is all that one may have', () => {
    const stack = emptyStack();
    const subnets = ['applications', 'databases'].map((name) => ({
      name,
      subnetType: SubnetType.PRIVATE_ISOLATED,
    }));
    const vpc = new Vpc(stack, 'Theirs', { natGateways: 0, maxAzs: 2, subnetConfiguration: subnets });
    gatewayIn(stack, EXAMPLE, vpc as IVpc);
    const template = Template.fromStack(stack);
    const [balancer] = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::LoadBalancer'));
    expect(balancer!['Properties'].Subnets).toHaveLength(2);
  });
});

describe('targets whose names differ in a hyphen or an underscore only', () => {
  it.each([
    ['a secret', (yaml: string) => yaml],
    ['IAM', IAM],
  ])('have statements of their own for %s: IAM refuses a policy that names two alike', (_what, change) => {
    using folder = configFolder((yaml) => {
      const [, orders] = /^( {2}orders: (?:.|\n)*?)\nrules:/m.exec(change(yaml))!;
      const both = ['or-ders', 'ord-ers', 'or_ders', 'ord_ers'].map((name) =>
        orders!.replace('orders:', `${name}:`).replaceAll(/custody\b/g, `as-${name}`),
      );
      return change(yaml).replace(orders!, [orders, ...both].join('\n'));
    });
    const resourceId = 'cluster-ABC123';
    const targets = Object.fromEntries(
      ['orders', 'or-ders', 'ord-ers', 'or_ders', 'ord_ers'].map((name) => [name, { resourceId }]),
    );
    const template = gatewayTemplate({ configFolder: folder.path, targets });
    const sids = Object.entries(template.findResources('AWS::IAM::Policy'))
      .filter(([id]) => id.startsWith('GatewayProxyRole'))
      .flatMap(([, policy]) => policy['Properties'].PolicyDocument.Statement as { Sid?: string }[])
      .flatMap(({ Sid = [] }) => Sid);
    expect(sids.filter((sid, i) => sids.indexOf(sid) !== i)).toEqual([]);
  });
});

describe('a target that logs in with IAM', () => {
  it('gives rds-db:connect as its user in custody.yaml, and no secret', () => {
    using folder = configFolder(IAM);
    const targets = { orders: { resourceId: 'cluster-ABC123', securityGroupId: 'sg-0123456789abcdef0' } };
    const stack = gatewayStack({ configFolder: folder.path, targets });
    const may = proxyMay(stack);
    expect(may.get('rds-db:connect')).toEqual([
      'arn:AWS::Partition:rds-db:AWS::Region:AWS::AccountId:dbuser:cluster-ABC123/custody',
    ]);
    expect(may.get('secretsmanager:GetSecretValue')).toHaveLength(1);
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId: 'sg-0123456789abcdef0',
      FromPort: 5432,
    });
  });

  it('knows the id of a cluster by itself', () => {
    using folder = configFolder(IAM);
    const stack = emptyStack();
    gatewayIn(stack, folder.path).addPostgresTarget('orders', { cluster: aurora(stack), auth: 'iam' });
    expect(proxyMay(stack).get('rds-db:connect')![0]).toMatch(/:dbuser:Orders.*\/custody$/);
  });

  it('needs the id of a host that is not of this stack', () => {
    using folder = configFolder(IAM);
    expect(refusalOf(() => gatewayStack({ configFolder: folder.path }))).toMatch(
      /resource id .* → give resourceId/,
    );
  });
});

describe('a target behind a proxy of RDS', () => {
  const PROXY = 'orders.proxy-example.eu-central-1.rds.amazonaws.com';
  const atProxy = (yaml: string) =>
    IAM(yaml)
      .replace(/orders\.cluster-\S+:5432/, `${PROXY}:5432`)
      .replace(/^.*tls:.*$/m, '');

  it('gives rds-db:connect at the proxy, by its own id, and trusts what signs its certificate without more', () => {
    using folder = configFolder(atProxy);
    const targets = { orders: { resourceId: 'prx-0a1b2c3d4e5f60718' } };
    const stack = gatewayStack({ configFolder: folder.path, targets });
    expect(proxyMay(stack).get('rds-db:connect')).toEqual([
      'arn:AWS::Partition:rds-db:AWS::Region:AWS::AccountId:dbuser:prx-0a1b2c3d4e5f60718/custody',
    ]);
  });

  it('knows the id and the group of one that CDK made', () => {
    using folder = configFolder(atProxy);
    const stack = emptyStack();
    const cluster = aurora(stack);
    const proxy = cluster.addProxy('Proxy', { secrets: [cluster.secret!], vpc: cluster.vpc, iamAuth: true });
    gatewayIn(stack, folder.path).addPostgresTarget('orders', { proxy, auth: 'iam' });
    const template = Template.fromStack(stack);
    const [policy] = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) =>
      id.startsWith('GatewayProxyRole'),
    );
    expect(JSON.stringify(policy)).toMatch(
      /dbuser:",\{"Fn::Select":\[6,\{"Fn::Split":\[":",\{"Fn::GetAtt":\["OrdersProxy\w+","DBProxyArn"/,
    );
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).filter(
      ({ Properties }) =>
        JSON.stringify(Properties.SourceSecurityGroupId).includes('GatewayNetworkTasks') &&
        Properties.FromPort === 5432,
    );
    expect(rules.map(({ Properties }) => inWords(Properties.GroupId))).toEqual([
      expect.stringMatching(/^OrdersProxyProxySecurityGroup/),
    ]);
  });

  it('needs no group of one that was imported', () => {
    using folder = configFolder(atProxy);
    const stack = emptyStack();
    const proxy = DatabaseProxy.fromDatabaseProxyAttributes(stack, 'There', {
      dbProxyName: 'orders',
      dbProxyArn: 'arn:aws:rds:eu-central-1:123456789012:db-proxy:prx-0a1b',
      endpoint: PROXY,
      securityGroups: [],
    });
    gatewayIn(stack, folder.path).addPostgresTarget('orders', { proxy, auth: 'iam' });
    expect(proxyMay(stack).get('rds-db:connect')![0]).toMatch(/:dbuser:prx-0a1b\/custody$/);
  });
});

describe('a target in another account', () => {
  const ROLE = 'arn:aws:iam::210987654321:role/custody-orders';
  const withRole = (yaml: string, what: string) =>
    yaml.replace(new RegExp(`^( +)${what}.*$`, 'm'), `$1${what}\n$1assumeRole: '${ROLE}'`);

  it.each([
    ['secret', (yaml: string) => withRole(yaml, 'secret: custody/orders')],
    ['login by IAM', (yaml: string) => withRole(IAM(yaml), 'rdsIam: true')],
  ])('lets the proxy take its one role, and no more, for its %s', (_what, change) => {
    using folder = configFolder(change);
    const stack = gatewayStack({ configFolder: folder.path });
    const may = proxyMay(stack);
    expect(may.get('sts:AssumeRole')).toEqual([ROLE]);
    expect(may.get('rds-db:connect')).toBeUndefined();
    expect(may.get('secretsmanager:GetSecretValue')).toHaveLength(1);
    const template = Template.fromStack(stack);
    // Its trust policy names it; and tasks reach STS.
    expect(Object.keys(template.findOutputs('GatewayRole'))).toEqual(['GatewayRole']);
    expect(JSON.stringify(template.findResources('AWS::EC2::VPCEndpoint'))).toContain('.sts"');
  });

  it('is refused where the code says otherwise', () => {
    using folder = configFolder((yaml) => withRole(IAM(yaml), 'rdsIam: true'));
    const gateway = gatewayIn(emptyStack(), folder.path);
    expect(refusalOf(() => gateway.addPostgresTarget('orders', { ...ADDRESS, auth: 'iam' }))).toContain(
      "found auth: 'iam', but its credential in custody.yaml is auth: 'role'",
    );
  });
});

describe('a target that custody.yaml does not have so', () => {
  const stack = emptyStack();
  const gateway = gatewayIn(stack);
  const secret = Secret.fromSecretNameV2(stack, 'Secret', 'orders');

  it('is refused by its name, with those that there are', () => {
    const words = refusalOf(() => gateway.addPostgresTarget('order', { ...ADDRESS, secret }));
    expect(words).toContain('the target "order"');
    expect(words).toContain('whose targets are: "orders"');
    expect(words).toContain('correct the name in addPostgresTarget');
  });

  it('is refused for its address', () => {
    const words = refusalOf(() => gateway.addPostgresTarget('orders', { host: 'db', port: 5433, secret }));
    expect(words).toContain(`found db:5433, expected ${ADDRESS.host}:5432`);
  });

  it('is refused for its credential', () => {
    expect(refusalOf(() => gateway.addPostgresTarget('orders', { ...ADDRESS, auth: 'iam' }))).toContain(
      "found auth: 'iam', but its credential in custody.yaml is a secret",
    );
  });

  it.each([
    ['its name', 'orders', (of: Stack) => Secret.fromSecretNameV2(of, 'ByName', 'orders')],
    [
      'its ARN',
      'custody/other',
      (of: Stack) => Secret.fromSecretCompleteArn(of, 'ByArn', `${SECRETS}:custody/other-AbCdEf`),
    ],
  ])(
    'is refused for another secret, by %s: the proxy could not read the one that it asks for',
    (_by, found, of) => {
      const words = refusalOf(() => gateway.addPostgresTarget('orders', { ...ADDRESS, secret: of(stack) }));
      expect(words).toContain(`found the secret ${found}, expected custody/orders, as custody.yaml says`);
    },
  );

  it.each([
    ['named alike', (of: Stack) => Secret.fromSecretNameV2(of, 'Same', 'custody/orders')],
    [
      'named alike by its ARN',
      (of: Stack) => Secret.fromSecretCompleteArn(of, 'Whole', `${SECRETS}:custody/orders-AbCdEf`),
    ],
    [
      'named alike by the beginning of its ARN',
      (of: Stack) => Secret.fromSecretPartialArn(of, 'Partial', `${SECRETS}:custody/orders`),
    ],
    ['named when it is deployed', (of: Stack) => new Secret(of, 'New') as ISecret],
  ])('is taken where its secret is %s', (_how, of) => {
    const other = emptyStack();
    const here = gatewayIn(other);
    expect(here.addPostgresTarget('orders', { ...ADDRESS, secret: of(other) })).toBe(here);
  });

  it('is warned of when custody.yaml has it and the code does not', () => {
    Template.fromStack(stack);
    Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('has the target "orders"'));
  });
});

describe('the stack that cdk.json and custody.yaml describe', () => {
  it('puts out what the README tells people to use, under those names', () => {
    const outputs = gatewayTemplate({ ledgerOrigin: 'ledger.example/custody' }).findOutputs('*');
    expect(Object.keys(outputs).toSorted()).toEqual([
      'ApiUrl',
      'ConsoleUrl',
      'EventsBucket',
      'EventsDatabase',
      'EvidenceBucket',
      'GatewayName',
      'LedgerOrigin',
      'SigningKey',
    ]);
    expect(outputs['LedgerOrigin']!['Value']).toBe('ledger.example/custody');
  });

  it('refuses a target whose password is in a file', () => {
    using folder = configFolder((yaml) => yaml.replace(/secret: custody\/orders.*/, 'passwordFile: p'));
    expect(refusalOf(() => gatewayStack({ configFolder: folder.path }))).toContain(
      'targets.orders.credential: found passwordFile, expected secret',
    );
  });

  it('refuses settings of a target that is not there', () => {
    expect(refusalOf(() => gatewayStack({ targets: { order: {} } }))).toContain(
      'context.custody.targets: found "order", expected a target of custody.yaml: orders',
    );
  });

  it('takes a secret by its ARN, and the key that it is encrypted with', () => {
    const arn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-AbCdEf';
    const secretKeyArn = 'arn:aws:kms:eu-central-1:123456789012:key/1234';
    using folder = configFolder((yaml) => yaml.replace('secret: custody/orders', `secret: ${arn}`));
    const may = proxyMay(gatewayStack({ configFolder: folder.path, targets: { orders: { secretKeyArn } } }));
    expect(may.get('secretsmanager:GetSecretValue')).toContain(arn);
    expect(may.get('kms:Decrypt')).toContain(secretKeyArn);
  });

  it("takes a key of one's own for any secret: the certificate's too", () => {
    const key = 'arn:aws:kms:eu-central-1:123456789012:key/1234';
    const may = proxyMay(gatewayStack({ secretKeys: { 'custody/tls': key } }));
    expect(may.get('kms:Decrypt')).toContain(key);
    expect(JSON.stringify(gatewayTemplate({ secretKeys: { 'custody/tls': key } }))).toContain(
      '{"Name":"CUSTODY_TLS_SECRET","Value":"custody/tls"}',
    );
    const gateway = { ...MINIMAL.gateway, tlsSecret: 'custody/tls-secret' };
    expect(refusalOf(() => gatewayStack({ gateway, secretKeys: { 'custody/tls-secret': key } }))).toContain(
      'the secret custody/tls-secret has a key of yours: expected its whole ARN',
    );
  });

  it('lets the notifier read the secrets of webhooks', () => {
    const hook = 'webhooks: [{ name: hook, url: "https://example.com", secret: custody/hook }]\n';
    using folder = configFolder((yaml) => `${yaml}\n${hook}`);
    const template = gatewayTemplate({ configFolder: folder.path });
    const [secret, ...others] = allowed(policiesOf(template, 'GatewayFunctionsNotifierRole')).get(
      'secretsmanager:GetSecretValue',
    )!;
    expect(secret).toContain(':secret:custody/hook-??????');
    expect(others).toEqual([]);
    expect(
      allowed(policiesOf(template, 'GatewayProxyRole')).get('secretsmanager:GetSecretValue'),
    ).toHaveLength(2);
  });

  it('lets whoever verifies tokens read the credentials of directories, and nobody else', () => {
    const directory = '{ kind: google, admin: a@example.com, secret: custody/google }';
    using folder = configFolder((yaml) =>
      yaml.replace('groupsClaim: groups', `groupsClaim: groups\n  directory: ${directory}`),
    );
    const template = gatewayTemplate({ configFolder: folder.path });
    const read = (role: string) =>
      JSON.stringify(allowed(policiesOf(template, role)).get('secretsmanager:GetSecretValue') ?? []);
    for (const role of ['GatewayFunctionsAuthorizerRole', 'GatewayProxyRole'])
      expect(read(role)).toContain(':secret:custody/google-??????');
    for (const role of ['Access', 'Replay', 'Sealer', 'Sequencer', 'Notifier', 'Scim'])
      expect(read(`GatewayFunctions${role}Role`)).not.toContain('custody/google');
  });

  it('lets the scim function read the secrets of directories, and nobody else', () => {
    using folder = configFolder((yaml) =>
      yaml.replace(/^( *)(audience: .*)$/m, '$1$2\n$1scim: { secret: custody/directory }'),
    );
    const template = gatewayTemplate({ configFolder: folder.path });
    const secretsOf = (role: string) =>
      allowed(policiesOf(template, role)).get('secretsmanager:GetSecretValue')?.join() ?? '';
    expect(secretsOf('GatewayFunctionsScimRole')).toContain(':secret:custody/directory-??????');
    for (const role of ['GatewayFunctionsNotifierRole', 'GatewayFunctionsAuthorizerRole', 'GatewayProxyRole'])
      expect(secretsOf(role), role).not.toContain('custody/directory');
  });
});
