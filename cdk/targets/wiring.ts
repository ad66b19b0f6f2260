import { Token } from 'aws-cdk-lib';
import { type IConnectable, type IPeer, type ISecurityGroup, Peer, Port } from 'aws-cdk-lib/aws-ec2';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import ipaddr from 'ipaddr.js';
import type { Config } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { ProtocolName, TargetOf } from '#core/protocols/protocols.ts';

/** What a target is joined to. */
export interface TargetWiring {
  readonly config: Config;
  readonly role: IRole;
  readonly tasks: ISecurityGroup;
  /** Where targets are, as CIDRs or prefix lists, where there are too many for a rule of each; private networks when not given. */
  readonly networks?: readonly string[] | undefined;
}

/** The target of custody.yaml, which has to be of this protocol. `method`: what was called. Throws `config-invalid`. */
export function declaredTarget<P extends ProtocolName>(
  name: string,
  protocol: P,
  method: string,
  { targets }: Config,
): TargetOf<P> {
  const declared = targets.get(name);
  if (declared === undefined) {
    const known = [...targets.keys()].map((known) => `"${known}"`).join(', ') || 'none';
    throw refused(name, `found it in code, expected it in custody.yaml too, whose targets are: ${known}`, {
      hint: `add "${name}" under targets in custody.yaml, or correct the name in ${method}`,
    });
  }
  if (declared.protocol !== protocol)
    throw refused(name, `found ${method}, but custody.yaml says protocol: ${declared.protocol}`, {
      hint: 'correct whichever is wrong',
    });
  return declared as TargetOf<P>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export function refuseOtherAddress(name: string, target: Address, address: Address): void {
  if (target.host === address.host && target.port === address.port) return;
  const [found, expected] = [`${target.host}:${target.port}`, `${address.host}:${address.port}`];
  throw refused(name, `found ${found}, expected ${expected}, as custody.yaml says`, {
    hint: 'correct whichever is wrong: the gateway dials what custody.yaml says',
  });
}

/** The proxy asks for the one of custody.yaml. What CDK does not know before the stack is deployed is taken as it is. */
export function refuseOtherSecret(name: string, { secretArn, secretName }: ISecret, declared: string): void {
  const found = declared.startsWith('arn:') ? secretArn : secretName;
  // CDK takes a name's own last six characters off where its ARN came without those of Secrets Manager.
  const same = found === declared || secretArn.endsWith(`:secret:${declared}`);
  if (same || Token.isUnresolved(found)) return;
  throw refused(name, `found the secret ${found}, expected ${declared}, as custody.yaml says`, {
    hint: 'correct whichever is wrong: the gateway asks for the one that custody.yaml names',
  });
}

/**
 * From the tasks to a group of its own, or to its address, where whoever runs it opens the port. The target's side always has the exact
 * rule; that of the tasks too while there are few, as a group has sixty rules.
 */
export function openWay(
  to: IConnectable | undefined,
  { host, port }: Address,
  { tasks, config, networks }: Pick<TargetWiring, 'tasks' | 'config' | 'networks'>,
): void {
  const why = `The target at port ${port}`;
  if (to !== undefined && isFew(config)) return tasks.connections.allowTo(to, Port.tcp(port), why);
  for (const group of to?.connections.securityGroups ?? [])
    group.addIngressRule(tasks, Port.tcp(port), why, true);
  for (const peer of peersOf(to, host, { config, networks })) tasks.addEgressRule(peer, Port.tcp(port), why);
}

/** https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups: 60, and one is for AWS. */
const FEW = 40;

function isFew({ targets }: Config): boolean {
  return targets.size <= FEW;
}

/** What security groups reach is in this VPC or in one that is joined to it. Names may mean any address. */
function peersOf(
  to: IConnectable | undefined,
  host: string,
  { config, networks = PRIVATE }: Pick<TargetWiring, 'config' | 'networks'>,
): IPeer[] {
  const all = networks.map((network) =>
    network.startsWith('pl-') ? Peer.prefixList(network) : Peer.ipv4(network),
  );
  if (to !== undefined) return all;
  if (!isIpv4(host)) return [Peer.anyIpv4()];
  return isFew(config) ? [Peer.ipv4(`${host}/32`)] : [...all, ...(isPrivate(host) ? [] : [Peer.anyIpv4()])];
}

/** Where targets are when nothing is said: https://datatracker.ietf.org/doc/html/rfc1918, and what providers share. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];

function isPrivate(host: string): boolean {
  return PRIVATE.some((network) => isIn(host, network));
}

function isIn(host: string, network: string): boolean {
  const [range, bits] = ipaddr.IPv4.parseCIDR(network);
  return ipaddr.IPv4.parse(host).match(range, bits);
}

function isIpv4(host: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host);
}

export function refused(name: string, what: string, more: { readonly hint: string }): CustodyError {
  return new CustodyError('config-invalid', `the target "${name}": ${what}`, more);
}
