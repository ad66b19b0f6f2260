/** What everybody knows: HAProxy, which relays, and pgbouncer, which pools. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { client } from './clients.ts';
import type { Contender, Entrant } from './contender.ts';
import { DATABASE, type Ground } from './ground.ts';
import { postgresUser } from './machine.ts';
import { atRest } from './settled.ts';

export function direct(target: number): Entrant[] {
  return (['disable', 'require'] as const).map((sslmode) => {
    const name = sslmode === 'disable' ? 'direct' : 'direct-tls';
    const contender = { name, port: target, sslmode, password: 'unused', processes: () => [] };
    return { name, start: () => Promise.resolve(contender) };
  });
}

export function haproxies(ground: Ground, target: number): Entrant[] {
  return (['disable', 'require'] as const).map((sslmode) => {
    const name = sslmode === 'disable' ? 'haproxy' : 'haproxy-tls';
    return { name, start: () => startHaproxy(ground, name, target, sslmode) };
  });
}

async function startHaproxy(
  ground: Ground,
  name: string,
  target: number,
  sslmode: Contender['sslmode'],
): Promise<Contender> {
  const port = ground.nextPort();
  const file = join(ground.root, `${name}.cfg`);
  writeFileSync(
    file,
    `global\n  nbthread 1\n  maxconn 2000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\nlisten pg\n  bind 127.0.0.1:${port}\n  server pg 127.0.0.1:${target}\n`,
  );
  const { pid } = await ground.serve(port, ['haproxy', '-db', '-q', '-f', file]);
  const processes = (): number[] => [pid!];
  return { name, port, sslmode, password: 'unused', processes, settled: () => atRest(processes) };
}

interface Tls {
  readonly client: boolean;
  readonly server: boolean;
}

export function bouncers(ground: Ground, target: number): Entrant[] {
  const kinds = {
    pgbouncer: { client: false, server: false },
    'pgbouncer-tls': { client: true, server: false },
    'pgbouncer-tls-both': { client: true, server: true },
  };
  return Object.entries(kinds).map(([name, tls]) => ({
    name,
    start: () => startBouncer(ground, name, target, tls),
  }));
}

async function startBouncer(ground: Ground, name: string, target: number, tls: Tls): Promise<Contender> {
  const port = ground.nextPort();
  const file = join(ground.root, `${name}.ini`);
  writeFileSync(file, bouncerSettings(ground, port, target, tls));
  const { uid, gid } = postgresUser();
  const { pid } = await ground.serve(port, ['pgbouncer', '-q', file], { uid, gid });
  const processes = (): number[] => [pid!];
  const contender: Contender = {
    name,
    port,
    sslmode: tls.client ? 'require' : 'disable',
    password: 'unused',
    processes,
    settled: () => atRest(processes),
  };
  // The console closes idle connections to the server at once: https://www.pgbouncer.org/usage.html, RECONNECT.
  const letGo = async (): Promise<void> =>
    void (await client('psql', ['-qc', `RECONNECT ${DATABASE}`, 'pgbouncer'], contender));
  return { ...contender, letGo };
}

function bouncerSettings({ certificate }: Ground, port: number, target: number, tls: Tls): string {
  const { cert, key } = certificate;
  const lines = [
    '[databases]',
    `${DATABASE} = host=127.0.0.1 port=${target} dbname=${DATABASE} user=bench`,
    '[pgbouncer]',
    'listen_addr=127.0.0.1',
    `listen_port=${port}`,
    'auth_type=any',
    'admin_users=bench',
    'pool_mode=session',
    'max_client_conn=1000',
    'default_pool_size=600',
    'unix_socket_dir=',
    'ignore_startup_parameters=extra_float_digits',
    ...(tls.client
      ? ['client_tls_sslmode=require', `client_tls_key_file=${key}`, `client_tls_cert_file=${cert}`]
      : []),
    ...(tls.server ? ['server_tls_sslmode=require'] : []),
  ];
  return `${lines.join('\n')}\n`;
}
