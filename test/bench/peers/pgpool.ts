/**
 * Pgpool-II, a pooler that uses all cores: a process for each client. Debian's package `pgpool2`, left out where it is not
 * installed. With TLS it speaks TLS to the server too when the server can, so it compares with contenders that do so on both sides.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contender, Entrant } from '../contender.ts';
import type { Ground } from '../ground.ts';
import { postgresUser } from '../machine.ts';
import { atRest } from '../settled.ts';
import { processTree } from '../threads.ts';

const NAME = 'pgpool-tls-both';
/** A process for each, whether it comes or not. */
const CLIENTS = 72;

export function pgpool(ground: Ground, target: number, log: (line: string) => void): Entrant[] {
  if (spawnSync('pgpool', ['--version']).status === 0)
    return [{ name: NAME, start: () => startPgpool(ground, target) }];
  log(`${NAME} is left out: apt-get install --no-install-recommends pgpool2`);
  return [];
}

async function startPgpool(ground: Ground, target: number): Promise<Contender> {
  const { uid, gid } = postgresUser();
  const [port, pcpPort] = [ground.nextPort(), ground.nextPort()];
  const folder = join(ground.root, NAME);
  mkdirSync(folder);
  await chown(folder, uid, gid);
  const file = join(folder, 'pgpool.conf');
  writeFileSync(file, settings(ground, { folder, port, pcpPort, target }));
  const start = (): Promise<ChildProcess> =>
    ground.serve(port, ['pgpool', '-n', '-f', file], { uid, gid, cwd: folder });
  let server = await start();
  const processes = (): number[] => processTree(server.pid!);
  return {
    name: NAME,
    port,
    sslmode: 'require',
    password: 'unused',
    processes,
    most: CLIENTS,
    settled: () => atRest(processes),
    // It has no way to be told to let go of what it has pooled.
    letGo: async () => {
      const ended = once(server, 'exit');
      server.kill('SIGINT');
      await ended;
      server = await start();
    },
  };
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly pcpPort: number;
  readonly target: number;
}

function settings({ certificate }: Ground, { folder, port, pcpPort, target }: Place): string {
  const written = {
    backend_clustering_mode: 'raw',
    listen_addresses: '127.0.0.1',
    port,
    socket_dir: folder,
    pcp_listen_addresses: '127.0.0.1',
    pcp_port: pcpPort,
    pcp_socket_dir: folder,
    pid_file_name: join(folder, 'pid'),
    logdir: folder,
    backend_hostname0: '127.0.0.1',
    backend_port0: target,
    backend_flag0: 'DISALLOW_TO_FAILOVER',
    num_init_children: CLIENTS,
    max_pool: 1,
    child_life_time: 0,
    ssl: 'on',
    ssl_cert: certificate.cert,
    ssl_key: certificate.key,
  };
  return Object.entries(written)
    .map(([name, value]) => `${name} = ${typeof value === 'number' ? value : `'${value}'`}\n`)
    .join('');
}
