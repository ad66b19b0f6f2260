import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  writeSync as writeSome,
} from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CustodyError } from '#core/errors.ts';
import type { RecordingSink, RecordingSource } from '#core/recording/ports.ts';

const KEY = /^(?:[a-z0-9][a-z0-9._-]*\/)*[a-z0-9][a-z0-9._-]*$/;
const STAGING = '.staging';
const SMALL_BYTES = 64 << 10;

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
  makeFolders(root, dirname(path));
  await writeDurably(staged, bytes);
  try {
    linkSync(staged, path);
  } catch (error) {
    throw isCode(error, 'EEXIST')
      ? new CustodyError('already-exists', 'the object exists already', { detail: key, cause: error })
      : error;
  } finally {
    rmSync(staged, { force: true });
  }
  syncFolder(dirname(path));
}

/**
 * Small objects are written synchronously: on the recorder's thread a round through the thread pool for each of a
 * dozen calls costs more than the calls. A large one would hold up the journal.
 */
async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = openNew(path);
  try {
    writeSync(file, bytes);
    if (bytes.byteLength > SMALL_BYTES) await promisify(fdatasync)(file);
    else fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}

function openNew(path: string): number {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
  try {
    return openSync(path, flags, 0o444);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, flags, 0o444);
  }
}

function writeSync(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.byteLength; ) {
    written += writeSome(file, bytes, written);
  }
}

/** Creates missing folders and syncs the parent of each, so that a new folder survives a crash as its files do. */
function makeFolders(root: string, folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let at = folder; at.length >= root.length; at = dirname(at)) {
    syncFolder(dirname(at));
    if (at === first) return;
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
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
