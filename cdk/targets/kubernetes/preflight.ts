import type { Config } from '#core/access/config.ts';
import type { TargetOf } from '#core/protocols/protocols.ts';
import type { DeploymentConfig } from '../../config.ts';

/** A command of the AWS CLI. */
type Aws = (...args: readonly string[]) => {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

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
export function clusterMistakes(settings: DeploymentConfig, { targets }: Config, aws: Aws): string[] {
  return clustersIn(targets).flatMap((target) => {
    const { eks } = target.credential;
    if (eks === undefined || eks.role !== undefined) return [];
    const region = eks.region ?? settings.region;
    const at = region === undefined ? [] : ['--region', region];
    const { code, stdout, stderr } = aws('eks', 'describe-cluster', '--name', eks.cluster, ...at);
    const name = `targets.${target.name}: the cluster ${eks.cluster}`;
    if (code !== 0) return [`${name}: ${stderr.trim().split('\n').at(-1) ?? ''}`];
    const { cluster } = JSON.parse(stdout) as { readonly cluster: Described };
    const getsEntry = eks.region === undefined && settings.targets[target.name]?.accessEntry !== false;
    return differences(target, cluster, getsEntry).map((what) => `${name} ${what}`);
  });
}

function differences(target: TargetOf<'kubernetes'>, cluster: Described, getsEntry: boolean): string[] {
  const { address, tls } = target;
  const endpoint = cluster.endpoint?.replace('https://', '');
  const ca = cluster.certificateAuthority?.data;
  const mode = cluster.accessConfig?.authenticationMode;
  return [
    ...(endpoint?.toLowerCase() === address.host.toLowerCase() && address.port === 443
      ? []
      : [`is at ${endpoint}:443, and address is ${address.host}:${address.port}`]),
    ...(tls.caFile !== undefined || tls.caData === ca
      ? []
      : ['has another CA than tls.caData: write certificateAuthority.data there']),
    ...(getsEntry && mode === 'CONFIG_MAP'
      ? [
          'takes no access entries: aws eks update-cluster-config --access-config authenticationMode=API_AND_CONFIG_MAP, or accessEntry: false in cdk.json',
        ]
      : []),
  ];
}

function clustersIn(targets: Config['targets']): TargetOf<'kubernetes'>[] {
  return [...targets.values()].filter((target) => target.protocol === 'kubernetes');
}
