import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { openSearch } from '#adapters/local/search/search.ts';
import { openUnindexedSessions } from '#adapters/local/unindexed-sessions.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import type { SessionCatalog } from '#core/recording/session-index.ts';
import { INDEX_VERSION } from '#core/replay/index/version.ts';
import { Redactions } from '#core/replay/redact/redactions.ts';
import { dataFiles } from '../setup/settings.ts';
import type { Running } from '../supervisor/running.ts';
import { LocalIndexer } from './indexing.ts';
import { closing, every, now, trouble } from './keeping.ts';
import { LocalSearching } from './searching.ts';

const LOOK_EVERY_MS = 250;

export interface ReplayParts {
  readonly dataDir: string;
  readonly catalog: SessionCatalog;
  readonly policy: PolicyInForce;
  readonly say: (line: string) => void;
}

/**
 * Indexes of steps, and the search. One look at what was sealed makes both: the search asks for a session's index, and is made of it.
 * What has an older index, or none and is found already, follows behind.
 */
export async function keepReplay({ dataDir, catalog, policy, say }: ReplayParts, running: Running) {
  const files = dataFiles(dataDir);
  const [store, signer] = [directoryStore(files.store), fileSigner(dataDir)];
  const unindexed = await closing(running, openUnindexedSessions(files.index, INDEX_VERSION));
  const indexer = new LocalIndexer({ store, signer, now, say, unindexed });
  const search = await closing(running, await openSearch(files.search));
  const searching = new LocalSearching({
    ...{ search, catalog, indexes: indexer, source: store, signer: () => signer.publicKey() },
    ...{ policy: () => policy.config, redactions: new Redactions(), now, say },
  });
  await running.add(() => {
    indexer.stop();
    return searching.stop();
  });
  const look = () => Promise.all([searching.addAll(), indexer.indexAll()]).then(() => undefined);
  await every(running, LOOK_EVERY_MS, look, trouble('indexes and the search are behind', say));
  return {
    indexes: indexer,
    search: { search, pending: (limit: number) => searching.pending(limit) },
  };
}
