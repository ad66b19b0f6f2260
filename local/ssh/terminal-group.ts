/**
 * sshd wants its terminals to be of the group `tty`, and ends the connection where it cannot give them to it. Most machines mount
 * /dev/pts so that each terminal is from the start (pts(4), `gid=`); some containers do not, and there it has to be in that group.
 */
import { existsSync } from 'node:fs';
import type { Owner } from '../database/owner.ts';
import { readIfThere } from '../supervisor/processes.ts';

const SETPRIV = '/usr/bin/setpriv';

export interface Machine {
  /** Whose lines are those of proc_mounts(5). */
  readonly mounts: string;
  /** Whose lines are those of group(5). */
  readonly groups: string;
  readonly hasSetpriv: boolean;
}

/** How `command` is started as `owner`; only root can, and need, give it a group more. */
export function withTerminals(
  command: readonly [string, ...string[]],
  owner: Owner,
  machine = thisMachine(),
): { readonly command: readonly [string, ...string[]]; readonly owner: Owner } {
  const { uid, gid } = owner;
  const tty = ttyGroup(machine);
  if (uid === undefined || gid === undefined || tty === undefined) return { command, owner };
  const as = [`--reuid=${uid}`, `--regid=${gid}`, `--groups=${tty}`];
  return { command: [SETPRIV, ...as, '--', ...command], owner: {} };
}

function ttyGroup({ mounts, groups, hasSetpriv }: Machine): string | undefined {
  const terminals = mounts.split('\n').findLast((line) => line.split(' ')[1] === '/dev/pts');
  if (terminals === undefined || /[ ,]gid=/.test(terminals) || !hasSetpriv) return undefined;
  return /^tty:[^:]*:(\d+):/m.exec(groups)?.[1];
}

function thisMachine(): Machine {
  return {
    mounts: readIfThere('/proc/self/mounts'),
    groups: readIfThere('/etc/group'),
    hasSetpriv: existsSync(SETPRIV),
  };
}
