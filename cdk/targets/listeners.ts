import type { Config } from '#core/access/config.ts';

/** Where clients of a protocol reach the load balancer, and where it reaches the tasks. */
export interface GatewayListener {
  /** In the ids of what is made for it: another one would replace it, and cut every session. */
  readonly id: string;
  readonly targetsId: string;
  readonly port: number;
  readonly containerPort: number;
}

export interface ListenerPorts {
  readonly port: number;
  readonly sshPort: number;
  readonly kubernetesPort: number;
}

/** The first one is always there; the others where custody.yaml has a target for them. Their health is the task's. */
export function listenersOf(
  config: Config,
  { port, sshPort, kubernetesPort }: ListenerPorts,
): readonly [GatewayListener, ...GatewayListener[]] {
  const database = { id: 'Postgres', targetsId: 'Targets', port, containerPort: 5432 };
  const shell = { id: 'Ssh', targetsId: 'SshTargets', port: sshPort, containerPort: SSH_CONTAINER_PORT };
  const cluster = {
    id: 'Kubernetes',
    targetsId: 'KubernetesTargets',
    port: kubernetesPort,
    containerPort: KUBERNETES_CONTAINER_PORT,
  };
  return [database, ...(speaksSsh(config) ? [shell] : []), ...(speaksKubernetes(config) ? [cluster] : [])];
}

/** A task listens where nobody needs to be root. */
export const SSH_CONTAINER_PORT = 2222;
export const KUBERNETES_CONTAINER_PORT = 6443;

export function speaksSsh({ targets }: Config): boolean {
  return [...targets.values()].some(({ protocol }) => protocol === 'ssh');
}

export function speaksKubernetes({ targets }: Config): boolean {
  return [...targets.values()].some(({ protocol }) => protocol === 'kubernetes');
}
