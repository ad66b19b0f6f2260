/** Whether this machine can have the demo's SSH server, and as whom one logs in there. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Owner } from '../database/owner.ts';

/** Nobody has sshd on the path, and it starts by its whole name alone: it runs itself again for each connection. */
const PLACES = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/opt/homebrew/sbin/sshd', '/usr/bin/sshd'];
/** What custody.yaml takes as the name of a login. */
const LOGIN = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;

export interface DemoLogin {
  readonly sshd: string;
  /** The one login there is: an sshd that is not root's lets in nobody but its own user. */
  readonly user: string;
  readonly owner: Owner;
}

interface Account {
  readonly name: string;
  readonly shell: string;
}

/** Why there is none, in words that complete "web-1, the demo SSH server, is left out: …", or what it needs. */
export function demoLogin(owner: Owner): DemoLogin | { readonly leftOut: string } {
  const sshd = PLACES.find((place) => existsSync(place));
  if (sshd === undefined) return { leftOut: 'sshd is not installed here' };
  if (!hasKeygen()) return { leftOut: 'ssh-keygen is not installed here' };
  const account = owner.uid === undefined ? ourselves() : accountOf(owner.uid);
  if (account === undefined) return { leftOut: `user ${owner.uid} has no name here` };
  if (!LOGIN.test(account.name)) return { leftOut: `the user name ${account.name} is not one that it takes` };
  if (!isUsable(account.shell)) return { leftOut: `the user ${account.name} has no shell here` };
  return { sshd, user: account.name, owner };
}

function ourselves(): Account {
  const { username, shell } = userInfo();
  return { name: username, shell: shell ?? '' };
}

function accountOf(uid: number): Account | undefined {
  const fields = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = fields.find(([, , id]) => id === String(uid));
  return found === undefined ? undefined : { name: found[0]!, shell: found[6] ?? '' };
}

function isUsable(shell: string): boolean {
  return existsSync(shell) && !/(?:nologin|false|true|sync)$/.test(shell);
}

/** It has no option that does nothing: without a terminal it ends with its usage. */
function hasKeygen(): boolean {
  try {
    execFileSync('ssh-keygen', ['-?'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}
