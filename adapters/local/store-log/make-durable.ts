import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inBatches } from '#core/in-batches.ts';

const AT_ONCE = 8;
/** Beside the store: lists and queues whose commits were not waited for. What SQLite has moved out of these it has synced. */
const BESIDE = ['index.sqlite-wal', 'ledger.sqlite-wal'];

/** When it returns, these objects of a store are durable in their places, and what databases beside it have committed. */
export type MakeDurable = (root: string, keys: ReadonlySet<string>) => Promise<void>;

/**
 * One call for a whole file system where there is one (syncfs(2), which node has not, by `sync -f` of GNU coreutils and BusyBox;
 * since Linux 5.8 it tells of what could not be written, too); else one for each file and folder.
 */
export const makeDurable: MakeDurable = async (root, keys) => {
  if (process.platform === 'linux' && (await syncFileSystems([root, dirname(root)]))) return;
  await syncEach(root, keys);
};

/** False where there is no such program, or it failed. */
function syncFileSystems(paths: readonly string[]): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn('sync', ['-f', ...paths], { stdio: 'ignore' });
    child.once('error', () => done(false)).once('exit', (code) => done(code === 0));
  });
}

/** Exported for tests, and for whoever has no `sync -f`. */
export async function syncEach(root: string, keys: ReadonlySet<string>): Promise<void> {
  const folders = new Set([...keys].flatMap((key) => foldersOf(root, key)));
  await inBatches([...keys], AT_ONCE, (key) => syncOne(join(root, key)));
  await inBatches([...folders], AT_ONCE, syncOne);
  await inBatches(BESIDE, AT_ONCE, (name) => syncOne(join(dirname(root), name)));
}

/** The folder of a key and those around it, up to the store's. */
export function foldersOf(root: string, key: string): string[] {
  const folders: string[] = [];
  for (let at = dirname(key); at !== '.'; at = dirname(at)) folders.push(join(root, at));
  return [...folders, root];
}

/** What somebody has removed meanwhile need not be durable. */
async function syncOne(path: string): Promise<void> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  try {
    await file?.sync();
  } finally {
    await file?.close();
  }
}
