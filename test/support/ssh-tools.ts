import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where sshd is on the machines that tests run on: it is on nobody's path, and starts only by its whole name. */
export const SSHD = '/usr/sbin/sshd';

/** Whether OpenSSH's server and clients are on this machine; where clients are required they have to be. */
export function hasOpenSsh(): boolean {
  return required('OpenSSH (Debian: openssh-server, openssh-client)', () => {
    if (!existsSync(SSHD)) throw new Error(`${SSHD} is not there`);
    execFileSync('ssh', ['-V'], { stdio: 'ignore' });
  });
}

/** Whether what `.ci/ssh-tools` installs is on this machine. */
export function hasSshTools(): boolean {
  return required('paramiko, asyncssh and ssh-audit (.ci/ssh-tools; CUSTODY_SSH_TOOLS)', () => {
    execFileSync(sshTool('ssh-audit'), ['--help'], { stdio: 'ignore' });
  });
}

/** A command of `.ci/ssh-tools`: `ssh-audit`, or `python` with paramiko and asyncssh. */
export function sshTool(name: 'python' | 'ssh-audit'): string {
  const folder = process.env['CUSTODY_SSH_TOOLS'];
  return folder === undefined ? name : join(folder, name);
}

function required(what: string, look: () => void): boolean {
  try {
    look();
    return true;
  } catch (error) {
    if (process.env['CUSTODY_REQUIRE_CLIENTS']) throw error;
    process.stderr.write(`LEFT OUT: tests that need ${what}\n`);
    return false;
  }
}
