/** A cluster in the demo: of --kubeconfig, or of a custody.yaml that has one already. */
import { readFileSync } from 'node:fs';
import type { Config } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { GatewayAddress } from '#lambdas/targets/handler.ts';
import type { LocalAddresses } from '../setup/addresses.ts';
import { dataFiles, type LocalSettings } from '../setup/settings.ts';
import { CLUSTER, keepCluster } from './demo-target.ts';
import { type DemoCluster, demoCluster } from './kubeconfig.ts';

/** Undefined where none is wanted. Throws `config-invalid`. */
export function demoKubernetes({ kubeconfig, dataDir }: LocalSettings): DemoCluster | undefined {
  if (kubeconfig === undefined) return undefined;
  const cluster = demoCluster(kubeconfig.file, kubeconfig.context, readText);
  keepCluster(dataFiles(dataDir).cluster, cluster);
  return cluster;
}

interface KubernetesPart {
  readonly kubernetes?: GatewayAddress;
}

/** Where the gateway speaks Kubernetes: at the address for all, wherever there is a cluster. */
export function kubernetesPart(
  { targets }: Config,
  address: GatewayAddress,
  { kubernetes: port }: LocalSettings['ports'],
): KubernetesPart {
  const isWanted = [...targets.values()].some(({ protocol }) => protocol === 'kubernetes');
  return isWanted ? { kubernetes: { ...address, port } } : {};
}

export function clusterAddresses(
  { kubernetes }: KubernetesPart,
  cluster: DemoCluster | undefined,
): Pick<LocalAddresses, 'kubernetes' | 'cluster'> {
  if (kubernetes === undefined) return {};
  const place = { kubernetes: { host: kubernetes.host, port: kubernetes.port } };
  if (cluster === undefined) return place;
  const { address, context, namespace } = cluster;
  return { ...place, cluster: { address, context, namespace } };
}

/** For a custody.yaml that could not be given it by itself. */
export function refuseWithout(config: Config, cluster: DemoCluster | undefined): void {
  if (cluster === undefined || config.targets.get(CLUSTER)?.protocol === 'kubernetes') return;
  throw new CustodyError(
    'config-invalid',
    `custody.yaml has no target ${CLUSTER}, and is not written so that it could be put in`,
    {
      hint: 'put it in by hand (docs/kubernetes.md), or use another data folder: --data-dir DIR',
    },
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CustodyError('config-invalid', `the kubeconfig cannot be used: ${why}`, {
      hint: 'name one that you may read: --kubeconfig FILE',
      cause,
    });
  }
}
