import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localAccessStore } from '#adapters/local/access-store.ts';
import { configFileReader } from '#adapters/local/config-file.ts';
import { localDeliveries } from '#adapters/local/deliveries.ts';
import { localDevices } from '#adapters/local/devices.ts';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { lockFolder, lockProcess, untilProcessesGone } from '#adapters/local/folder-lock.ts';
import { journalRemains, openJournal } from '#adapters/local/journal.ts';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { localLogouts } from '#adapters/local/logouts.ts';
import { localPulses } from '#adapters/local/pulses.ts';
import { localRunStore } from '#adapters/local/runs-store.ts';
import { localSandboxes } from '#adapters/local/sandboxes.ts';
import { localScim } from '#adapters/local/scim-directory.ts';
import { readDirectorySecret } from '#adapters/local/secret-file.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
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
import type { ChildOf } from './settings.ts';
import type {
  KeeperSurroundings,
  ParentSurroundings,
  RecorderSurroundings,
  RelaySurroundings,
  SshSurroundings,
} from './surroundings.ts';

/** The last moment that a Date can name. */
const END_OF_TIME = new Date(8.64e15);
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

/** Of a gateway that was killed, its processes may still be ending their sessions. */
async function takeFolder(dataDir: string): Promise<void> {
  lockFolder(dataDir);
  await untilProcessesGone(dataDir, (ms) => sleep(ms));
}

/** Takes the folder's lock for all processes under this one. */
export async function parentOnLaptop(dataDir: string): Promise<ParentSurroundings> {
  await takeFolder(dataDir);
  return { keeps: true };
}

/** Seals what earlier tasks of this folder left, before any process of this gateway begins. */
export async function keeperOnLaptop(dataDir: string): Promise<KeeperSurroundings> {
  const ports = portsOf(dataDir);
  const leases = localLeases(dataDir);
  await fenceAll(leases);
  const earlier = await sealEarlier(dataDir, ports, ports);
  const left = earlier.failures.length === 0 ? [] : await ports.index.unsealed();
  return {
    earlier,
    left: new Set(left.map(({ task }) => task)),
    sealTasks: async (tasks) => {
      await fence(leases, (task) => tasks.has(task));
      return sealTasks(tasks, dataDir, ports, ports);
    },
    sequencer: sequencerOf(dataDir, ports),
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

/**
 * Seals what earlier tasks of this folder left: nobody else does. Of several processes none does, nor moves leaves into the ledger:
 * that is their parent's.
 */
export async function recorderOnLaptop(
  dataDir: string,
  task: string,
  isChild: boolean,
): Promise<RecorderSurroundings> {
  const signer = fileSigner(dataDir);
  const { store, index, leaves, unlogged, close: finish } = openLoggedFolder(dataDir, task);
  const leases = localLeases(dataDir);
  const own = async () => ({
    sink: store,
    signer,
    journal: await openJournal(journalIn(dataDir), task),
    index,
    leaves,
  });
  if (isChild) return { ports: await own(), leases, earlier: { sealed: 0, failures: [] }, finish };
  await fenceAll(leases);
  const sealer = { store, signer, index, leaves };
  const earlier = await sealEarlier(dataDir, sealer, unlogged);
  return {
    ports: await own(),
    leases,
    earlier,
    sealEarlier: () => sealOthers(task, dataDir, sealer, unlogged),
    sequencer: sequencerOf(dataDir, sealer),
    finish,
  };
}

/** What whoever records nothing writes to: durably at once, and with no log. */
function portsOf(dataDir: string) {
  return {
    store: directoryStore(join(dataDir, 'store')),
    signer: fileSigner(dataDir),
    index: openSessionIndex(join(dataDir, 'index.sqlite')),
    leaves: localLeafQueue(dataDir),
  };
}

function sequencerOf(
  dataDir: string,
  { store, signer, leaves }: Pick<SealerPorts, 'store' | 'signer'> & Pick<Lists, 'leaves'>,
): Sequencer {
  return new Sequencer(
    { objects: store, head: localLedgerHead(dataDir), queue: leaves, signer },
    LOCAL_ORIGIN,
  );
}

function journalIn(dataDir: string): string {
  return join(dataDir, 'journal');
}

async function sealEarlier(dataDir: string, ports: SealerPorts, lists: Lists): Promise<Sealing> {
  const failures = await replayFolder(dataDir, lists);
  const remains = journalRemains(journalIn(dataDir));
  const sealing = await sealAbandoned(remains, ports, new Date());
  await remains.clear(new Set(sealing.failures.map(({ session }) => session)));
  return together([{ sealed: 0, failures }, sealing]);
}

/** What earlier tasks left, now that one of our own writes beside it. */
async function sealOthers(own: string, dataDir: string, ports: SealerPorts, lists: Lists): Promise<Sealing> {
  const open = await ports.index.unsealed();
  const tasks = new Set(open.map(({ task }) => task));
  tasks.delete(own);
  return sealTasks(tasks, dataDir, ports, lists);
}

async function sealTasks(
  tasks: ReadonlySet<string>,
  dataDir: string,
  ports: SealerPorts,
  lists: Lists,
): Promise<Sealing> {
  const done: Sealing[] = [];
  for (const task of tasks) {
    const remains = behindItsLog(journalRemains(journalIn(dataDir), task), dataDir, task, lists);
    const sealing = await sealAbandoned(remains, ports, new Date(), { task });
    await remains.clear(new Set(sealing.failures.map(({ session }) => session)));
    done.push(sealing);
  }
  return together(done);
}

/** The folder's lock is ours, so no earlier task of this folder runs: their leases need not run out first. */
async function fenceAll(leases: LeaseBook): Promise<void> {
  await fence(leases, () => true);
}

/** Of tasks whose processes are gone. Of another one the lease may be renewed meanwhile; theirs cannot be. */
async function fence(leases: LeaseBook, isGone: (task: string) => boolean): Promise<void> {
  for (const lease of await leases.endedBefore(END_OF_TIME)) {
    if (!isGone(lease.task)) continue;
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
