import { caKeys, createSshCas, userCa } from '#adapters/local/ssh/cas.ts';
import { localCertificates } from '#adapters/local/ssh/certificates.ts';
import { localHostKeys } from '#adapters/local/ssh/host-keys.ts';
import { CertificateDesk, type RegisteredKeys } from '#core/access/ssh-certificates/desk.ts';
import type { LeafSink } from '#core/ledger/leaves.ts';
import { sshPlace } from '#lambdas/ssh/place.ts';
import type { Running } from '../supervisor/running.ts';
import type { ControlPlaneOptions } from './control-plane-options.ts';
import { closing, now } from './keeping.ts';
import type { Known } from './people.ts';

interface SshStores extends Pick<Known, 'policy' | 'logouts'> {
  readonly leaves: LeafSink;
  readonly devices: RegisteredKeys;
}

/** People's SSH certificates, by CAs in the data folder. */
export async function sshPorts(
  { dataDir, ssh }: Pick<ControlPlaneOptions, 'dataDir' | 'ssh'>,
  running: Running,
  { policy, leaves, devices, logouts: revocations }: SshStores,
) {
  createSshCas(dataDir);
  const book = await closing(running, localCertificates(dataDir));
  const inForce = () => policy.config;
  const desk = new CertificateDesk({
    policy: inForce,
    ca: userCa(dataDir),
    book,
    revocations,
    leaves,
    devices,
    now,
  });
  const address = ssh && `${ssh.host}:${ssh.port}`;
  return {
    ...{ desk, book, revocations, place: sshPlace(address, localHostKeys(dataDir)) },
    userCa: async () => caKeys(dataDir, 'user'),
    targetCa: async () => caKeys(dataDir, 'target'),
  };
}
