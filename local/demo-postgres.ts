import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CustodyError } from '#core/errors.ts';
import type { CertificateFiles } from './certificates.ts';
import { makeDemoDatabase } from './demo-database.ts';
import { type Owner, ownerForPostgres } from './owner.ts';
import { postgresBinaries } from './postgres-binaries.ts';

const READY_MS = 30_000;
const STOP_MS = 10_000;
const LOOK_EVERY_MS = 50;
const SAID_MAX = 4_000;

export interface DemoPostgres {
  readonly pid: number;
  /** Ends its sessions and resolves when it has stopped; sessions get no time to finish. */
  stop(): Promise<void>;
}

export interface DemoPostgresOptions {
  readonly folder: string;
  readonly port: number;
  readonly certificate: CertificateFiles;
  /** Where the password of the role `app` is kept. */
  readonly passwordFile: string;
  readonly say: (line: string) => void;
}

/**
 * The demo target: a real PostgreSQL with the database `orders`, owned by the role `app`, reachable on this machine
 * only and over TLS only. Made at the first start, kept afterwards. Throws `config-invalid` where it cannot run and
 * `state-damaged` when its files are not whole.
 */
export async function startDemoPostgres(options: DemoPostgresOptions): Promise<DemoPostgres> {
  const { folder, passwordFile, say } = options;
  const bin = postgresBinaries();
  const owner = ownerForPostgres(folder, bin);
  const data = join(folder, 'data');
  if (!existsSync(data)) {
    say('making the demo database (at the first start only)');
    await makeDemoDatabase({ bin, folder, passwordFile, owner });
  }
  if (!existsSync(passwordFile)) throw passwordGone(options);
  installCertificate(options.certificate, data, owner);
  // Detached: Ctrl-C in the terminal must not reach it before the sessions through the gateway are sealed.
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...settings(options.port)], {
    ...owner,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await ready(server, data);
  return watched(server, say);
}

/**
 * Stops the server that a killed start left behind: it holds the port and the folder. Nothing else may use the folder
 * now. Throws `state-damaged` when it does not stop.
 */
export async function stopLeftover(folder: string): Promise<void> {
  const data = join(folder, 'data');
  const pid = Number(readIfThere(join(data, 'postmaster.pid')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  // Fast, then immediate shutdown (https://www.postgresql.org/docs/current/server-shutdown.html).
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if (!isPostgresOf(pid, data)) return;
    process.kill(pid, signal);
    for (let waited = 0; waited < STOP_MS && isPostgresOf(pid, data); waited += LOOK_EVERY_MS) {
      await sleep(LOOK_EVERY_MS);
    }
  }
  if (!isPostgresOf(pid, data)) return;
  throw new CustodyError('state-damaged', `process ${pid}, a PostgreSQL of an earlier start, does not stop`, {
    hint: `end it (kill ${pid}), then start again`,
  });
}

function isPostgresOf(pid: number, data: string): boolean {
  return readIfThere(`/proc/${pid}/cmdline`).split('\0').includes(data);
}

function passwordGone({ folder, passwordFile }: DemoPostgresOptions): CustodyError {
  return new CustodyError('state-damaged', `${passwordFile}, the demo database's password, is gone`, {
    hint: `restore it, or remove ${folder} to have the demo database made anew`,
  });
}

/** PostgreSQL takes a key only from a file of its own user. */
function installCertificate({ cert, key }: CertificateFiles, data: string, owner: Owner): void {
  for (const [from, to] of [
    [cert, join(data, 'server.pem')],
    [key, join(data, 'server.key')],
  ] as const) {
    rmSync(to, { force: true });
    copyFileSync(from, to);
    chmodSync(to, 0o600);
    if (owner.uid !== undefined) chownSync(to, owner.uid, owner.gid!);
  }
}

function settings(port: number): string[] {
  const values = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ssl: 'on',
    ssl_cert_file: 'server.pem',
    ssl_key_file: 'server.key',
    logging_collector: 'off',
    log_min_messages: 'fatal',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Resolves when postmaster.pid says `ready` in its last line. Rejects, with the server gone, when it never does. */
async function ready(server: ChildProcess, data: string): Promise<void> {
  let said = '';
  server.stderr!.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-SAID_MAX)));
  server.on('error', (error) => (said += error.message));
  const closed = new Promise<void>((done) => server.once('close', () => done()));
  for (let waited = 0; waited < READY_MS && isRunning(server); waited += LOOK_EVERY_MS) {
    const lines = readIfThere(join(data, 'postmaster.pid')).split('\n');
    if (lines[0] === String(server.pid) && lines[7]?.trim() === 'ready') return;
    await Promise.race([sleep(LOOK_EVERY_MS), closed]);
  }
  await stop(server);
  throw new CustodyError('state-damaged', `the demo PostgreSQL does not start: ${lastWords(said)}`, {
    hint: `if its files are damaged: remove ${join(data, '..')} to have the demo database made anew`,
  });
}

function lastWords(said: string): string {
  const fatal = /(?:FATAL|PANIC): +(.*)/.exec(said)?.[1];
  return fatal ?? (said.trim() === '' ? `not ready after ${READY_MS / 1000} s` : said.trim());
}

function watched(server: ChildProcess, say: (line: string) => void): DemoPostgres {
  let stopping = false;
  server.once('exit', (code, signal) => {
    if (stopping) return;
    say(`the demo PostgreSQL ended (${signal ?? `exit code ${code}`}): stop and start again to have it back`);
  });
  return {
    pid: server.pid!,
    stop: () => {
      stopping = true;
      return stop(server);
    },
  };
}

/** Fast shutdown; SIGKILL when that takes too long. */
async function stop(server: ChildProcess): Promise<void> {
  if (!isRunning(server)) return;
  const gone = new Promise<void>((done) => server.once('exit', () => done()));
  server.kill('SIGINT');
  const force = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(force);
}

function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
