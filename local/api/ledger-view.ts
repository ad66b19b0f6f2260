import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { localLedgerHead } from '#adapters/local/ledger.ts';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { LOCAL_ORIGIN, tileKey } from '#core/ledger/layout.ts';
import type { LedgerView } from '#lambdas/sessions/handler.ts';

/** The ledger of this data folder, as the API shows it. */
export async function ledgerView(dataDir: string, storeFolder: string): Promise<LedgerView> {
  const store = directoryStore(storeFolder);
  const head = localLedgerHead(dataDir);
  const key = await fileSigner(dataDir).publicKey();
  return {
    newest: async () => {
      const stored = await head.read();
      if (stored === undefined) return undefined;
      return { note: stored.checkpoint, checkpoint: openCheckpoint(stored.checkpoint, LOCAL_ORIGIN, key) };
    },
    fetch: (path) => store.get(tileKey(path)),
  };
}
