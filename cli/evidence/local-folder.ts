import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import type { EvidenceFolder } from '#core/recording/verify/verify.ts';

/** Evidence in a folder on this machine. Rejects with `not-found` when it is not one. */
export function localFolder(folder: string): EvidenceFolder {
  return {
    list: async () => {
      try {
        return await readdir(folder);
      } catch (cause) {
        throw notAFolder(folder, cause);
      }
    },
    get: (name, atMost) => readBounded(join(folder, name), name, atMost),
  };
}

/** Only plain files: a pipe or a device would keep the reader waiting, or give bytes without end. */
async function readBounded(path: string, name: string, atMost: number): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new CustodyError('not-found', `${name} cannot be opened`, { cause });
  });
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new CustodyError('not-found', `${name} is not a plain file`);
    if (status.size > atMost) throw new CustodyError('format-invalid', `${name} has ${status.size} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function notAFolder(folder: string, cause: unknown): CustodyError {
  return new CustodyError('not-found', `${folder} is not a folder that can be read`, {
    hint: 'give an evidence folder, or a session id from custody sessions',
    cause,
  });
}
