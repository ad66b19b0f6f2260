import { fileSigner } from '#adapters/local/file-signer.ts';
import { openJournal } from '#adapters/local/journal.ts';
import { openLoggedFolder } from '#adapters/local/store-log/folder.ts';
import { localLeases } from '#adapters/local/task-leases.ts';
import type { RecorderSurroundings } from '../surroundings.ts';
import { fenceAll, journalIn, sealEarlier, sealOthers, sequencerOf } from './sealing.ts';

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
