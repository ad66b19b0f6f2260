/** An account as a deployment may find it, made with the AWS CLI at an emulator. */
import type { AwsCli } from './aws-cli.ts';
import { REGION } from './moto.ts';

export interface SeededAccount {
  readonly vpcId: string;
  readonly subnets: readonly string[];
  readonly group: string;
  /** Of the Aurora cluster: with IAM authentication, a reader, and a master password that RDS keeps. */
  readonly cluster: { readonly host: string; readonly readerHost: string; readonly resourceId: string };
  /** Without IAM authentication. */
  readonly instance: { readonly host: string; readonly resourceId: string };
}

interface Id {
  readonly Vpc: { readonly VpcId: string };
  readonly Subnet: { readonly SubnetId: string };
}

/** A VPC with private subnets in two zones, a NAT gateway and gateway endpoints, an Aurora cluster and an instance of RDS. */
export async function seedAccount(aws: AwsCli): Promise<SeededAccount> {
  const { Vpc } = await aws.made<Id>('ec2', 'create-vpc', '--cidr-block', '10.20.0.0/16');
  const vpcId = Vpc.VpcId;
  await aws.made('ec2', 'modify-vpc-attribute', '--vpc-id', vpcId, '--enable-dns-hostnames');
  const subnet = async (zone: string, cidr: string): Promise<string> => {
    const args = ['--vpc-id', vpcId, '--availability-zone', REGION + zone, '--cidr-block', cidr];
    return (await aws.made<Id>('ec2', 'create-subnet', ...args)).Subnet.SubnetId;
  };
  const subnets = [await subnet('a', '10.20.0.0/24'), await subnet('b', '10.20.1.0/24')];
  const front = await subnet('a', '10.20.2.0/24');
  await routeOut(aws, vpcId, { front, subnets });
  const { GroupId: group } = await aws.made<{ GroupId: string }>(
    ...(['ec2', 'create-security-group', '--group-name', 'databases', '--description', 'databases'] as const),
    ...['--vpc-id', vpcId],
  );
  await aws.made('route53', 'create-hosted-zone', '--name', 'example.com', '--caller-reference', 'once');
  return { vpcId, subnets, group, ...(await databases(aws, subnets, group)) };
}

async function routeOut(
  aws: AwsCli,
  vpcId: string,
  { front, subnets }: { readonly front: string; readonly subnets: readonly string[] },
): Promise<void> {
  const { InternetGateway: gateway } = await aws.made<{ InternetGateway: { InternetGatewayId: string } }>(
    ...(['ec2', 'create-internet-gateway'] as const),
  );
  const internet = gateway.InternetGatewayId;
  await aws.made('ec2', 'attach-internet-gateway', '--vpc-id', vpcId, '--internet-gateway-id', internet);
  const { NatGateway: nat } = await aws.made<{ NatGateway: { NatGatewayId: string } }>(
    ...(['ec2', 'create-nat-gateway', '--subnet-id', front, '--connectivity-type', 'private'] as const),
  );
  const table = async (of: readonly string[], ...way: string[]): Promise<string> => {
    const made = await aws.made<{ RouteTable: { RouteTableId: string } }>(
      'ec2',
      'create-route-table',
      '--vpc-id',
      vpcId,
    );
    const id = made.RouteTable.RouteTableId;
    await aws.made(
      'ec2',
      'create-route',
      '--route-table-id',
      id,
      '--destination-cidr-block',
      '0.0.0.0/0',
      ...way,
    );
    for (const one of of)
      await aws.made('ec2', 'associate-route-table', '--route-table-id', id, '--subnet-id', one);
    return id;
  };
  await table([front], '--gateway-id', internet);
  const inside = await table(subnets, '--nat-gateway-id', nat.NatGatewayId);
  for (const service of ['s3', 'dynamodb']) {
    const name = `com.amazonaws.${REGION}.${service}`;
    await aws.made(
      'ec2',
      'create-vpc-endpoint',
      '--vpc-id',
      vpcId,
      '--service-name',
      name,
      '--route-table-ids',
      inside,
    );
  }
}

interface Cluster {
  readonly DBCluster: {
    readonly Endpoint: string;
    readonly ReaderEndpoint: string;
    readonly DbClusterResourceId: string;
  };
}
interface Instance {
  readonly DBInstance: { readonly Endpoint: { readonly Address: string }; readonly DbiResourceId: string };
}

async function databases(aws: AwsCli, subnets: readonly string[], group: string) {
  const near = ['--db-subnet-group-name', 'databases', '--vpc-security-group-ids', group];
  await aws.made(
    ...(['rds', 'create-db-subnet-group', '--db-subnet-group-name', 'databases'] as const),
    ...['--db-subnet-group-description', 'databases', '--subnet-ids', ...subnets],
  );
  const { DBCluster } = await aws.made<Cluster>(
    ...(['rds', 'create-db-cluster', '--db-cluster-identifier', 'orders'] as const),
    ...['--engine', 'aurora-postgresql', '--database-name', 'shop', '--master-username', 'root'],
    ...['--manage-master-user-password', '--enable-iam-database-authentication', ...near],
  );
  await aws.made(
    ...(['rds', 'create-db-instance', '--db-instance-identifier', 'orders-1', '--engine'] as const),
    ...['aurora-postgresql', '--db-instance-class', 'db.r6g.large', '--db-cluster-identifier', 'orders'],
    ...['--db-subnet-group-name', 'databases'],
  );
  const { DBInstance } = await aws.made<Instance>(
    ...([
      'rds',
      'create-db-instance',
      '--db-instance-identifier',
      'Legacy-Billing',
      '--engine',
      'postgres',
    ] as const),
    ...['--db-instance-class', 'db.m6g.large', '--allocated-storage', '20', '--master-username', 'root'],
    ...[
      '--master-user-password',
      'not-looked-at',
      '--ca-certificate-identifier',
      'rds-ca-rsa2048-g1',
      ...near,
    ],
  );
  await aws.made(
    ...([
      'rds',
      'create-db-instance',
      '--db-instance-identifier',
      'shop-mysql',
      '--engine',
      'mysql',
    ] as const),
    ...['--db-instance-class', 'db.m6g.large', '--allocated-storage', '20', '--master-username', 'root'],
    ...['--master-user-password', 'not-looked-at'],
  );
  return {
    cluster: {
      host: DBCluster.Endpoint,
      readerHost: DBCluster.ReaderEndpoint,
      resourceId: DBCluster.DbClusterResourceId,
    },
    instance: { host: DBInstance.Endpoint.Address, resourceId: DBInstance.DbiResourceId },
  };
}

/** What an account has that was used before: service-linked roles, a bootstrap of CDK, a trail that logs. */
export async function seedUse(aws: AwsCli): Promise<void> {
  // The emulator gives linked roles no names of their own.
  for (const role of LINKED)
    await aws.made('iam', 'create-role', '--role-name', role, '--assume-role-policy-document', '{}');
  await aws.made(
    'ssm',
    'put-parameter',
    '--name',
    '/cdk-bootstrap/hnb659fds/version',
    '--type',
    'String',
    '--value',
    '30',
  );
  await aws.made(
    's3api',
    'create-bucket',
    '--bucket',
    'trail',
    '--create-bucket-configuration',
    `LocationConstraint=${REGION}`,
  );
  await aws.made('cloudtrail', 'create-trail', '--name', 'all', '--s3-bucket-name', 'trail');
  await aws.made('cloudtrail', 'start-logging', '--name', 'all');
}

const LINKED = [
  'AWSServiceRoleForECS',
  'AWSServiceRoleForElasticLoadBalancing',
  'AWSServiceRoleForApplicationAutoScaling_ECSService',
];

/** A stack of which nothing runs yet: the proxy logged an error, and DynamoDB did not take seven writes. */
export async function deployedStack(aws: AwsCli, apiUrl: string): Promise<void> {
  const template = { Resources: RESOURCES, Outputs: { ApiUrl: { Value: apiUrl } } };
  await aws.made(
    'cloudformation',
    'create-stack',
    '--stack-name',
    'Custody',
    '--template-body',
    JSON.stringify(template),
  );
  const log = ['--log-group-name', LOG, '--log-stream-name', 'proxy'];
  const message = JSON.stringify({ level: 'error', event: 'store-away', message: 'the store is away' });
  await aws.made('logs', 'create-log-stream', ...log);
  await aws.made(
    'logs',
    'put-log-events',
    ...log,
    '--log-events',
    JSON.stringify([{ timestamp: Date.now(), message }]),
  );
  const metric = {
    MetricName: 'WriteThrottleEvents',
    Dimensions: [{ Name: 'TableName', Value: 'journal' }],
    Value: 7,
  };
  const at = new Date(Date.now() - 600_000).toISOString();
  await aws.made(
    'cloudwatch',
    'put-metric-data',
    '--namespace',
    'AWS/DynamoDB',
    '--metric-data',
    JSON.stringify([{ ...metric, Timestamp: at }]),
  );
}

const LOG = 'Custody-GatewayProxyLog';
/** Of the stack's resources, those that are looked at. */
const RESOURCES = {
  Cluster: { Type: 'AWS::ECS::Cluster', Properties: { ClusterName: 'custody' } },
  Task: {
    Type: 'AWS::ECS::TaskDefinition',
    Properties: { Family: 'proxy', ContainerDefinitions: [{ Name: 'proxy', Image: 'proxy', Memory: 512 }] },
  },
  Service: {
    Type: 'AWS::ECS::Service',
    Properties: {
      Cluster: { Ref: 'Cluster' },
      ServiceName: 'proxy',
      TaskDefinition: { Ref: 'Task' },
      DesiredCount: 2,
    },
  },
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.30.0.0/16' } },
  Group: {
    Type: 'AWS::ElasticLoadBalancingV2::TargetGroup',
    Properties: { Name: 'sessions', Port: 5432, Protocol: 'TCP', VpcId: { Ref: 'Vpc' }, TargetType: 'ip' },
  },
  Log: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: LOG } },
  Journal: {
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      TableName: 'journal',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    },
  },
};
