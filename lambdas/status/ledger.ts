import { parseLeaf } from '#core/ledger/leaf.ts';
import type { LeafQueue } from '#core/ledger/ports.ts';
import { TILE_WIDTH } from '#core/ledger/tiles.ts';
import { TileTree } from '#core/ledger/tree.ts';
import type { LedgerView } from '../sessions/handler.ts';
import type { Status } from './shapes.ts';

export interface LedgerStatePorts {
  readonly ledger: Pick<LedgerView, 'newest' | 'fetch'>;
  readonly queue: Pick<LeafQueue, 'list'>;
}

/** Leaves that are counted: more of them wait only where the ledger stands still. */
const COUNTED_MAX = 1_000;
/** The ledger's FORMAT.md: a leaf is in a checkpoint within 60 s. */
const ENTERS_WITHIN_S = 60;

/** How far the ledger is, and what waits to enter. */
export async function ledgerState({ ledger, queue }: LedgerStatePorts): Promise<Status['ledger']> {
  // The queue first: a leaf that enters in between is counted twice, and never passed over.
  const queued = await queue.list(COUNTED_MAX + 1);
  const checkpoint = (await ledger.newest())?.checkpoint;
  const size = checkpoint?.size ?? 0;
  const newestAt = size === 0 ? undefined : await timeOfLast(size, ledger);
  const oldest = oldestOf(queued.map(({ leaf }) => timeOf(leaf)));
  return {
    size,
    ...(newestAt === undefined ? {} : { newestAt }),
    queued: Math.min(queued.length, COUNTED_MAX),
    more: queued.length > COUNTED_MAX,
    ...(oldest === undefined ? {} : { oldestQueuedAt: oldest }),
    deadlineSeconds: ENTERS_WITHIN_S,
  };
}

async function timeOfLast(size: number, { fetch }: Pick<LedgerView, 'fetch'>): Promise<string | undefined> {
  const entries = await new TileTree(size, fetch).bundle(Math.floor((size - 1) / TILE_WIDTH));
  return timeOf(entries.at(-1)!);
}

function timeOf(leaf: Uint8Array): string | undefined {
  return parseLeaf(leaf)?.at;
}

function oldestOf(times: readonly (string | undefined)[]): string | undefined {
  return times.filter((time) => time !== undefined).toSorted()[0];
}
