import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { dataFiles } from '../setup/settings.ts';
import type { Running } from '../supervisor/running.ts';
import { every, now, trouble } from './keeping.ts';
import { localSettler, settleNews } from './settling.ts';

const SETTLE_EVERY_MS = 250;

type Settling = Pick<Parameters<typeof localSettler>[0], 'runs' | 'desk' | 'texts'>;

/** Derives what tasks came to, as their sessions are sealed. */
export async function keepSettling(
  { dataDir, say, ...parts }: Settling & { readonly dataDir: string; readonly say: (line: string) => void },
  running: Running,
) {
  const store = directoryStore(dataFiles(dataDir).store);
  const settler = localSettler({ ...parts, now, store, signer: fileSigner(dataDir) });
  const sayUnsettled = settleNews(say);
  const settleAll = async (): Promise<void> => sayUnsettled((await settler.settleAll()).failures);
  await every(running, SETTLE_EVERY_MS, settleAll, trouble('results cannot be derived', say));
  return settler;
}
