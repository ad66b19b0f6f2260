/** The PostgreSQL that all contenders lead to. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { client } from './clients.ts';
import type { Contender } from './contender.ts';
import { DATABASE, type Ground } from './ground.ts';
import { postgresBin, postgresUser } from './machine.ts';
import { until } from './settled.ts';

const CONNECTED = `SELECT count(*) FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND datname = '${DATABASE}' AND pid <> pg_backend_pid()`;

/** Starts it with an empty database, and resolves with the port. `more`: settings. */
export async function startServer(
  ground: Ground,
  more: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { uid, gid } = postgresUser();
  const port = ground.nextPort();
  const data = join(ground.root, 'postgres');
  mkdirSync(data, { mode: 0o700 });
  chownSync(data, uid, gid);
  const bin = postgresBin();
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '--no-sync'], {
    uid,
    gid,
    stdio: 'ignore',
    cwd: data,
  });
  const flags = Object.entries({ ...settings(ground, port, data), ...more }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  await ground.serve(port, [join(bin, 'postgres'), '-D', data, ...flags], { uid, gid, cwd: data });
  const environment = { ...process.env, PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'bench' };
  await accepting(environment);
  execFileSync('psql', ['postgres', '-qc', `CREATE DATABASE ${DATABASE}`], { env: environment });
  return port;
}

/**
 * Resolves when nobody is connected: whoever connects then gets a backend that was started for it. A contender that kept one
 * would start with warm catalogue caches beside others that cannot.
 */
export async function nobodyConnected(direct: Contender): Promise<void> {
  await until(
    async () => (await client('psql', ['-qAtc', CONNECTED, 'postgres'], direct)).trim() === '0',
    'somebody keeps connections to PostgreSQL',
  );
}

function settings({ certificate }: Ground, port: number, data: string): Record<string, string | number> {
  return {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: data,
    ssl: 'on',
    ssl_cert_file: certificate.cert,
    ssl_key_file: certificate.key,
    shared_buffers: '512MB',
    fsync: 'off',
    max_connections: 2200,
    max_wal_size: '4GB',
    autovacuum: 'off',
  };
}

/** It listens a little before it lets anybody in. */
async function accepting(env: NodeJS.ProcessEnv): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (spawnSync('psql', ['postgres', '-qc', 'select 1'], { env, stdio: 'ignore' }).status === 0) return;
    await sleep(100);
  }
  throw new Error('PostgreSQL does not accept connections');
}
