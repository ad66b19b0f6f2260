import type { DeploymentConfig } from '#cdk/config.ts';
import type { Ask } from '../aws/ask.ts';
import { type SeenSubnet, type SeenVpc, seeVpc } from '../aws/network.ts';
import { bad, type Finding, good, unknown, warning } from '../findings/finding.ts';

/** What a task talks to; what is not reached by an endpoint is by a NAT gateway. */
const GATEWAYS = ['s3', 'dynamodb'];
const INTERFACES = ['kms', 'secretsmanager', 'logs', 'ecr.api', 'ecr.dkr'];
const ZONES = 2;

/** Whether a VPC that is there has what tasks and the load balancer need; a new one does. */
export async function networkFindings(settings: DeploymentConfig, ask: Ask): Promise<readonly Finding[]> {
  const { vpcId } = settings.network;
  if (vpcId === undefined) return [];
  const about = `network.vpcId ${vpcId}`;
  const seen = await seeVpc(ask, vpcId);
  if (seen === undefined) return [unknown(about, 'its subnets cannot be listed')];
  if (seen.subnets.length === 0) {
    const todo = 'correct network.vpcId or region in cdk.json';
    return [bad(about, 'it is not in this account and region, or has no subnets', { todo })];
  }
  const kind = settings.network.issuerAccess === 'nat' ? 'egress' : 'isolated';
  const { subnetIds } = settings.network;
  const named = subnetIds && (subnetIds.private as readonly string[]);
  const tasks = seen.subnets.filter((one) =>
    named === undefined ? one.kind === kind : named.includes(one.SubnetId),
  );
  const wrong = [
    ...missingSubnets(about, subnetIds, seen),
    ...zoneFindings(about, tasks, kind),
    ...frontFindings(about, settings, seen),
    ...spaceFindings(about, settings, tasks),
    ...endpointFindings(about, settings, seen),
    ...(await dnsFindings(about, vpcId, ask)),
  ];
  return wrong.some(({ result }) => result === 'bad')
    ? wrong
    : [good(about, `${tasks.length} subnets for tasks, in ${zonesOf(tasks).length} zones`), ...wrong];
}

/** Those that cdk.json names. */
function missingSubnets(
  about: string,
  named: DeploymentConfig['network']['subnetIds'],
  { subnets }: SeenVpc,
): Finding[] {
  const all = named === undefined ? [] : [...new Set([...named.private, ...named.front])];
  const missing = all.filter((id) => !subnets.some(({ SubnetId }) => SubnetId === id));
  if (missing.length === 0) return [];
  const todo = 'correct network.subnetIds in cdk.json';
  return [bad(about, `it has no subnet ${missing.join(', ')}`, { todo })];
}

const WORDS = {
  egress: 'private subnets with a way out (a default route to a NAT gateway or such)',
  isolated: 'subnets without a way out, as network.issuerAccess: none asks for',
  public: 'public subnets, as gateway.reach: internet asks for',
} as const;

function zoneFindings(about: string, subnets: readonly SeenSubnet[], kind: SeenSubnet['kind']): Finding[] {
  const zones = zonesOf(subnets);
  if (zones.length >= ZONES) return [];
  const what = `it has ${WORDS[kind]} in ${zones.length === 0 ? 'no zone' : `${zones.join(', ')} alone`}`;
  const todo = 'add some in two zones, choose another VPC, or leave network.vpcId out for a new one';
  if (zones.length === 1)
    return [warning(about, what, { why: 'what happens to that zone happens to all sessions', todo })];
  return [bad(about, what, { todo })];
}

function frontFindings(
  about: string,
  { gateway, network }: DeploymentConfig,
  { subnets }: SeenVpc,
): Finding[] {
  if (gateway.reach !== 'internet' || network.subnetIds !== undefined) return [];
  return zoneFindings(
    about,
    subnets.filter(({ kind }) => kind === 'public'),
    'public',
  );
}

function zonesOf(subnets: readonly SeenSubnet[]): string[] {
  return [...new Set(subnets.flatMap(({ AvailabilityZone }) => AvailabilityZone ?? []))];
}

/** While a deployment replaces tasks there are twice as many; a load balancer asks for eight free addresses of each subnet. */
function spaceFindings(
  about: string,
  { tasks }: DeploymentConfig,
  subnets: readonly SeenSubnet[],
): Finding[] {
  const free = subnets.reduce((sum, { AvailableIpAddressCount = 0 }) => sum + AvailableIpAddressCount, 0);
  const full = subnets.filter(({ AvailableIpAddressCount = 0 }) => AvailableIpAddressCount < 8);
  return [
    ...(subnets.length === 0 || free >= 2 * tasks.max
      ? []
      : [
          warning(
            about,
            `${free} addresses are free, and ${2 * tasks.max} would be needed at the most tasks`,
          ),
        ]),
    ...full.map(({ SubnetId, AvailableIpAddressCount = 0 }) =>
      bad(about, `${SubnetId} has ${AvailableIpAddressCount} free addresses`, {
        why: 'a load balancer takes no subnet with fewer than eight',
        todo: 'give it room, or take it out of the VPC',
      }),
    ),
  ];
}

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html */
function endpointFindings(about: string, { network }: DeploymentConfig, { endpoints }: SeenVpc): Finding[] {
  const there = endpoints.filter(({ State = 'available' }) => /^(?:available|pending)/i.test(State));
  const has = (service: string): boolean =>
    there.some(({ ServiceName = '' }) => ServiceName.endsWith(`.${service}`));
  const missing = [...GATEWAYS, ...INTERFACES].filter((service) => !has(service));
  if (missing.length === 0) return [];
  const list = missing.join(', ');
  if (network.issuerAccess === 'none')
    return [
      bad(about, `it has no endpoint for ${list}`, {
        why: 'with network.issuerAccess: none tasks have no other way: they do not start',
        todo: 'make them, with private DNS names and a way in for the tasks',
      }),
    ];
  const dear = GATEWAYS.filter((service) => missing.includes(service));
  if (dear.length === 0) return [];
  return [
    warning(about, `it has no gateway endpoint for ${dear.join(', ')}`, {
      why: 'what is recorded goes through the NAT gateway, which is paid by the gigabyte; the endpoints cost nothing',
      todo: 'add them to the route tables of the private subnets',
    }),
  ];
}

/** Names of endpoints, and of databases, are looked up there. */
async function dnsFindings(about: string, vpcId: string, ask: Ask): Promise<Finding[]> {
  const attributes = ['enableDnsSupport', 'enableDnsHostnames'] as const;
  const all = await Promise.all(
    attributes.map(async (attribute) => {
      const args = ['ec2', 'describe-vpc-attribute', '--vpc-id', vpcId, '--attribute', attribute];
      const answer = await ask<Readonly<Record<string, { readonly Value?: boolean }>>>(...args);
      const key = attribute[0]!.toUpperCase() + attribute.slice(1);
      return 'found' in answer && answer.found[key]?.Value === false ? attribute : undefined;
    }),
  );
  return all
    .filter((attribute) => attribute !== undefined)
    .map((attribute) =>
      bad(about, `${attribute} is off`, {
        todo: `aws ec2 modify-vpc-attribute --vpc-id ${vpcId} --${attribute === 'enableDnsSupport' ? 'enable-dns-support' : 'enable-dns-hostnames'}`,
      }),
    );
}
