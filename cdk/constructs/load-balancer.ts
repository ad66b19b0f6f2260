import { Duration, Validations } from 'aws-cdk-lib';
import { type ISecurityGroup, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  type NetworkListener,
  NetworkLoadBalancer,
  type NetworkTargetGroup,
  type NetworkTargetGroupProps,
  Protocol,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { aliasRecord } from '../alias-record.ts';
import { explain } from '../explain.ts';
import type { GatewayListener } from '../targets/listeners.ts';
import type { Network } from './network.ts';

export interface LoadBalancerProps {
  readonly network: Network;
  readonly reach: 'internal' | 'internet';
  readonly listeners: readonly GatewayListener[];
  /** Where clients may come from. */
  readonly clients: readonly string[];
  /** Whether it can be deleted only after that was undone. */
  readonly protect: boolean;
}

/** The longest that a load balancer takes: a person who reads a result for an hour and a half keeps the session. */
const IDLE = Duration.seconds(6_000);
/** The proxy's own, for its health. */
export const HEALTH_PORT = 8080;
export const HEALTH_PATH = '/healthz';

const FROM_EVERYWHERE =
  'the deployment says that clients come from everywhere: each shows a token before anything else';
const NO_ACCESS_LOG =
  'a network load balancer logs TLS listeners only, and this one passes TCP on; statements and flow logs have the addresses';

/** Where clients connect. It passes TCP on as it comes: TLS is between the client and the proxy. */
export class LoadBalancer extends Construct {
  readonly balancer: NetworkLoadBalancer;
  readonly group: ISecurityGroup;
  /** Of each protocol, with where it leads. */
  readonly listeners: readonly (GatewayListener & { readonly listener: NetworkListener })[];

  constructor(scope: Construct, id: string, props: LoadBalancerProps) {
    super(scope, id);
    const { network, reach, protect } = props;
    const { vpc } = network;
    this.group = network.frontGroup ?? this.#ownGroup(props);
    this.balancer = new NetworkLoadBalancer(this, 'Balancer', {
      vpc,
      vpcSubnets: network.front,
      internetFacing: reach === 'internet',
      crossZoneEnabled: true,
      deletionProtection: protect,
      securityGroups: [this.group],
    });
    explain(this.balancer, NO_ACCESS_LOG, 'ELB2');
    this.listeners = props.listeners.map((one) => ({ ...one, listener: this.#listen(one) }));
  }

  /** The host name's, in a zone of Route 53. */
  record(hostedZoneId: string, name: string): void {
    const { loadBalancerDnsName: dnsName, loadBalancerCanonicalHostedZoneId: zone } = this.balancer;
    aliasRecord(this, 'Record', { hostedZoneId, name, to: { dnsName, hostedZoneId: zone } });
  }

  #listen({ id, port }: GatewayListener): NetworkListener {
    return this.balancer.addListener(id, { port, protocol: Protocol.TCP, tcpIdleTimeout: IDLE });
  }

  #ownGroup({ network: { vpc }, clients, listeners }: LoadBalancerProps): SecurityGroup {
    const group = new SecurityGroup(this, 'Group', {
      vpc,
      description: 'Clients of the gateway',
      allowAllOutbound: false,
    });
    for (const { port } of listeners)
      for (const cidr of clients) group.addIngressRule(Peer.ipv4(cidr), Port.tcp(port), 'Clients');
    if (clients.some((cidr) => cidr.endsWith('/0'))) {
      explain(group, FROM_EVERYWHERE, 'EC23');
      Validations.of(group).acknowledge({ id: 'CloudFormation-Validate::W2508', reason: FROM_EVERYWHERE });
    }
    return group;
  }
}

/**
 * How tasks are reached. A task that is told to stop takes no new connection and keeps those it has, until they end or the
 * drain deadline is over.
 */
export function sessionTargets(drain: Duration) {
  return {
    preserveClientIp: true,
    deregistrationDelay: drain,
    connectionTermination: false,
    crossZoneEnabled: true,
    healthCheck: {
      protocol: Protocol.HTTP,
      port: String(HEALTH_PORT),
      path: HEALTH_PATH,
      // Together: clients of a host that vanished know within half a minute, and a pause of a few seconds cuts nobody off.
      interval: Duration.seconds(5),
      timeout: Duration.seconds(3),
      healthyThresholdCount: 2,
      unhealthyThresholdCount: 4,
    },
  } as const satisfies Partial<NetworkTargetGroupProps>;
}

/**
 * A host that vanished answers nothing: only the load balancer can tell its clients, with the reset that it sends where it ends the
 * connections of an unhealthy target. Health has a port of its own and asks nobody, so that a task which fails it four times in a row
 * does not answer its clients either; a task that is told to stop is deregistered before, and its sessions have `drain`.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html
 */
export function endUnhealthySessions(group: NetworkTargetGroup): void {
  group.setAttribute('target_health_state.unhealthy.connection_termination.enabled', 'true');
}
