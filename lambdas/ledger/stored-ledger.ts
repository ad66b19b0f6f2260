/** The ledger as it is in a store, for whoever asks the API about it. */
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import { emptyRoot } from '#core/ledger/merkle.ts';
import type { LedgerHead } from '#core/ledger/ports.ts';
import { fetchStaged, StagedTiles } from '#core/ledger/staged-tiles.ts';
import type { FetchTile } from '#core/ledger/tree.ts';
import type { RecordingSource, Signer } from '#core/recording/ports.ts';
import type { LedgerView } from '../sessions/handler.ts';

export interface StoredLedgerPorts {
  readonly head: Pick<LedgerHead, 'read'>;
  readonly store: Pick<RecordingSource, 'get'>;
  readonly signer: Pick<Signer, 'publicKey'>;
}

/**
 * A checkpoint is the newest before its tiles are in their places: they are read from where the commit staged them. Those of the
 * checkpoint before it are in their places by then.
 */
export function storedLedger(
  origin: string,
  { head, store, signer }: StoredLedgerPorts,
): Pick<LedgerView, 'newest' | 'fetch'> {
  const tilesOf = (checkpoint: Checkpoint): FetchTile =>
    fetchStaged(store, new StagedTiles(checkpoint, store));
  let tiles = tilesOf({ origin, size: 0, root: emptyRoot() });
  return {
    newest: async () => {
      const stored = await head.read();
      if (stored === undefined) return undefined;
      const checkpoint = openCheckpoint(stored.checkpoint, origin, await signer.publicKey());
      tiles = tilesOf(checkpoint);
      return { note: stored.checkpoint, checkpoint };
    },
    fetch: (path) => tiles(path),
  };
}
