import { join } from 'node:path';
import { listFolder, readPlainFile } from '#adapters/local/plain-files.ts';
import { CustodyError } from '#core/errors.ts';
import type { EvidenceFolder } from '#core/recording/verify/verify.ts';

/** Evidence in a folder on this machine. Rejects with `not-found` when it is not one. */
export function localFolder(folder: string): EvidenceFolder {
  return {
    list: async () => {
      // A slash: the folder itself may be given by a link to it.
      const names = await listFolder(`${folder}/`).catch((cause: unknown) => {
        throw notAFolder(folder, cause);
      });
      if (names === undefined) throw notAFolder(folder, undefined);
      return names;
    },
    get: (name, atMost) => readPlainFile(join(folder, name), atMost),
  };
}

function notAFolder(folder: string, cause: unknown): CustodyError {
  return new CustodyError('not-found', `${folder} is not a folder that can be read`, {
    hint: 'give an evidence folder, or a session id from custody sessions',
    cause,
  });
}
