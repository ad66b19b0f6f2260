import { join } from 'node:path';
import { listFolder, readPlainFile } from '#adapters/local/plain-files.ts';
import { unwrittenIn } from '#adapters/local/store-log/unwritten.ts';
import { CustodyError } from '#core/errors.ts';
import type { EvidenceFolder } from '#core/recording/verify/verify.ts';

/**
 * Evidence in a folder on this machine, and what the log of the gateway that keeps it there has of it alone, where the machine lost
 * power. Rejects with `not-found` when it is not one.
 */
export function localFolder(folder: string): EvidenceFolder {
  let looked: Promise<ReadonlyMap<string, Uint8Array>> | undefined;
  const unwritten = (): Promise<ReadonlyMap<string, Uint8Array>> => (looked ??= unwrittenIn(folder));
  return {
    list: async () => {
      // A slash: the folder itself may be given by a link to it.
      const names = await listFolder(`${folder}/`).catch((cause: unknown) => {
        throw notAFolder(folder, cause);
      });
      const logged = await unwritten();
      if (names === undefined && logged.size === 0) throw notAFolder(folder, undefined);
      return [...new Set([...(names ?? []), ...logged.keys()])];
    },
    get: async (name, atMost) => {
      const logged = (await unwritten()).get(name);
      return logged !== undefined && logged.byteLength <= atMost
        ? logged
        : readPlainFile(join(folder, name), atMost);
    },
  };
}

function notAFolder(folder: string, cause: unknown): CustodyError {
  return new CustodyError('not-found', `${folder} is not a folder that can be read`, {
    hint: 'give an evidence folder, or a session id from custody sessions',
    cause,
  });
}
