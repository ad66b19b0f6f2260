import { lookup } from 'node:dns/promises';
import type { DeploymentConfig } from '#cdk/config.ts';
import type { Ask } from '../aws/ask.ts';
import { zoneAbove } from '../aws/zones.ts';
import { bad, type Finding, good, warning } from '../findings/finding.ts';

/** A host's addresses, by the resolver of this machine; empty where it has none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export const lookupHost: Lookup = async (host) => {
  const all = await lookup(host, { all: true }).catch(() => []);
  return all.map(({ address }) => address);
};

/** Whether the gateway's name leads somewhere, or can be made to. */
export async function nameFindings(
  { gateway: { hostname, hostedZoneId } }: DeploymentConfig,
  ask: Ask,
  resolve: Lookup,
): Promise<readonly Finding[]> {
  const about = `gateway.hostname ${hostname}`;
  const addresses = await resolve(hostname);
  if (addresses.length > 0) return [good(about, `it leads to ${addresses.join(', ')}`)];
  if (hostedZoneId !== undefined) return [await zoneFinding(about, hostedZoneId, hostname, ask)];
  const zone = await zoneAbove(ask, hostname);
  const todo =
    zone === undefined
      ? 'after the deployment, make a CNAME of it to the output GatewayName, where its zone is'
      : `gateway.hostedZoneId: "${zone.id}" in cdk.json, and the deployment makes it in ${zone.name}; or make a CNAME to the output GatewayName`;
  return [warning(about, 'it is not in DNS yet', { todo })];
}

async function zoneFinding(about: string, id: string, hostname: string, ask: Ask): Promise<Finding> {
  const answer = await ask<{ readonly HostedZone?: { readonly Name?: string } }>(
    ...(['route53', 'get-hosted-zone', '--id', id] as const),
  );
  if ('refused' in answer) {
    const todo = 'correct gateway.hostedZoneId in cdk.json';
    return bad(about, `its zone ${id}: ${answer.refused.words}`, { todo });
  }
  const name = answer.found.HostedZone?.Name ?? '';
  if (`.${hostname}.`.endsWith(`.${name}`)) return good(about, `the deployment makes its record in ${name}`);
  return bad(about, `the zone ${id} is ${name}, which is not above it`, {
    todo: 'correct gateway.hostedZoneId in cdk.json',
  });
}
