/** The newest leaves, each proved to be under the checkpoint. */
import { asCustodyError } from '#core/errors.ts';
import type { Checkpoint } from '#core/ledger/checkpoint.ts';
import { type Leaf, parseLeaf } from '#core/ledger/leaf.ts';
import { proveInclusion } from '#core/ledger/reader.ts';
import { TILE_WIDTH } from '#core/ledger/tiles.ts';
import { type FetchTile, TileTree } from '#core/ledger/tree.ts';

export interface RecentLeaf {
  readonly index: number;
  /** Undefined where it is of a later version, or cannot be read. */
  readonly leaf: Leaf | undefined;
  readonly isProved: boolean;
}

/** Newest first. Rejects with `access-denied` where entries are not for whoever asks. */
export async function recentLeaves(
  checkpoint: Checkpoint,
  fetch: FetchTile,
  atMost: number,
): Promise<readonly RecentLeaf[]> {
  const from = Math.max(0, checkpoint.size - atMost);
  const entries = await entriesFrom(from, checkpoint, fetch);
  const leaves = await Promise.all(entries.map((entry, at) => proved(checkpoint, fetch, from + at, entry)));
  return leaves.toReversed();
}

async function entriesFrom(
  from: number,
  { size }: Checkpoint,
  fetch: FetchTile,
): Promise<readonly Uint8Array[]> {
  const tree = new TileTree(size, fetch);
  const first = Math.floor(from / TILE_WIDTH);
  const bundles: Uint8Array[] = [];
  for (let bundle = first; bundle * TILE_WIDTH < size; bundle += 1)
    bundles.push(...(await tree.bundle(bundle)));
  return bundles.slice(from - first * TILE_WIDTH);
}

async function proved(
  checkpoint: Checkpoint,
  fetch: FetchTile,
  index: number,
  entry: Uint8Array,
): Promise<RecentLeaf> {
  const isProved = await proveInclusion(checkpoint, fetch, index, entry).then(
    () => true,
    (thrown: unknown) => {
      if (asCustodyError(thrown).code === 'ledger-altered') return false;
      throw thrown;
    },
  );
  return { index, leaf: readable(entry), isProved };
}

function readable(entry: Uint8Array): Leaf | undefined {
  try {
    return parseLeaf(entry);
  } catch {
    return undefined;
  }
}
