/** A server as a child of ours: its settings, its start and its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CustodyError } from '#core/errors.ts';
import type { CertificateFiles } from '../setup/certificates.ts';
import { readIfThere } from '../supervisor/processes.ts';
import type { Owner } from './owner.ts';
import { clusterName } from './postgres-leftover.ts';

const STOP_MS = 10_000;
const LOOK_EVERY_MS = 50;
const SAID_MAX = 4_000;

export interface PostgresServer {
  readonly bin: string;
  readonly data: string;
  readonly owner: Owner;
  readonly port: number;
  /** Beside those that every server here has. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Detached: Ctrl-C in the terminal must not reach it before the sessions through the gateway are sealed. */
export function spawnPostgres({ bin, data, owner, port, settings = {} }: PostgresServer): ChildProcess {
  const own = {
    port: String(port),
    cluster_name: clusterName(data),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ssl: 'on',
    ssl_cert_file: 'server.pem',
    ssl_key_file: 'server.key',
    logging_collector: 'off',
    log_min_messages: 'fatal',
  };
  const flags = Object.entries({ ...own, ...settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  return spawn(join(bin, 'postgres'), ['-D', data, ...flags], {
    ...owner,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Resolves when postmaster.pid says `ready` in its last line. Rejects with its last words, and with the server gone, when it never does. */
export async function untilReady(server: ChildProcess, data: string, atMostMs: number): Promise<void> {
  let said = '';
  server.stderr!.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-SAID_MAX)));
  server.on('error', (error) => (said += error.message));
  const closed = new Promise<void>((done) => server.once('close', () => done()));
  for (let waited = 0; waited < atMostMs && isRunning(server); waited += LOOK_EVERY_MS) {
    const lines = readIfThere(join(data, 'postmaster.pid')).split('\n');
    if (lines[0] === String(server.pid) && lines[7]?.trim() === 'ready') return;
    await Promise.race([sleep(LOOK_EVERY_MS), closed]);
  }
  await stopServer(server);
  throw new CustodyError('state-damaged', lastWords(said, atMostMs));
}

function lastWords(said: string, atMostMs: number): string {
  const fatal = /(?:FATAL|PANIC): +(.*)/.exec(said)?.[1];
  return fatal ?? (said.trim() === '' ? `not ready after ${atMostMs / 1000} s` : said.trim());
}

/** Fast shutdown; SIGKILL when that takes too long. */
export async function stopServer(server: ChildProcess): Promise<void> {
  if (!isRunning(server)) return;
  const gone = new Promise<void>((done) => server.once('exit', () => done()));
  server.kill('SIGINT');
  const force = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(force);
}

export function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

/** PostgreSQL takes a key only from a file of its own user. */
export function installCertificate({ cert, key }: CertificateFiles, data: string, owner: Owner): void {
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
