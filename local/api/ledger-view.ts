import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { localLedgerHead } from '#adapters/local/ledger.ts';
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import { LOCAL_ORIGIN } from '#core/ledger/layout.ts';
import { emptyRoot } from '#core/ledger/merkle.ts';
import { fetchStaged, StagedTiles } from '#core/ledger/staged-tiles.ts';
import type { FetchTile } from '#core/ledger/tree.ts';
import type { LedgerView } from '#lambdas/sessions/handler.ts';

/** The ledger of this data folder, as the API shows it. */
export async function ledgerView(dataDir: string, storeFolder: string): Promise<LedgerView> {
  const store = directoryStore(storeFolder);
  const head = localLedgerHead(dataDir);
  const key = await fileSigner(dataDir).publicKey();
  const tilesOf = (checkpoint: Checkpoint): FetchTile =>
    fetchStaged(store, new StagedTiles(checkpoint, store));
  // A checkpoint is the newest before its tiles are in their places; those of the one before it are by then.
  let tiles = tilesOf({ origin: LOCAL_ORIGIN, size: 0, root: emptyRoot() });
  return {
    newest: async () => {
      const stored = await head.read();
      if (stored === undefined) return undefined;
      const checkpoint = openCheckpoint(stored.checkpoint, LOCAL_ORIGIN, key);
      tiles = tilesOf(checkpoint);
      return { note: stored.checkpoint, checkpoint };
    },
    fetch: (path) => tiles(path),
  };
}
