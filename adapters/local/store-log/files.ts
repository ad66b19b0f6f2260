/** Where the logs of a store lie, and what is read of them. */
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { listFolder, readPlainFile } from '../plain-files.ts';
import { decodeRecords, type LogRecord } from './record.ts';

/** Beside the objects, and no object: no key begins with a dot. */
export const LOG_FOLDER = '.log';
const SUFFIX = '.puts';
/** Of one file, with what may stand in it behind its end; and of all that are read together. */
const FILE_MAX_BYTES = 64 << 20;
const READ_MAX_BYTES = 1 << 30;

export function logFile(root: string, task: string, number: number): string {
  return join(root, LOG_FOLDER, `${task}-${String(number).padStart(8, '0')}${SUFFIX}`);
}

export interface ReadLog {
  readonly path: string;
  readonly records: readonly LogRecord[];
}

/**
 * What the logs in a store hold, or those of one task; the files of each task in their order. Rejects with `state-damaged` where
 * something else is in their place, and with `format-invalid` where it is more than a gateway leaves.
 */
export async function* readLogs(root: string, task = ''): AsyncGenerator<ReadLog, void, undefined> {
  const folder = join(root, LOG_FOLDER);
  const names = (await listFolder(folder)) ?? [];
  let left = READ_MAX_BYTES;
  for (const name of names.filter((one) => one.startsWith(task) && one.endsWith(SUFFIX)).sort()) {
    const path = join(folder, name);
    const bytes = await readOne(path, Math.min(left, FILE_MAX_BYTES));
    left -= bytes.byteLength;
    yield {
      path,
      records: [...decodeRecords(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))],
    };
  }
}

/** A gateway that lives may be done with it meanwhile: then there is nothing in it. */
async function readOne(path: string, atMost: number): Promise<Uint8Array> {
  try {
    return await readPlainFile(path, atMost);
  } catch (cause) {
    if (!(cause instanceof CustodyError)) throw cause;
    if (cause.code === 'not-found') return new Uint8Array();
    throw new CustodyError(cause.code, `${path} ${cause.message}`, { cause });
  }
}

/** Its records are in their places, durably. */
export async function dropLog(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** The objects that records name and nobody withdrew. The first of a name counts: nothing is put twice. */
export function loggedObjects(records: Iterable<LogRecord>): Map<string, Uint8Array> {
  const objects = new Map<string, Uint8Array>();
  for (const { kind, name, bytes } of records) {
    if (kind === 'object' && !objects.has(name)) objects.set(name, bytes);
    if (kind === 'withdrawn') objects.delete(name);
  }
  return objects;
}
