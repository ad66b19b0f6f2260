import type { DeploymentConfig } from '#cdk/config.ts';
import type { ProtocolName } from '#core/protocols/protocols.ts';
import { unknown } from '../findings/finding.ts';
import { kubeLook } from './kube-look.ts';
import type { Look } from './listener.ts';
import { postgresLook } from './postgres-look.ts';
import { sshLook } from './ssh-look.ts';

const looks: Readonly<Record<ProtocolName, Look>> = {
  postgres: postgresLook,
  ssh: sshLook,
  kubernetes: kubeLook,
};

/** What speaks at a place of which nothing more was said. */
export const USUAL: ProtocolName = 'postgres';

/** A gateway of a later version may speak more than this custody knows. */
export const lookAt: Look = async (about, listener, now) => {
  const look = Object.entries(looks).find(([protocol]) => protocol === listener.protocol)?.[1];
  return look === undefined
    ? [unknown(about, 'this custody does not know its protocol')]
    : look(about, listener, now);
};

/** Where each protocol is spoken, by the settings of a deployment. */
export function portsOf({ port, sshPort, kubernetesPort }: DeploymentConfig['gateway']) {
  return { postgres: port, ssh: sshPort, kubernetes: kubernetesPort } satisfies Record<ProtocolName, number>;
}
