import { type Ask, foundOr } from './ask.ts';

/** A hosted zone of Route 53. */
export interface Zone {
  /** As the API takes it: `Z…`. */
  readonly id: string;
  readonly name: string;
}

interface Listed {
  readonly HostedZones?: readonly { readonly Name?: string; readonly Id?: string }[];
}

/** The zone that is nearest above a name; undefined where the account has none. */
export async function zoneAbove(ask: Ask, hostname: string): Promise<Zone | undefined> {
  const { HostedZones = [] } = foundOr<Listed, Listed>(await ask('route53', 'list-hosted-zones'), {});
  const zones = HostedZones.map(({ Id = '', Name = '' }) => ({
    id: Id.replace('/hostedzone/', ''),
    name: Name,
  }));
  const above = zones.filter(({ name }) => name !== '' && `.${hostname}.`.endsWith(`.${name}`));
  return above.toSorted((a, b) => b.name.length - a.name.length)[0];
}
