import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { localAccessStore } from '#adapters/local/access-store.ts';
import { configFileReader } from '#adapters/local/config-file.ts';
import { localDeliveries } from '#adapters/local/deliveries.ts';
import { localDevices } from '#adapters/local/devices.ts';
import { lockProcess } from '#adapters/local/folder-lock.ts';
import { localLeafQueue } from '#adapters/local/ledger.ts';
import { localLogouts } from '#adapters/local/logouts.ts';
import { localPulses } from '#adapters/local/pulses.ts';
import { localRunStore } from '#adapters/local/runs-store.ts';
import { localSandboxes } from '#adapters/local/sandboxes.ts';
import { localScim } from '#adapters/local/scim-directory.ts';
import { readDirectorySecret } from '#adapters/local/secret-file.ts';
import { caKeys, targetCa } from '#adapters/local/ssh/cas.ts';
import { localHostKeys } from '#adapters/local/ssh/host-keys.ts';
import { isDisksFault, unreadable } from '#adapters/local/unreadable.ts';
import type { Target } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { SecretReference } from '#core/protocols/protocol.ts';
import type { Signer } from '#core/recording/ports.ts';
import type { ChildOf } from '../settings.ts';
import type { RelaySurroundings, SshSurroundings } from '../surroundings.ts';
import { takeFolder } from './parent.ts';

const CONFIG_EVERY_MS = 1_000;

export interface LaptopPlace {
  readonly dataDir: string;
  readonly configFile: string;
  /** How often that is looked at; each second when not given. */
  readonly configMs?: number;
  /** One of several processes: their parent has the folder. */
  readonly child?: ChildOf;
}

/** Takes the folder's lock: one gateway at a time. Rejects with `config-invalid`, `state-damaged`. */
export async function relayOnLaptop({
  dataDir,
  configFile,
  configMs,
  child,
}: LaptopPlace): Promise<RelaySurroundings> {
  const read = configFileReader(configFile);
  const readConfig = async () => ({
    config: await read(),
    changedAt: new Date(Math.floor(statSync(configFile).mtimeMs)),
  });
  if (child === undefined) await takeFolder(dataDir);
  else lockProcess(dataDir, child.number);
  const store = localAccessStore(dataDir);
  const logouts = localLogouts(dataDir);
  const devices = localDevices(dataDir);
  return {
    readConfig,
    configEveryMs: configMs ?? CONFIG_EVERY_MS,
    certificate: async () => ({
      cert: readFileSync(join(dataDir, 'tls', 'gateway.pem'), 'utf8'),
      key: readFileSync(join(dataDir, 'tls', 'gateway.key'), 'utf8'),
    }),
    requests: store,
    watched: store,
    terminations: store,
    presence: store,
    runs: localRunStore(dataDir),
    sandboxes: localSandboxes(dataDir),
    logouts,
    watchedLogouts: logouts,
    devices,
    watchedDevices: devices,
    directory: localScim(dataDir),
    leaves: localLeafQueue(dataDir),
    deliveries: localDeliveries(dataDir),
    pulses: localPulses(dataDir),
    secretOf: readCredentialFile,
    directorySecret: readDirectorySecret,
    ssh: sshOnLaptop(dataDir),
  };
}

/** Keys are read where they are needed: a folder of a gateway without SSH has none. */
function sshOnLaptop(dataDir: string): SshSurroundings {
  const hostKeys = localHostKeys(dataDir);
  const ca = (): Signer => targetCa(dataDir);
  return {
    hostKeys,
    toldHostKeys: hostKeys,
    userCas: async () => caKeys(dataDir, 'user'),
    targetCa: { sign: (message) => ca().sign(message), publicKey: () => ca().publicKey() },
  };
}

async function readCredentialFile({ name }: Target, reference: SecretReference): Promise<string> {
  const file = reference.kind === 'file' ? reference.file : '';
  try {
    // A small file of this machine: through the thread pool, four calls of it are most of what a dial costs.
    return readFileSync(file, 'utf8').trimEnd();
  } catch (cause) {
    // Of a gateway without descriptors, or of a disk that fails, the target has refused nothing.
    if (isDisksFault(cause)) throw unreadable('the credential', file, cause);
    throw new CustodyError('target-refused', `the gateway has no credential for the target "${name}"`, {
      hint: 'tell whoever runs the gateway',
      detail: `${file} cannot be read`,
      cause,
    });
  }
}
