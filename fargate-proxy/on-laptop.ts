import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { localAccessStore } from '#adapters/local/access-store.ts';
import { configFileReader } from '#adapters/local/config-file.ts';
import { localDeliveries } from '#adapters/local/deliveries.ts';
import { localDevices } from '#adapters/local/devices.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { lockFolder } from '#adapters/local/folder-lock.ts';
import { journalRemains, openJournal } from '#adapters/local/journal.ts';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { localLogouts } from '#adapters/local/logouts.ts';
import { localPulses } from '#adapters/local/pulses.ts';
import { localRunStore } from '#adapters/local/runs-store.ts';
import { localSandboxes } from '#adapters/local/sandboxes.ts';
import { localScim } from '#adapters/local/scim-directory.ts';
import { readDirectorySecret } from '#adapters/local/secret-file.ts';
import { caKeys, targetCa } from '#adapters/local/ssh/cas.ts';
import { localHostKeys } from '#adapters/local/ssh/host-keys.ts';
import {
  behindItsLog,
  type Lists,
  openLoggedFolder,
  replayFolder,
} from '#adapters/local/store-log/folder.ts';
import { localLeases } from '#adapters/local/task-leases.ts';
import { isDisksFault, unreadable } from '#adapters/local/unreadable.ts';
import type { Target } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { LOCAL_ORIGIN } from '#core/ledger/layout.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import type { SecretReference } from '#core/protocols/protocol.ts';
import type { LeaseBook } from '#core/recording/leases.ts';
import type { Signer } from '#core/recording/ports.ts';
import { type SealerPorts, type Sealing, sealAbandoned, together } from '#core/recording/seal.ts';
import type { RecorderSurroundings, RelaySurroundings, SshSurroundings } from './surroundings.ts';

/** The last moment that a Date can name. */
const END_OF_TIME = new Date(8.64e15);
const CONFIG_EVERY_MS = 1_000;

export interface LaptopPlace {
  readonly dataDir: string;
  readonly configFile: string;
  /** How often that is looked at; each second when not given. */
  readonly configMs?: number;
}

/** Takes the folder's lock: one gateway at a time. Throws `config-invalid`, `state-damaged`. */
export function relayOnLaptop({ dataDir, configFile, configMs }: LaptopPlace): RelaySurroundings {
  const read = configFileReader(configFile);
  const readConfig = async () => ({
    config: await read(),
    changedAt: new Date(Math.floor(statSync(configFile).mtimeMs)),
  });
  lockFolder(dataDir);
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

/** Seals what earlier tasks of this folder left: nobody else does. */
export async function recorderOnLaptop(dataDir: string, task: string): Promise<RecorderSurroundings> {
  const signer = fileSigner(dataDir);
  const { store, index, leaves, unlogged } = openLoggedFolder(dataDir, task);
  const leases = localLeases(dataDir);
  await fenceAll(leases);
  const sealer = { store, signer, index, leaves };
  const earlier = await sealEarlier(dataDir, sealer, unlogged);
  const journal = await openJournal(join(dataDir, 'journal'), task);
  const ledger = { objects: store, head: localLedgerHead(dataDir), queue: leaves, signer };
  return {
    ports: { sink: store, signer, journal, index, leaves },
    leases,
    earlier,
    sealEarlier: () => sealOthers(task, dataDir, sealer, unlogged),
    sequencer: new Sequencer(ledger, LOCAL_ORIGIN),
  };
}

async function sealEarlier(dataDir: string, ports: SealerPorts, lists: Lists): Promise<Sealing> {
  const failures = await replayFolder(dataDir, lists);
  const remains = journalRemains(join(dataDir, 'journal'));
  const sealing = await sealAbandoned(remains, ports, new Date());
  await remains.clear(new Set(sealing.failures.map(({ session }) => session)));
  return together([{ sealed: 0, failures }, sealing]);
}

/** What earlier tasks left, now that one of our own writes beside it. */
async function sealOthers(own: string, dataDir: string, ports: SealerPorts, lists: Lists): Promise<Sealing> {
  const open = await ports.index.unsealed();
  const tasks = new Set(open.map(({ task }) => task));
  tasks.delete(own);
  const done: Sealing[] = [];
  for (const task of tasks) {
    const remains = behindItsLog(journalRemains(join(dataDir, 'journal'), task), dataDir, task, lists);
    const sealing = await sealAbandoned(remains, ports, new Date(), { task });
    await remains.clear(new Set(sealing.failures.map(({ session }) => session)));
    done.push(sealing);
  }
  return together(done);
}

/** The folder's lock is ours, so no earlier task of this folder runs: their leases need not run out first. */
async function fenceAll(leases: LeaseBook): Promise<void> {
  for (const lease of await leases.endedBefore(END_OF_TIME)) {
    await leases.fence(lease);
    await leases.forget(lease.task);
  }
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
