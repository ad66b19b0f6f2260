import { join } from 'node:path';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type { LeafQueue } from '#core/ledger/ports.ts';
import type { JournalRemains, RecordingSink, RecordingSource } from '#core/recording/ports.ts';
import type { SealFailure } from '#core/recording/sealing.ts';
import type { SessionIndex, SessionOutcome } from '#core/recording/session-index.ts';
import { plainStore } from '../directory-store.ts';
import { localLeafQueue } from '../ledger.ts';
import { openSessionIndex } from '../session-index.ts';
import { StoreLog } from './log.ts';
import { loggedIndex, loggedLeaves, loggedStore } from './logged.ts';
import type { LogRecord } from './record.ts';
import { isAnother, replayLogs } from './replay.ts';

/** For so long the log alone may have what a gateway stored. */
const SETTLE_EVERY_MS = 10_000;

type Listed = Parameters<SessionIndex['opened']>[0];

/** The list of sessions and the ledger's queue. */
export interface Lists {
  readonly index: SessionIndex;
  readonly leaves: LeafQueue;
}

/** What of a data folder a gateway's recorder writes to, but for the journal. */
export interface LoggedFolder extends Lists {
  readonly store: RecordingSink & RecordingSource;
  /** As `index` and `leaves`, for what a log holds already. */
  readonly unlogged: Lists;
}

/** One whose log is this process's own. */
export interface OwnLoggedFolder extends LoggedFolder {
  /** Nothing more is written: whoever comes next finds all of it in its place. */
  readonly close: () => Promise<void>;
}

/** With a log of the task's own, which has to be put in its place by whoever comes after it, unless it was closed: `replayFolder`. */
export function openLoggedFolder(dataDir: string, task: string): OwnLoggedFolder {
  const log = new StoreLog({ root: join(dataDir, 'store'), task });
  const settling = setInterval(() => void log.settle().catch(() => undefined), SETTLE_EVERY_MS).unref();
  const close = (): Promise<void> => {
    clearInterval(settling);
    return log.close();
  };
  return { ...loggedFolder(dataDir, log), close };
}

/** With a log that somebody else settles. */
export function loggedFolder(dataDir: string, log: StoreLog): LoggedFolder {
  const root = join(dataDir, 'store');
  const index = openSessionIndex(join(dataDir, 'index.sqlite'), 'log');
  const leaves = localLeafQueue(dataDir, 'log');
  return {
    store: loggedStore(root, plainStore(root), leaves, log),
    index: loggedIndex(index, log),
    leaves: loggedLeaves(leaves, log),
    unlogged: { index, leaves },
  };
}

/**
 * Puts in its place what the logs of tasks hold that write no more, or that of one task. Nobody may read, seal or verify from less
 * than a task stored. Resolves with the objects that are others than the ones that were stored.
 */
export async function replayFolder(
  dataDir: string,
  lists: Lists,
  task?: string,
): Promise<readonly SealFailure[]> {
  const take = (record: LogRecord): Promise<void> => takeInto(lists, record);
  const place = { root: join(dataDir, 'store'), take };
  const conflicts = await replayLogs(task === undefined ? place : { ...place, task });
  return conflicts.map((key) => ({ session: key.split('/')[1] ?? key, error: isAnother(key) }));
}

/** What a task's journal holds, behind its log. */
export function behindItsLog(
  remains: JournalRemains,
  dataDir: string,
  task: string,
  lists: Lists,
): JournalRemains {
  return {
    ...remains,
    read: async (take) => {
      await replayFolder(dataDir, lists, task);
      return remains.read(take);
    },
  };
}

/** What is there already stays as it is. */
async function takeInto({ index, leaves }: Lists, { kind, name, bytes }: LogRecord): Promise<void> {
  const json = (): unknown => parseJson(Buffer.from(bytes).toString());
  switch (kind) {
    case 'listed':
      return unless('already-exists', index.opened(json() as Listed));
    case 'ended':
      return unless('not-found', index.closed(name, json() as SessionOutcome));
    case 'leaf':
      return leaves.add(bytes);
    case 'object':
    case 'withdrawn':
  }
}

async function unless(code: CustodyError['code'], done: Promise<void>): Promise<void> {
  await done.catch((error: unknown) => {
    if (asCustodyError(error).code !== code) throw error;
  });
}
