import { type Ask, foundOr } from './ask.ts';

export interface Subnet {
  readonly SubnetId: string;
  readonly AvailabilityZone?: string;
  readonly AvailableIpAddressCount?: number;
  readonly MapPublicIpOnLaunch?: boolean;
}

interface Route {
  readonly DestinationCidrBlock?: string;
  readonly GatewayId?: string;
  readonly NatGatewayId?: string;
  readonly TransitGatewayId?: string;
  readonly NetworkInterfaceId?: string;
  readonly State?: string;
}

interface RouteTable {
  readonly Associations?: readonly { readonly Main?: boolean; readonly SubnetId?: string }[];
  readonly Routes?: readonly Route[];
}

interface Endpoint {
  readonly ServiceName?: string;
  readonly VpcEndpointType?: string;
  readonly State?: string;
  readonly PrivateDnsEnabled?: boolean;
}

/** A VPC as tasks and the load balancer would find it. */
export interface SeenVpc {
  readonly subnets: readonly SeenSubnet[];
  readonly endpoints: readonly Endpoint[];
}

export interface SeenSubnet extends Subnet {
  /** As the CDK tells them apart: by the default route. */
  readonly kind: 'public' | 'egress' | 'isolated';
}

/** What there is in a VPC; undefined where it is not there or may not be seen. */
export async function seeVpc(ask: Ask, vpcId: string): Promise<SeenVpc | undefined> {
  const filter = ['--filters', `Name=vpc-id,Values=${vpcId}`];
  const [subnets, tables, endpoints] = await Promise.all([
    ask<{ readonly Subnets: readonly Subnet[] }>('ec2', 'describe-subnets', ...filter),
    ask<{ readonly RouteTables: readonly RouteTable[] }>('ec2', 'describe-route-tables', ...filter),
    ask<{ readonly VpcEndpoints: readonly Endpoint[] }>('ec2', 'describe-vpc-endpoints', ...filter),
  ]);
  if ('refused' in subnets || 'refused' in tables) return undefined;
  const { RouteTables } = tables.found;
  return {
    subnets: subnets.found.Subnets.map((one) => ({ ...one, kind: kindOf(one, RouteTables) })),
    endpoints: foundOr(endpoints, { VpcEndpoints: [] }).VpcEndpoints,
  };
}

/** A subnet without a table of its own has the VPC's main one. */
function kindOf({ SubnetId }: Subnet, tables: readonly RouteTable[]): SeenSubnet['kind'] {
  const own = tables.find(({ Associations = [] }) => Associations.some((one) => one.SubnetId === SubnetId));
  const main = tables.find(({ Associations = [] }) => Associations.some((one) => one.Main));
  const out = (own ?? main)?.Routes?.find(
    (route) => route.DestinationCidrBlock === '0.0.0.0/0' && route.State !== 'blackhole',
  );
  if (out?.GatewayId?.startsWith('igw-')) return 'public';
  return out === undefined ? 'isolated' : 'egress';
}
