/** Objects in their places: a name appears whole, once, read-only. Durable is another matter. */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CustodyError } from '#core/errors.ts';

export const STAGING = '.staging';

/** Puts an object under its name, which link(2) finds free or taken. Throws `already-exists`. Flushes nothing. */
export function placeObject(root: string, key: string, bytes: Uint8Array): void {
  const staged = stage(root, bytes);
  try {
    linkStaged(staged, root, key);
  } finally {
    rmSync(staged, { force: true });
  }
}

/** Puts an object in the place of one that is torn. */
export function replaceTorn(root: string, key: string, bytes: Uint8Array): void {
  renameSync(stage(root, bytes), join(root, key));
}

/** Links a file of the staging folder to its name. Throws `already-exists`. */
export function linkStaged(staged: string, root: string, key: string): void {
  const path = join(root, key);
  try {
    linkInto(staged, path);
  } catch (error) {
    throw isCode(error, 'EEXIST') ? taken(key, error) : error;
  }
}

/** The name of a file to be written, and the file. `how`: further flags of open(2). */
export function openStaged(root: string, how = 0): { readonly staged: string; readonly file: number } {
  const staged = join(root, STAGING, randomUUID());
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | how;
  try {
    return { staged, file: openSync(staged, flags, 0o444) };
  } catch (error) {
    // Linux makes the file before it refuses a flag.
    if (isCode(error, 'EINVAL')) rmSync(staged, { force: true });
    if (!isCode(error, 'ENOENT')) throw error;
    mkdirSync(dirname(staged), { recursive: true, mode: 0o700 });
    return { staged, file: openSync(staged, flags, 0o444) };
  }
}

export function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.byteLength; ) written += writeSync(file, bytes, written);
}

export function taken(key: string, cause?: unknown): CustodyError {
  return new CustodyError('already-exists', 'the object exists already', { detail: key, cause });
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function stage(root: string, bytes: Uint8Array): string {
  const { staged, file } = openStaged(root);
  try {
    writeAll(file, bytes);
    return staged;
  } catch (error) {
    rmSync(staged, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Looked for first: the error of a link(2) that finds no folder costs more than all of the rest. */
function linkInto(staged: string, path: string): void {
  const folder = dirname(path);
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  linkSync(staged, path);
}
