import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { CertificateFiles } from '../setup/certificates.ts';
import { readIfThere } from '../supervisor/processes.ts';
import { RestartLimit } from '../supervisor/restart-limit.ts';
import { makeDemoDatabase } from './demo-database.ts';
import { type Owner, ownerForPostgres } from './owner.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { clusterName, endOrphans } from './postgres-leftover.ts';

const READY_MS = 30_000;
const STOP_MS = 10_000;
const LOOK_EVERY_MS = 50;
const SAID_MAX = 4_000;

export interface DemoPostgresOptions {
  readonly folder: string;
  readonly port: number;
  readonly certificate: CertificateFiles;
  /** Where the password of the role `app` is kept. */
  readonly passwordFile: string;
  readonly say: (line: string) => void;
  /** It died too often to be started again, or could not be. */
  readonly onGivenUp: (error: CustodyError) => void;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/**
 * The demo target: a real PostgreSQL with the database `orders`, owned by the role `app`, reachable on this machine
 * only and over TLS only. Made at the first start, kept afterwards, started again when it dies. Throws `config-invalid`
 * where it cannot run and `state-damaged` when its files are not whole.
 */
export async function startDemoPostgres(options: DemoPostgresOptions): Promise<DemoPostgres> {
  const postgres = new DemoPostgres(options);
  await postgres.start();
  return postgres;
}

export class DemoPostgres {
  readonly #options: DemoPostgresOptions;
  readonly #limit = new RestartLimit();
  #server: ChildProcess | undefined;
  #restarting: Promise<void> | undefined;
  #stopping = false;

  constructor(options: DemoPostgresOptions) {
    this.#options = options;
  }

  /** Of the server as it is now, also after it died. */
  get pid(): number {
    return this.#server!.pid!;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const { folder, port } = this.#options;
    const data = join(folder, 'data');
    const { bin, owner } = await prepare(this.#options, data);
    if (this.#stopping) return;
    // Detached: Ctrl-C in the terminal must not reach it before the sessions through the gateway are sealed.
    const server = spawn(join(bin, 'postgres'), ['-D', data, ...settings(port, data)], {
      ...owner,
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#server = server;
    await ready(server, data);
    server.once('exit', (code, signal) => this.#died(signal ?? `exit code ${code}`));
  }

  /** Ends its sessions and resolves when it has stopped; sessions get no time to finish. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#server !== undefined) await stop(this.#server);
    await this.#restarting;
  }

  #died(how: string): void {
    if (this.#stopping) return;
    const { say, now, onGivenUp } = this.#options;
    const times = this.#limit.died(now());
    if (times !== undefined) return onGivenUp(diedTooOften(times, how));
    say(`the demo PostgreSQL died (${how}); starting it again`);
    this.#restarting = this.start().then(
      () => {
        if (!this.#stopping) say(`the demo PostgreSQL is back as process ${this.pid}`);
      },
      (error: unknown) => {
        if (!this.#stopping) onGivenUp(asCustodyError(error));
      },
    );
  }
}

/** Everything that a server on the folder needs. */
async function prepare(
  options: DemoPostgresOptions,
  data: string,
): Promise<{ readonly bin: string; readonly owner: Owner }> {
  const { folder, passwordFile, say } = options;
  const bin = postgresBinaries();
  const owner = ownerForPostgres(folder, bin);
  if (!existsSync(data)) {
    say('making the demo database (at the first start only)');
    await makeDemoDatabase({ bin, folder, passwordFile, owner });
  }
  if (!existsSync(passwordFile)) throw passwordGone(options);
  installCertificate(options.certificate, data, owner);
  await endOrphans(data);
  return { bin, owner };
}

function diedTooOften(times: number, how: string): CustodyError {
  const why = `it died ${times} times within a minute, the last time of ${how}`;
  return new CustodyError('internal', `the demo PostgreSQL cannot run: ${why}`, {
    hint: 'is the machine short of memory or disk?',
  });
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

function settings(port: number, data: string): string[] {
  const values = {
    port,
    cluster_name: clusterName(data),
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
