/** What earlier tasks of a folder left, or processes that died: fenced, put in its place, sealed. */
import { join } from 'node:path';
import { journalRemains } from '#adapters/local/journal.ts';
import { localLedgerHead } from '#adapters/local/ledger.ts';
import { behindItsLog, type Lists, replayFolder } from '#adapters/local/store-log/folder.ts';
import { LOCAL_ORIGIN } from '#core/ledger/layout.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import type { LeaseBook } from '#core/recording/leases.ts';
import { type SealerPorts, type Sealing, sealAbandoned, together } from '#core/recording/seal.ts';

/** The last moment that a Date can name. */
const END_OF_TIME = new Date(8.64e15);

export function sequencerOf(
  dataDir: string,
  { store, signer, leaves }: Pick<SealerPorts, 'store' | 'signer'> & Pick<Lists, 'leaves'>,
): Sequencer {
  return new Sequencer(
    { objects: store, head: localLedgerHead(dataDir), queue: leaves, signer },
    LOCAL_ORIGIN,
  );
}

export function journalIn(dataDir: string): string {
  return join(dataDir, 'journal');
}

export async function sealEarlier(dataDir: string, ports: SealerPorts, lists: Lists): Promise<Sealing> {
  const failures = await replayFolder(dataDir, lists);
  const remains = journalRemains(journalIn(dataDir));
  const sealing = await sealAbandoned(remains, ports, new Date());
  await remains.clear(new Set(sealing.failures.map(({ session }) => session)));
  return together([{ sealed: 0, failures }, sealing]);
}

/** What earlier tasks left, now that one of our own writes beside it. */
export async function sealOthers(
  own: string,
  dataDir: string,
  ports: SealerPorts,
  lists: Lists,
): Promise<Sealing> {
  const open = await ports.index.unsealed();
  const tasks = new Set(open.map(({ task }) => task));
  tasks.delete(own);
  return sealTasks(tasks, dataDir, ports, lists);
}

export async function sealTasks(
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
export async function fenceAll(leases: LeaseBook): Promise<void> {
  await fence(leases, () => true);
}

/** Of tasks whose processes are gone. Of another one the lease may be renewed meanwhile; theirs cannot be. */
export async function fence(leases: LeaseBook, isGone: (task: string) => boolean): Promise<void> {
  for (const lease of await leases.endedBefore(END_OF_TIME)) {
    if (!isGone(lease.task)) continue;
    await leases.fence(lease);
    await leases.forget(lease.task);
  }
}
