import { readdir } from 'node:fs/promises';
import { CustodyError } from '#core/errors.ts';

/** Rejects with `already-exists` unless the folder is empty, or there is none. */
export async function refuseFilled(out: string): Promise<void> {
  const names = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new CustodyError('already-exists', `${out} is not a folder that can be read`, { cause: error });
  });
  if (names.length === 0) return;
  throw new CustodyError('already-exists', `${out} is not empty`, {
    hint: 'evidence is never mixed with other files: give a new folder',
  });
}
