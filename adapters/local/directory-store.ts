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
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { inBatches } from '#core/in-batches.ts';
import type { RecordingSink, RecordingSource } from '#core/recording/ports.ts';
import { listFolder, plainFileSize, readPlainFile } from './plain-files.ts';

const KEY = /^(?:[a-z0-9][a-z0-9._-]*\/)*[a-z0-9][a-z0-9._-]*$/;
const STAGING = '.staging';
const SMALL_BYTES = 64 << 10;
const AT_ONCE = 32;
/** Longer than any object that Custody makes. */
const OBJECT_MAX_BYTES = 256 << 20;

/**
 * Evidence in a folder. An object is written and synced under a staging name, then linked to its own: link(2) fails
 * when the name is taken, so an object appears whole, once, read-only, and its folder is synced before `put` returns.
 * What it cannot promise: whoever owns the folder can delete it. That takes Object Lock.
 */
export function directoryStore(root: string): RecordingSink & RecordingSource {
  return {
    put: async (key, bytes) => putOnce(root, checkKey(key), bytes),
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

/** Drafts are no objects. */
async function listNames(root: string, prefix: string): Promise<readonly string[]> {
  const folder = prefix === '' ? root : join(root, checkKey(prefix.replace(/\/$/, '')));
  const names = (await readObject(prefix, listFolder(folder))) ?? [];
  return (prefix === '' ? names.filter((name) => name !== STAGING) : names).sort();
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

/** Keys come from layout.ts; anything that could leave the root is a defect or an attack. */
function checkKey(key: string): string {
  if (!KEY.test(key) || key.includes('..'))
    throw new CustodyError('internal', 'bad object key', { detail: key });
  return key;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
