/** Files that anybody may have put there: only plain ones are read, and never more of them than was asked for. */
import { isUtf8 } from 'node:buffer';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, opendir } from 'node:fs/promises';
import { CustodyError } from '#core/errors.ts';

/** Names of one folder that are looked at. */
const NAMES_MAX = 5_000_000;
const NAMES_AT_ONCE = 4096;
const CHUNK_BYTES = 1 << 20;

/**
 * A whole file, which must be a plain one: a pipe or a device would keep the reader waiting or never end, and a link leads
 * elsewhere. Rejects with `not-found`; with `format-invalid` when it has more than `atMost` bytes; and with
 * `state-damaged` when it is something else or cannot be read, and with `store-unavailable` when that is not the file's fault.
 * Messages complete "open.json …".
 */
export async function readPlainFile(path: string, atMost: number): Promise<Uint8Array> {
  await plainStatus(path);
  const file = await openPlain(path);
  try {
    const { size } = await file.stat();
    if (size > atMost) throw tooLong(size, atMost);
    return await readBounded(file, size, atMost);
  } catch (error) {
    throw error instanceof CustodyError ? error : unreadable(error);
  } finally {
    await file.close();
  }
}

/** The size of a plain file. Rejects as `readPlainFile`. */
export async function plainFileSize(path: string): Promise<number> {
  return (await plainStatus(path)).size;
}

/**
 * The names in a folder, in any order; undefined when nothing is there. A name that is no UTF-8 comes with its bytes as
 * escapes, so that it is no other file's name. Rejects with `state-damaged` when it is no folder or cannot be read.
 */
export async function listFolder(path: string): Promise<string[] | undefined> {
  const status = await statusOf(path);
  if (status === undefined) return undefined;
  if (!status.isDirectory()) throw new CustodyError('state-damaged', `is ${kindOf(status)}, not a folder`);
  const names: string[] = [];
  try {
    // node's types know no other encoding than that of text.
    const folder = await opendir(path, { encoding: 'buffer' as BufferEncoding, bufferSize: NAMES_AT_ONCE });
    for await (const { name } of folder) {
      if (names.length === NAMES_MAX) return [...names, `(names beyond the first ${NAMES_MAX})`];
      names.push(textOf(name));
    }
  } catch (cause) {
    throw unreadable(cause);
  }
  return names;
}

async function plainStatus(path: string): Promise<Stats> {
  const status = await statusOf(path);
  if (status === undefined) throw new CustodyError('not-found', 'is not there', { detail: path });
  if (status.isFile()) return status;
  throw new CustodyError('state-damaged', `is ${kindOf(status)}, not a plain file`, { detail: path });
}

/** Undefined when nothing is there. */
async function statusOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unreadable(error);
  });
}

/** It may have become something else since it was looked at: it is asked once more behind the open, which never waits. */
async function openPlain(path: string): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  const file = await open(path, flags).catch((error: unknown) => {
    throw unreadable(error);
  });
  const status = await file.stat();
  if (status.isFile()) return file;
  await file.close();
  throw new CustodyError('state-damaged', `is ${kindOf(status)}, not a plain file`, { detail: path });
}

/** A file that grows while it is read has no end. */
async function readBounded(file: FileHandle, size: number, atMost: number): Promise<Uint8Array> {
  let bytes = Buffer.allocUnsafe(size + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, length, bytes.byteLength - length, null);
    if (bytesRead === 0) return bytes.subarray(0, length);
    length += bytesRead;
    if (length > atMost) throw tooLong(length, atMost);
    if (length === bytes.byteLength) bytes = Buffer.concat([bytes, Buffer.allocUnsafe(CHUNK_BYTES)]);
  }
}

function textOf(name: string | Uint8Array): string {
  if (typeof name === 'string') return name;
  if (isUtf8(name)) return Buffer.from(name).toString();
  const latin1 = Buffer.from(name).toString('latin1');
  return latin1.replace(/[^\x20-\x7e]/g, (unit) => `\\x${unit.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function kindOf(status: Stats): string {
  if (status.isSymbolicLink()) return 'a symbolic link';
  if (status.isDirectory()) return 'a folder';
  if (status.isFIFO()) return 'a pipe';
  if (status.isSocket()) return 'a socket';
  return status.isFile() ? 'a file' : 'a device';
}

function tooLong(size: number, atMost: number): CustodyError {
  return new CustodyError('format-invalid', `has ${size} bytes, more than ${atMost}`);
}

/** What this process or machine has run out of, or a disk on the network that does not answer: nothing is wrong with the file. */
const NOT_THE_FILES_FAULT = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'ETIMEDOUT', 'ESTALE'];

function unreadable(cause: unknown): CustodyError {
  const code = NOT_THE_FILES_FAULT.includes(codeOf(cause)) ? 'store-unavailable' : 'state-damaged';
  return new CustodyError(code, `cannot be read (${codeOf(cause)})`, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
