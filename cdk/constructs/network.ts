import { Fn } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService as Gateway,
  InterfaceVpcEndpointAwsService as Interface,
  InterfaceVpcEndpoint,
  IpAddresses,
  type ISecurityGroup,
  type IVpc,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct, type IDependable } from 'constructs';
import { encryptedLog } from './log-group.ts';

export interface NetworkProps {
  /** One that is there; it brings its endpoints along. */
  readonly vpc?: IVpc;
  /** `nat`: tasks reach the issuers' keys through NAT gateways. `none`: nothing leaves the VPC. */
  readonly issuerAccess: 'nat' | 'none';
  /** Of a new VPC, with `nat`; one when not given. */
  readonly natGateways?: number;
  readonly reach: 'internal' | 'internet';
  readonly key: IKey;
  /** Whether tasks take roles of others, which STS gives. */
  readonly takesRoles: boolean;
}

/** Where a function runs that is in the VPC. */
export interface FunctionPlace {
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  readonly securityGroups: ISecurityGroup[];
}

const ZONES = [0, 1];
const CIDR = '10.210.0.0/16';
/** All that a task talks to but S3 and DynamoDB, which have gateways. Its credentials come from the task's own address. */
const INTERFACES = {
  Kms: Interface.KMS,
  Secrets: Interface.SECRETS_MANAGER,
  Logs: Interface.CLOUDWATCH_LOGS,
  Registry: Interface.ECR,
  Images: Interface.ECR_DOCKER,
};

/** Where tasks run. No traffic to AWS needs the internet. */
export class Network extends Construct {
  readonly vpc: IVpc;
  /** Where tasks are. */
  readonly private: SubnetSelection;
  /** Where the load balancer is. */
  readonly front: SubnetSelection;
  /** Whoever is in it may use the endpoints. */
  readonly tasks: SecurityGroup;
  /** Of the endpoints of a new VPC. */
  readonly #endpoints: SecurityGroup | undefined;
  /** What has to be there before a task can reach anything: it would end, and a few of those end a deployment. */
  readonly wayOut: readonly IDependable[];

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    this.vpc = props.vpc ?? newVpc(this, props);
    const subnetType =
      props.issuerAccess === 'nat' ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED;
    this.private = { subnetType };
    // A load balancer takes one subnet of a zone; a VPC that is there may have several.
    this.front = {
      subnetType: props.reach === 'internet' ? SubnetType.PUBLIC : subnetType,
      onePerAz: true,
    };
    this.tasks = new SecurityGroup(this, 'Tasks', {
      vpc: this.vpc,
      description: 'Tasks of the gateway',
      allowAllOutbound: false,
    });
    // S3, DynamoDB, the issuer's keys: none of them has a fixed address. Without a NAT gateway there is no way further.
    this.tasks.connections.allowToAnyIpv4(Port.tcp(443), 'AWS, and the keys of the issuer');
    this.#endpoints = props.vpc === undefined ? endpointGroup(this, this.vpc, this.tasks) : undefined;
    const made = this.#endpoints === undefined ? [] : endpoints(this, props, this.vpc, this.#endpoints);
    // Of the private subnets: their routes through the NAT gateway.
    const { internetConnectivityEstablished } = this.vpc.selectSubnets(this.private);
    this.wayOut = [internetConnectivityEstablished, this.tasks, ...made];
  }

  /** A place in the VPC for functions that ask an issuer which is reached from there alone. */
  placeForFunctions(): FunctionPlace {
    const group = new SecurityGroup(this, 'Functions', {
      vpc: this.vpc,
      description: 'Functions that ask the issuer for its keys',
      allowAllOutbound: false,
    });
    group.connections.allowToAnyIpv4(Port.tcp(443), 'S3, DynamoDB, and the keys of the issuer');
    this.#endpoints?.addIngressRule(group, Port.tcp(443), 'Functions that ask the issuer: secrets');
    return { vpc: this.vpc, vpcSubnets: this.private, securityGroups: [group] };
  }
}

function newVpc(scope: Construct, { issuerAccess, natGateways = 1, reach, key }: NetworkProps): IVpc {
  const nat = issuerAccess === 'nat';
  const front = { name: 'front', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false };
  const subnetType = nat ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED;
  const tasks = { name: 'tasks', subnetType, cidrMask: 20 };
  const vpc = new Vpc(scope, 'Vpc', {
    ipAddresses: IpAddresses.cidr(CIDR),
    // The region's first, named when the stack is deployed: CDK would look their names up, which needs an account.
    availabilityZones: ZONES.map((zone) => Fn.select(zone, Fn.getAzs())),
    natGateways: nat ? natGateways : 0,
    subnetConfiguration: nat || reach === 'internet' ? [front, tasks] : [tasks],
    restrictDefaultSecurityGroup: false,
  });
  const log = encryptedLog(scope, 'FlowLog', key);
  vpc.addFlowLog('Flows', { destination: FlowLogDestination.toCloudWatchLogs(log) });
  return vpc as IVpc;
}

function endpointGroup(scope: Construct, vpc: IVpc, tasks: ISecurityGroup): SecurityGroup {
  const group = new SecurityGroup(scope, 'Endpoints', {
    vpc,
    description: 'Endpoints of AWS services',
    allowAllOutbound: false,
  });
  group.addIngressRule(tasks, Port.tcp(443), 'Tasks of the gateway');
  return group;
}

function endpoints(
  scope: Network,
  { takesRoles }: NetworkProps,
  vpc: IVpc,
  group: SecurityGroup,
): readonly IDependable[] {
  const subnets = scope.private;
  const gateways = [
    vpc.addGatewayEndpoint('S3', { service: Gateway.S3, subnets: [subnets] }),
    vpc.addGatewayEndpoint('DynamoDb', { service: Gateway.DYNAMODB, subnets: [subnets] }),
  ];
  const services = { ...INTERFACES, ...(takesRoles ? { Sts: Interface.STS } : {}) };
  const interfaces = Object.entries(services).map(
    ([id, service]) =>
      new InterfaceVpcEndpoint(scope, id, { vpc, service, subnets, securityGroups: [group], open: false }),
  );
  return [group, ...gateways, ...interfaces];
}
