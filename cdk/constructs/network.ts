import { Aws, Fn } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService as Gateway,
  InterfaceVpcEndpointAwsService as Interface,
  InterfaceVpcEndpoint,
  IpAddresses,
  type IInterfaceVpcEndpoint,
  type ISecurityGroup,
  type ISubnet,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct, type IDependable } from 'constructs';
import { encryptedLog } from './log-group.ts';

export interface NetworkProps {
  /** One that is there; it brings its endpoints along. */
  readonly vpc?: IVpc;
  /** Of it, where tasks and the load balancer are; found by their routes when not given. */
  readonly subnets?: { readonly private: readonly ISubnet[]; readonly front: readonly ISubnet[] };
  /** Groups that somebody else looks after, with their rules: nothing is changed in them. */
  readonly securityGroups?: { readonly tasks: ISecurityGroup; readonly front: ISecurityGroup };
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
  readonly tasks: ISecurityGroup;
  /** The load balancer's, where somebody else looks after it. */
  readonly frontGroup: ISecurityGroup | undefined;
  /** Of the endpoints of a new VPC. */
  readonly #endpoints: SecurityGroup | undefined;
  /** What has to be there before a task can reach anything: it would end, and a few of those end a deployment. */
  readonly wayOut: readonly IDependable[];

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    this.vpc = props.vpc ?? newVpc(this, props);
    const { tasks, front } = placesOf(props);
    this.private = tasks;
    this.front = front;
    this.frontGroup = props.securityGroups?.front;
    this.tasks = props.securityGroups?.tasks ?? tasksGroup(this, this.vpc);
    this.#endpoints = props.vpc === undefined ? endpointGroup(this, this.vpc, this.tasks) : undefined;
    const made = this.#endpoints === undefined ? [] : endpoints(this, props, this.vpc, this.#endpoints);
    // Of the private subnets: their routes through the NAT gateway.
    const { internetConnectivityEstablished } = this.vpc.selectSubnets(this.private);
    this.wayOut = [internetConnectivityEstablished, this.tasks, ...made];
  }

  /** Through which clients call a private API: made in a new VPC, and named in one that is there. */
  apiEndpoint(vpcEndpointId: string | undefined, clients: readonly string[]): IInterfaceVpcEndpoint {
    if (vpcEndpointId !== undefined)
      return InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(this, 'Api', {
        vpcEndpointId,
        port: 443,
      });
    const group = new SecurityGroup(this, 'ApiClients', {
      vpc: this.vpc,
      description: 'Clients of the API',
      allowAllOutbound: false,
    });
    for (const cidr of clients) group.addIngressRule(Peer.ipv4(cidr), Port.tcp(443), 'Clients');
    return new InterfaceVpcEndpoint(this, 'Api', {
      vpc: this.vpc,
      service: Interface.APIGATEWAY,
      subnets: this.private,
      securityGroups: [group],
      open: false,
      // With it, nobody in the VPC would reach a public API. Its own name works without, from everywhere.
      privateDnsEnabled: false,
    });
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

function placesOf({
  subnets,
  issuerAccess,
  reach,
}: NetworkProps): Record<'tasks' | 'front', SubnetSelection> {
  if (subnets !== undefined)
    return { tasks: { subnets: [...subnets.private] }, front: { subnets: [...subnets.front] } };
  const subnetType = issuerAccess === 'nat' ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED;
  // A load balancer takes one subnet of a zone; a VPC that is there may have several.
  const front = { subnetType: reach === 'internet' ? SubnetType.PUBLIC : subnetType, onePerAz: true };
  return { tasks: { subnetType }, front };
}

function tasksGroup(scope: Construct, vpc: IVpc): SecurityGroup {
  const group = new SecurityGroup(scope, 'Tasks', {
    vpc,
    description: 'Tasks of the gateway',
    allowAllOutbound: false,
  });
  // S3, DynamoDB, the issuer's keys: none of them has a fixed address. Without a NAT gateway there is no way further.
  group.connections.allowToAnyIpv4(Port.tcp(443), 'AWS, and the keys of the issuer');
  return group;
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
  const s3 = vpc.addGatewayEndpoint('S3', { service: Gateway.S3, subnets: [subnets] });
  const dynamo = vpc.addGatewayEndpoint('DynamoDb', { service: Gateway.DYNAMODB, subnets: [subnets] });
  for (const endpoint of [s3, dynamo]) endpoint.addToPolicy(ownAccountAlone());
  s3.addToPolicy(imageLayers());
  const gateways = [s3, dynamo];
  const services = { ...INTERFACES, ...(takesRoles ? { Sts: Interface.STS } : {}) };
  const interfaces = Object.entries(services).map(
    ([id, service]) =>
      new InterfaceVpcEndpoint(scope, id, { vpc, service, subnets, securityGroups: [group], open: false }),
  );
  return [group, ...gateways, ...interfaces];
}

/** Nobody carries anything to a bucket or a table of somebody else's. */
function ownAccountAlone(): PolicyStatement {
  return new PolicyStatement({
    sid: 'OwnAccount',
    principals: [new AnyPrincipal()],
    actions: ['*'],
    resources: ['*'],
    conditions: { StringEquals: { 'aws:ResourceAccount': Aws.ACCOUNT_ID } },
  });
}

/** ECR keeps them in a bucket of its own. https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms */
function imageLayers(): PolicyStatement {
  return new PolicyStatement({
    sid: 'ImageLayers',
    principals: [new AnyPrincipal()],
    actions: ['s3:GetObject'],
    resources: [`arn:${Aws.PARTITION}:s3:::prod-${Aws.REGION}-starport-layer-bucket/*`],
  });
}
