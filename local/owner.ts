import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CustodyError } from '#core/errors.ts';

/** Whom a child process runs as; empty for ourselves. */
export interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * PostgreSQL refuses to run as root: as root it gets the user `postgres`, or `nobody`. Throws `config-invalid` when
 * that user cannot reach the folder.
 */
export function ownerForPostgres(folder: string): Owner {
  if (process.getuid?.() !== 0) return {};
  const owner = findUser('postgres') ?? findUser('nobody');
  if (owner === undefined) {
    throw new CustodyError(
      'config-invalid',
      'PostgreSQL does not run as root, and there is no other user here',
      {
        hint: 'start as an ordinary user',
      },
    );
  }
  refuseUnreachable(folder, owner.uid);
  return owner;
}

function findUser(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

function refuseUnreachable(folder: string, uid: number): void {
  for (let at = dirname(folder); at !== dirname(at); at = dirname(at)) {
    accessSync(at, constants.R_OK);
    const { mode, uid: owner } = statSync(at);
    if ((mode & 0o001) !== 0 || owner === uid) continue;
    throw new CustodyError(
      'config-invalid',
      `PostgreSQL does not run as root, and its user cannot enter ${at}`,
      {
        hint: 'choose a data folder that others may pass through, for example --data-dir /var/tmp/custody, or start as an ordinary user',
      },
    );
  }
}
