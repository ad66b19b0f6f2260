import { basename } from 'node:path';
import type { Cli } from './cli.ts';
import type { ClientEnv } from './clients/kit.ts';

const FILE = 'libpq-service.conf';
const SERVICE = 'custody';

/**
 * With these a client whose gateway's machine has vanished knows it within 30 seconds, waiting or sending, where the kernel
 * alone takes from 15 minutes to two hours. https://www.postgresql.org/docs/current/libpq-connect.html
 */
const SETTINGS = {
  keepalives: 1,
  keepalives_idle: 10,
  keepalives_interval: 5,
  keepalives_count: 3,
  tcp_user_timeout: 25_000,
};

/** Programs of libpq's own kind. */
const PROGRAMS = new Set(
  'psql pgbench pgcli pg_amcheck pg_basebackup pg_dump pg_dumpall pg_isready pg_receivewal pg_recvlogical pg_restore'
    .concat(' clusterdb createdb createuser dropdb dropuser reindexdb vacuumdb')
    .split(' '),
);

/**
 * Settings that libpq has no variables for, as a service. For libpq alone: other drivers refuse to run where PGSERVICE is set
 * (lib/pq), or send what is in its file to the server (pgx).
 */
export function libpqService({ home }: Cli): ClientEnv {
  const lines = Object.entries(SETTINGS).map(([name, value]) => `${name}=${value}`);
  const text = ['# Written by custody.', `[${SERVICE}]`, ...lines, ''].join('\n');
  if (home.read(FILE) !== text) home.write(FILE, text);
  return { PGSERVICEFILE: home.path(FILE), PGSERVICE: SERVICE };
}

/** A program that reads the service, and was not told another. */
export function takesService([file = '', ...args]: readonly string[]): boolean {
  return PROGRAMS.has(basename(file)) && !args.some((arg) => /\bservice\s*=/.test(arg));
}
