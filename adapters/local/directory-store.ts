import { randomUUID } from 'node:crypto';
import { constants, type PathLike } from 'node:fs';
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import type { RecordingSink, RecordingSource } from '#core/recording/ports.ts';

const KEY = /^(?:[a-z0-9][a-z0-9._-]*\/)*[a-z0-9][a-z0-9._-]*$/;
const STAGING = '.staging';

/**
 * Evidence in a folder. An object is written and synced under a staging name, then linked to its own: link(2) fails
 * when the name is taken, so an object appears whole, once, read-only, and its folder is synced before `put` returns.
 * What it cannot promise: whoever owns the folder can delete it. That takes Object Lock.
 */
export function directoryStore(root: string): RecordingSink & RecordingSource {
  return {
    put: async (key, bytes) => putOnce(root, checkKey(key), bytes),
    list: async (prefix) => listNames(root, prefix),
    get: async (key) => readObject(key, () => readFile(join(root, checkKey(key)))),
    size: async (key) => readObject(key, async () => (await stat(join(root, checkKey(key)))).size),
  };
}

async function putOnce(root: string, key: string, bytes: Uint8Array): Promise<void> {
  const path = join(root, key);
  const staged = join(root, STAGING, randomUUID());
  await makeFolders(root, dirname(path));
  await writeDurably(staged, bytes);
  try {
    await link(staged, path);
  } catch (error) {
    throw isCode(error, 'EEXIST')
      ? new CustodyError('already-exists', 'the object exists already', { detail: key, cause: error })
      : error;
  } finally {
    await unlink(staged).catch(() => undefined);
  }
  await syncFolder(dirname(path));
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o444).catch(
    async (error: unknown) => {
      if (!isCode(error, 'ENOENT')) throw error;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      return open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o444);
    },
  );
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Creates missing folders and syncs the parent of each, so that a new folder survives a crash as its files do. */
async function makeFolders(root: string, folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let at = folder; at.length >= root.length; at = dirname(at)) {
    await syncFolder(dirname(at));
    if (at === first) return;
  }
}

async function syncFolder(path: PathLike): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function listNames(root: string, prefix: string): Promise<readonly string[]> {
  try {
    const names = await readdir(join(root, checkKey(prefix.replace(/\/$/, ''))));
    return names.sort();
  } catch (error) {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function readObject<T>(key: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
    throw new CustodyError('not-found', 'no such object', { detail: key, cause: error });
  }
}

/** Keys come from layout.ts; anything that could leave the root is a defect or an attack. */
function checkKey(key: string): string {
  if (!KEY.test(key) || key.includes('..'))
    throw new CustodyError('internal', 'bad object key', { detail: key });
  return key;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
