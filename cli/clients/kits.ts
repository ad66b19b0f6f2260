import { CustodyError } from '#core/errors.ts';
import type { ProtocolName } from '#core/protocols/protocols.ts';
import type { Target } from '../api-shapes.ts';
import type { ClientKit } from './kit.ts';
import { kubernetesKit } from './kubernetes.ts';
import { postgresKit } from './postgres.ts';
import { sshKit } from './ssh.ts';

const byProtocol: Readonly<Record<ProtocolName, ClientKit>> = {
  postgres: postgresKit,
  ssh: sshKit,
  kubernetes: kubernetesKit,
};

/** What clients of a target need. Throws as `protocolNameOf`. */
export function kitOf(target: Target): ClientKit {
  return byProtocol[protocolNameOf(target)];
}

/** Throws `unsupported` for a protocol that only a newer gateway knows. */
export function protocolNameOf({ name, protocol }: Target): ProtocolName {
  if (Object.hasOwn(byProtocol, protocol)) return protocol as ProtocolName;
  throw new CustodyError('unsupported', `${name} speaks ${protocol}, which this custody does not know`, {
    hint: 'is there a newer custody?',
  });
}
