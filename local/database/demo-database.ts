import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Owner } from './owner.ts';

const run = promisify(execFile);

export interface DemoDatabaseOptions {
  /** Where the programs are. */
  readonly bin: string;
  /** The folder that holds, or will hold, `data`. */
  readonly folder: string;
  /** Where the new password of the role `app` is kept. */
  readonly passwordFile: string;
  readonly owner: Owner;
}

/**
 * Makes a cluster with the role `app` and its database `orders`. It appears as `folder/data` in one step when it is
 * whole: a start that was cut off leaves nothing half made.
 */
export async function makeDemoDatabase({
  bin,
  folder,
  passwordFile,
  owner,
}: DemoDatabaseOptions): Promise<void> {
  const building = join(folder, 'building');
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { recursive: true, mode: 0o700 });
  give(owner, folder, building);
  const password = randomBytes(24).toString('base64url');
  mkdirSync(dirname(passwordFile), { recursive: true, mode: 0o700 });
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  await initialise(bin, building, owner);
  await load(join(bin, 'postgres'), building, owner, password);
  renameSync(building, join(folder, 'data'));
}

function give({ uid, gid }: Owner, ...paths: readonly string[]): void {
  for (const path of paths) if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

/** The superuser gets a password that nobody keeps: the only way in is `app`, over TLS. */
async function initialise(bin: string, data: string, owner: Owner): Promise<void> {
  const superuser = `${data}.password`;
  writeFileSync(superuser, randomBytes(24).toString('base64url'), { mode: 0o600 });
  give(owner, superuser);
  const flags = ['-U', 'postgres', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'];
  try {
    await run(join(bin, 'initdb'), ['-D', data, ...flags, `--pwfile=${superuser}`], { ...owner, cwd: data });
  } finally {
    rmSync(superuser, { force: true });
  }
  writeFileSync(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256\n');
}

/** Single-user mode (`postgres --single -j`) needs no password and no port; an empty line ends a statement there. */
async function load(postgres: string, data: string, owner: Owner, password: string): Promise<void> {
  const single = (database: string, statements: readonly string[]): Promise<void> =>
    feed(postgres, ['--single', '-j', '-D', data, database], `${statements.join(';\n\n')};\n\n`, owner);
  await single('postgres', [
    `CREATE ROLE app LOGIN PASSWORD '${password}'`,
    'CREATE DATABASE orders OWNER app',
  ]);
  const rows = readFileSync(new URL('demo-data.sql', import.meta.url), 'utf8');
  await single('orders', ['ALTER SCHEMA public OWNER TO app', 'SET ROLE app', ...rows.trim().split(/;\n+/)]);
}

function feed(program: string, args: readonly string[], input: string, owner: Owner): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { ...owner, cwd: '/', stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.on('error', () => undefined); // `close` says what happened
    child.on('error', failed);
    child.on('close', (code) => {
      if (code === 0 && !/^.*(?:ERROR|FATAL|PANIC):/m.test(said)) done();
      else failed(new Error(`postgres --single failed: ${said.slice(-2000)}`));
    });
    child.stdin.end(input);
  });
}
