import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CustodyError } from '#core/errors.ts';

/** Whom a child process runs as; empty for ourselves. */
export interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * PostgreSQL refuses to run as root: as root it gets the user `postgres`, or `nobody`. Throws `config-invalid` when
 * that user cannot reach its folder or its programs.
 */
export function ownerForPostgres(folder: string, bin: string): Owner {
  if (process.getuid?.() !== 0) return {};
  const owner = findUser('postgres') ?? findUser('nobody');
  if (owner === undefined) {
    throw new CustodyError(
      'config-invalid',
      'PostgreSQL does not run as root, and there is no other user here',
      { hint: 'start as an ordinary user' },
    );
  }
  refuseUnreachable(dirname(folder), owner, 'choose a data folder elsewhere with --data-dir');
  refuseUnreachable(bin, owner, 'move the checkout elsewhere');
  return owner;
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

function findUser(name: string): User | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

function refuseUnreachable(path: string, user: User, otherwise: string): void {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    if (mayPass(statSync(at), user)) continue;
    throw new CustodyError(
      'config-invalid',
      `PostgreSQL does not run as root, and the user it runs as here cannot enter ${at}`,
      { hint: `run: chmod o+x ${at}; or ${otherwise}; or start as an ordinary user` },
    );
  }
}

/** The search permission of a folder, for its owner, its group or others. */
function mayPass(folder: { readonly mode: number; readonly uid: number; readonly gid: number }, user: User) {
  if (folder.uid === user.uid) return (folder.mode & 0o100) !== 0;
  if (folder.gid === user.gid) return (folder.mode & 0o010) !== 0;
  return (folder.mode & 0o001) !== 0;
}
