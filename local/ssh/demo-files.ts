/** What the demo's SSH server is made of: its host key, the key that the gateway logs in with, and sshd's configuration. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import type { Owner } from '../database/owner.ts';

export interface DemoSshFiles {
  /** The server's own, which its user owns. */
  readonly folder: string;
  /** The private key that the gateway logs in with; the server never sees it. */
  readonly keyFile: string;
}

const HOST_KEY = 'host_ed25519';
const AUTHORIZED = 'authorized_keys';

/**
 * Makes both keys at the first start, and gives the server what is its own. Returns the host key as custody.yaml names it. Throws
 * `state-damaged` when one of them is gone.
 */
export function prepareDemoSsh({ folder, keyFile }: DemoSshFiles, owner: Owner): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(keyFile), { recursive: true, mode: 0o700 });
  const hostKey = join(folder, HOST_KEY);
  if (!existsSync(keyFile)) makeKey(keyFile, 'custody');
  if (!existsSync(hostKey)) makeKey(hostKey, 'web-1');
  writeFileSync(join(folder, AUTHORIZED), publicLine(keyFile), { mode: 0o600 });
  give(owner, folder, hostKey, `${hostKey}.pub`, join(folder, AUTHORIZED));
  return publicLine(hostKey).trim().split(' ').slice(0, 2).join(' ');
}

export function sshdConfig(folder: string): string {
  return join(folder, 'sshd_config');
}

/** Written anew at each start, as the port may be another. Its user alone may log in, with the gateway's key alone. */
export function writeSshdConfig(folder: string, port: number, user: string, owner: Owner): string {
  const file = sshdConfig(folder);
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${quoted(join(folder, HOST_KEY))}`,
    `AuthorizedKeysFile ${quoted(join(folder, AUTHORIZED))}`,
    'PidFile none',
    `AllowUsers ${user}`,
    'AuthenticationMethods publickey',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    // It would look at every folder above, and a temporary one is everybody's. This folder is its user's alone.
    'StrictModes no',
    'UseDNS no',
    'PrintMotd no',
    'PrintLastLog no',
    'MaxStartups 100',
    'MaxSessions 100',
    'Subsystem sftp internal-sftp',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  give(owner, file);
  return file;
}

/** Both halves are there, or neither: the private one gets its name last. */
function makeKey(file: string, comment: string): void {
  const draft = `${file}.new`;
  for (const left of [draft, `${draft}.pub`]) rmSync(left, { force: true });
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', draft], {
    stdio: 'pipe',
  });
  chmodSync(draft, 0o600);
  renameSync(`${draft}.pub`, `${file}.pub`);
  renameSync(draft, file);
}

function publicLine(file: string): string {
  try {
    return readFileSync(`${file}.pub`, 'utf8');
  } catch (cause) {
    throw new CustodyError('state-damaged', `${file}.pub, of the demo SSH server, cannot be read`, {
      hint: `restore it: ssh-keygen -y -f ${file} > ${file}.pub`,
      cause,
    });
  }
}

function quoted(path: string): string {
  return `"${path}"`;
}

function give({ uid, gid }: Owner, ...paths: readonly string[]): void {
  for (const path of paths) if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}
