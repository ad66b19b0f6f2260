import type { Config } from '#core/access/config.ts';
import type { TargetOf } from '#core/protocols/protocols.ts';
import type { DeploymentConfig } from '#cdk/config.ts';
import type { Ask } from '../aws/ask.ts';
import { bad, type Finding, good } from '../findings/finding.ts';

/** Of `aws eks describe-cluster`, what is looked at. */
interface Described {
  readonly endpoint?: string;
  readonly certificateAuthority?: { readonly data?: string };
  readonly accessConfig?: { readonly authenticationMode?: string };
}

/** Names by which clients mean a cluster: the gateway shows its one certificate for them too. */
export function namesOfClusters(targets: Config['targets']): string[] {
  return clustersIn(targets).flatMap(({ serverNames }) => serverNames);
}

/** Where custody.yaml says otherwise of a cluster of EKS than EKS does. One in another account is not to be seen from here. */
export async function clusterFindings(
  settings: DeploymentConfig,
  { targets }: Config,
  ask: Ask,
): Promise<readonly Finding[]> {
  const found = await Promise.all(clustersIn(targets).map((target) => findingsOf(target, settings, ask)));
  return found.flat();
}

async function findingsOf(
  target: TargetOf<'kubernetes'>,
  settings: DeploymentConfig,
  ask: Ask,
): Promise<Finding[]> {
  const { eks } = target.credential;
  if (eks === undefined || eks.role !== undefined) return [];
  // The last of two counts: the place of the deployment is given with every call.
  const at = eks.region === undefined ? [] : ['--region', eks.region];
  const answer = await ask<{ readonly cluster: Described }>(
    'eks',
    'describe-cluster',
    '--name',
    eks.cluster,
    ...at,
  );
  const about = `targets.${target.name}`;
  const name = `the cluster ${eks.cluster}`;
  if ('refused' in answer) return [bad(about, `${name}: ${answer.refused.words}`)];
  const getsEntry = eks.region === undefined && settings.targets[target.name]?.accessEntry !== false;
  const all = differences(target, answer.found.cluster, getsEntry);
  if (all.length === 0) return [good(about, `${name} is as custody.yaml says`)];
  return all.map(({ what, todo }) => bad(about, `${name} ${what}`, { todo }));
}

interface Difference {
  readonly what: string;
  readonly todo: string;
}

function differences(target: TargetOf<'kubernetes'>, cluster: Described, getsEntry: boolean): Difference[] {
  const { address, tls } = target;
  const endpoint = cluster.endpoint?.replace('https://', '');
  const ca = cluster.certificateAuthority?.data;
  const isThere = endpoint?.toLowerCase() === address.host.toLowerCase() && address.port === 443;
  const where = {
    what: `is at ${endpoint}:443, and address is ${address.host}:${address.port}`,
    todo: `write address: ${endpoint}:443 into custody.yaml`,
  };
  const other = { what: 'has another CA than tls.caData', todo: 'write certificateAuthority.data there' };
  const closed = {
    what: 'takes no access entries',
    todo: 'aws eks update-cluster-config --access-config authenticationMode=API_AND_CONFIG_MAP, or accessEntry: false in cdk.json',
  };
  return [
    ...(isThere ? [] : [where]),
    ...(tls.caFile !== undefined || tls.caData === ca ? [] : [other]),
    ...(getsEntry && cluster.accessConfig?.authenticationMode === 'CONFIG_MAP' ? [closed] : []),
  ];
}

function clustersIn(targets: Config['targets']): TargetOf<'kubernetes'>[] {
  return [...targets.values()].filter((target) => target.protocol === 'kubernetes');
}
