import { closeSync, fdatasync, fdatasyncSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { inBatches } from '#core/in-batches.ts';
import type { RecordingSink, RecordingSource } from '#core/recording/ports.ts';
import { DirectWrites, O_DIRECT } from './direct-writes.ts';
import { checkKey } from './object-key.ts';
import { listFolder, plainFileSize, readPlainFile } from './plain-files.ts';
import { LOG_FOLDER } from './store-log/files.ts';
import { foldersOf } from './store-log/make-durable.ts';
import { isCode, linkStaged, openStaged, STAGING, taken, writeAll } from './store-log/place.ts';
import { unwrittenObjects } from './store-log/unwritten.ts';

const SMALL_BYTES = 64 << 10;
const AT_ONCE = 32;
/** Longer than any object that Custody makes. */
const OBJECT_MAX_BYTES = 256 << 20;

type Direct = Pick<DirectWrites, 'write'>;

/**
 * Evidence in a folder. An object is written and synced under a staging name, then linked to its own: link(2) fails
 * when the name is taken, so an object appears whole, once, read-only, and its folders are synced before `put` returns.
 * What it cannot promise: whoever owns the folder can delete it. That takes Object Lock.
 *
 * A gateway's small objects are durable in its log first (store-log/log.ts). Where a machine lost power, and no gateway has started
 * since, some are whole there alone: they are read from there.
 */
export function directoryStore(root: string): RecordingSink & RecordingSource {
  return readingLogs(plainStore(root), root);
}

/** The same for whoever has put in its place what logs held. `direct`: writes large objects. */
export function plainStore(
  root: string,
  direct: Direct = new DirectWrites(),
): RecordingSink & RecordingSource {
  return {
    put: async (key, bytes) => putOnce(root, checkKey(key), bytes, direct),
    list: async (prefix) => listNames(root, prefix),
    sizes: async (prefix) =>
      new Map(
        await inBatches(await listNames(root, prefix), AT_ONCE, async (name) => {
          const size = await plainFileSize(join(root, prefix, name)).catch(() => -1);
          return [name, size] as const;
        }),
      ),
    get: async (key, atMost = OBJECT_MAX_BYTES) =>
      readObject(key, readPlainFile(join(root, checkKey(key)), atMost)),
    size: async (key) => readObject(key, plainFileSize(join(root, checkKey(key)))),
  };
}

/** What logs hold that is not in its place counts as if it were. They are looked at once: a machine loses power under nobody who reads. */
function readingLogs(store: RecordingSink & RecordingSource, root: string): RecordingSink & RecordingSource {
  let looked: Promise<ReadonlyMap<string, Uint8Array>> | undefined;
  const unwritten = (): Promise<ReadonlyMap<string, Uint8Array>> => (looked ??= unwrittenObjects(root));
  return {
    put: async (key, bytes, retention) => {
      if ((await unwritten()).has(key)) throw taken(key);
      return store.put(key, bytes, retention);
    },
    list: async (prefix) => {
      const [there, logged] = [await store.list(prefix), namesUnder(prefix, await unwritten())];
      return logged.size === 0 ? there : [...new Set([...there, ...logged.keys()])].sort();
    },
    sizes: async (prefix) => {
      const [there, logged] = [await store.sizes(prefix), namesUnder(prefix, await unwritten())];
      if (logged.size === 0) return there;
      return new Map([...there, ...logged].sort(([one], [other]) => (one < other ? -1 : 1)));
    },
    get: async (key, atMost = OBJECT_MAX_BYTES) => {
      const logged = (await unwritten()).get(key);
      if (logged === undefined) return store.get(key, atMost);
      if (logged.byteLength <= atMost) return logged;
      throw new CustodyError('format-invalid', `${key} has ${logged.byteLength} bytes, more than ${atMost}`);
    },
    size: async (key) => (await unwritten()).get(key)?.byteLength ?? store.size(key),
  };
}

/** The names directly under a prefix with their sizes, -1 for a folder's. */
function namesUnder(prefix: string, objects: ReadonlyMap<string, Uint8Array>): Map<string, number> {
  const names = new Map<string, number>();
  for (const [key, { byteLength }] of objects) {
    if (!key.startsWith(prefix)) continue;
    const [name = '', ...below] = key.slice(prefix.length).split('/');
    names.set(name, below.length === 0 ? byteLength : -1);
  }
  return names;
}

/** The folders around it may be new, and made by somebody who did not sync them. */
async function putOnce(root: string, key: string, bytes: Uint8Array, direct: Direct): Promise<void> {
  const staged =
    bytes.byteLength > SMALL_BYTES ? await stageLarge(root, bytes, direct) : await stageSmall(root, bytes);
  try {
    linkStaged(staged, root, key);
  } finally {
    rmSync(staged, { force: true });
  }
  for (const folder of foldersOf(root, key)) syncFolder(folder);
}

/** Synchronously: on the recorder's thread a round through the thread pool for each of a dozen calls costs more than the calls. */
function stageSmall(root: string, bytes: Uint8Array): Promise<string> {
  return stage(root, 0, (file) => {
    writeAll(file, bytes);
    fdatasyncSync(file);
  });
}

/** In the thread pool: a large one would hold up the journal. Where the disk takes nothing directly, through the page cache. */
async function stageLarge(root: string, bytes: Uint8Array, direct: Direct): Promise<string> {
  const plainly = (): Promise<string> =>
    stage(root, 0, (file) => {
      writeAll(file, bytes);
      return promisify(fdatasync)(file);
    });
  if (O_DIRECT === undefined) return plainly();
  const directly = stage(root, O_DIRECT, async (file) => {
    await direct.write(file, bytes);
    await promisify(fdatasync)(file);
  });
  return directly.catch((error: unknown) => {
    if (isCode(error, 'EINVAL')) return plainly();
    throw error;
  });
}

/** The name of a new file that has what `write` made durable in it. */
async function stage(
  root: string,
  flags: number,
  write: (file: number) => void | Promise<void>,
): Promise<string> {
  const { staged, file } = openStaged(root, flags);
  try {
    await write(file);
    return staged;
  } catch (error) {
    rmSync(staged, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Drafts and logs are no objects. */
async function listNames(root: string, prefix: string): Promise<readonly string[]> {
  const folder = prefix === '' ? root : join(root, checkKey(prefix.replace(/\/$/, '')));
  const names = (await readObject(prefix, listFolder(folder))) ?? [];
  return (prefix === '' ? names.filter((name) => name !== STAGING && name !== LOG_FOLDER) : names).sort();
}

/** Whoever can write to the folder can put anything there: what is no plain file or folder is told with its name. */
async function readObject<T>(key: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (thrown) {
    const { code, message, detail, cause } = asCustodyError(thrown);
    const what = code === 'not-found' ? 'no such object' : `${key || 'the store'} ${message}`;
    throw new CustodyError(code, what, { detail: detail ?? key, cause });
  }
}
