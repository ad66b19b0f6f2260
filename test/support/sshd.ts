import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { eventually } from './clients.ts';
import { SSHD } from './ssh-tools.ts';

/** OpenSSH's server on a free port, with keys of its own. Its one login is the user that runs the tests. */
export interface Sshd {
  readonly port: number;
  readonly login: string;
  /** Its public host key, as a line. */
  readonly hostKey: string;
  /** The private key that its login takes. */
  readonly keyFile: string;
  /** What it logged, at the level of its configuration. */
  readonly log: () => string;
  stop(): Promise<void>;
}

export interface SshdOptions {
  /** More lines of sshd_config; what stands here first counts. */
  readonly lines?: readonly string[];
  readonly host?: string;
  readonly hostKeyType?: string;
  /** The key file of a CA, which certifies its host key for these names. */
  readonly certified?: { readonly ca: string; readonly names: string };
}

export async function startSshd(
  folder: string,
  { lines = [], host = '127.0.0.1', hostKeyType = 'ed25519', certified }: SshdOptions = {},
): Promise<Sshd> {
  mkdirSync(folder, { recursive: true });
  // Where sshd gives its privileges up; the package makes it at boot.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const [hostKey, keyFile] = [join(folder, 'host'), join(folder, 'login')];
  makeSshKey(hostKey, hostKeyType);
  makeSshKey(keyFile);
  if (certified !== undefined) certifyHost(hostKey, certified);
  writeFileSync(join(folder, 'authorized'), readFileSync(`${keyFile}.pub`));
  const port = await freePort(host);
  const config = [
    ...lines,
    `Port ${port}`,
    `ListenAddress ${host}`,
    `HostKey ${hostKey}`,
    ...(certified === undefined ? [] : [`HostCertificate ${hostKey}-cert.pub`]),
    `AuthorizedKeysFile ${join(folder, 'authorized')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'PidFile none',
    'PermitRootLogin yes',
    'AcceptEnv LANG LC_*',
    'AllowStreamLocalForwarding yes',
    'PermitUserEnvironment no',
    'MaxStartups 200:30:400',
    'MaxSessions 100',
    'LoginGraceTime 30',
    'Subsystem sftp internal-sftp',
  ];
  writeFileSync(join(folder, 'sshd_config'), `${config.join('\n')}\n`);
  const child = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await eventually('sshd to listen', () => {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${said}`);
    return answers(host, port);
  });
  const publicKey = readFileSync(`${hostKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ').trim();
  return {
    port,
    login: userInfo().username,
    hostKey: publicKey,
    keyFile,
    log: () => said,
    stop: () => ended(child),
  };
}

/** A new key pair without passphrase. */
export function makeSshKey(file: string, type = 'ed25519'): void {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'test', '-f', file]);
}

function certifyHost(hostKey: string, { ca, names }: NonNullable<SshdOptions['certified']>): void {
  const wish = ['-I', 'host', '-h', '-n', names, '-V', '-5m:+1h', `${hostKey}.pub`];
  execFileSync('ssh-keygen', ['-q', '-s', ca, ...wish]);
}

/**
 * A port that nobody listens on at the moment, below the range that the kernel hands out by itself: of that, any connection of
 * anybody's may take it before it is listened on.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = randomInt(7_000, 12_000);
    if (await isFree(host, port)) return port;
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

function answers(host: string, port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('error', () => resolve(undefined));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise<void>((done) => child.once('close', () => done()));
  child.kill('SIGTERM');
  await over;
}
