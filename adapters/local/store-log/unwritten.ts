import { basename, dirname, join, resolve } from 'node:path';
import { asCustodyError } from '#core/errors.ts';
import { inBatches } from '#core/in-batches.ts';
import { checkKey } from '../object-key.ts';
import { readPlainFile } from '../plain-files.ts';
import { loggedObjects, readLogs } from './files.ts';

const AT_ONCE = 32;
/** What a disk has written of a file, or has not, is cut at multiples of this. */
const SECTOR = 512;

/**
 * What stands under the name of a logged object: the object; nothing; what a loss of power leaves of a file that was not synced
 * (its beginning, or zeros in the place of some of it); or something else, which Custody has not put there.
 */
export type Found = 'whole' | 'missing' | 'torn' | 'other';

export async function findObject(root: string, key: string, bytes: Uint8Array): Promise<Found> {
  const read = readPlainFile(join(root, key), bytes.byteLength);
  return read.then(
    (found) => compare(found, bytes),
    (error: unknown) => {
      const { code } = asCustodyError(error);
      if (code === 'not-found') return 'missing';
      if (code === 'store-unavailable') throw error;
      return 'other';
    },
  );
}

/** What the logs of a store hold that is not whole in its place, for readers where nobody has put it there yet. */
export async function unwrittenObjects(root: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const unwritten = new Map<string, Uint8Array>();
  for await (const { records } of readLogs(root)) {
    await inBatches([...loggedObjects(records)], AT_ONCE, async ([key, bytes]) => {
      const found = await findObject(root, checkKey(key), bytes);
      if (found === 'missing' || found === 'torn') unwritten.set(key, Uint8Array.from(bytes));
    });
  }
  return unwritten;
}

function compare(found: Uint8Array, bytes: Uint8Array): Found {
  if (Buffer.compare(found, bytes) === 0) return 'whole';
  for (let at = 0; at < found.byteLength; at += SECTOR) {
    const there = found.subarray(at, at + SECTOR);
    const isOurs = Buffer.compare(there, bytes.subarray(at, at + there.byteLength)) === 0;
    if (!isOurs && there.some((byte) => byte !== 0)) return 'other';
  }
  return 'torn';
}

/** The same of one session's folder in a store, by name. Nothing for a folder that is elsewhere. */
export async function unwrittenIn(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const path = resolve(folder);
  const [root, prefix] = [dirname(dirname(path)), `${basename(dirname(path))}/${basename(path)}/`];
  if (!prefix.startsWith('sessions/')) return new Map();
  const unwritten = await unwrittenObjects(root);
  const own = [...unwritten].filter(([key]) => key.startsWith(prefix));
  return new Map(own.map(([key, bytes]) => [key.slice(prefix.length), bytes]));
}
