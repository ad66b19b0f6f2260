import { lookup } from 'node:dns/promises';
import type { DeploymentConfig } from '#cdk/config.ts';
import { type Ask, foundOr } from '../aws/ask.ts';
import { type Finding, good, warning } from '../findings/finding.ts';

/** A host's addresses, by the resolver of this machine; empty where it has none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export const lookupHost: Lookup = async (host) => {
  const all = await lookup(host, { all: true }).catch(() => []);
  return all.map(({ address }) => address);
};

/** Whether the gateway's name leads somewhere, or can be made to. */
export async function nameFindings(
  { gateway: { hostname } }: DeploymentConfig,
  ask: Ask,
  resolve: Lookup,
): Promise<readonly Finding[]> {
  const about = `gateway.hostname ${hostname}`;
  const zone = await zoneOf(hostname, ask);
  const addresses = await resolve(hostname);
  if (addresses.length > 0) return [good(about, `it leads to ${addresses.join(', ')}`)];
  const todo =
    zone === undefined
      ? 'make a CNAME of it to the output GatewayName after the deployment, where its zone is'
      : `make a CNAME of it to the output GatewayName after the deployment, in the zone ${zone}`;
  return [warning(about, 'it is not in DNS yet', { todo })];
}

interface Zones {
  readonly HostedZones?: readonly { readonly Name?: string; readonly Id?: string }[];
}

/** The zone of Route 53 that is nearest above a name. */
async function zoneOf(hostname: string, ask: Ask): Promise<string | undefined> {
  const { HostedZones = [] } = foundOr<Zones, Zones>(await ask('route53', 'list-hosted-zones'), {});
  const above = HostedZones.filter(({ Name = '' }) => `.${hostname}.`.endsWith(`.${Name}`));
  const [nearest] = above.toSorted((a, b) => (b.Name?.length ?? 0) - (a.Name?.length ?? 0));
  return nearest === undefined ? undefined : `${nearest.Name} (${nearest.Id})`;
}
