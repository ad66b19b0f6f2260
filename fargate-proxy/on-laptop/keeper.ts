import { join } from 'node:path';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { localLeafQueue } from '#adapters/local/ledger.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { localLeases } from '#adapters/local/task-leases.ts';
import type { KeeperSurroundings } from '../surroundings.ts';
import { fence, fenceAll, sealEarlier, sealTasks, sequencerOf } from './sealing.ts';

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

/** What whoever records nothing writes to: durably at once, and with no log. */
function portsOf(dataDir: string) {
  return {
    store: directoryStore(join(dataDir, 'store')),
    signer: fileSigner(dataDir),
    index: openSessionIndex(join(dataDir, 'index.sqlite')),
    leaves: localLeafQueue(dataDir),
  };
}
