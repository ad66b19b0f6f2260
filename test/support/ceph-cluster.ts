import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMAND_MS = 60_000;
/** Taken as it is filled. */
const MEMORY_BYTES = 2 * 1024 ** 3;

/** The smallest Ceph that radosgw runs on: one monitor, one storage daemon that keeps all in memory. */
export interface CephCluster {
  /** Runs a command to its end; what it printed. */
  run(command: string, ...args: readonly string[]): string;
  /** Throws with the end of its log when a daemon is gone. */
  checkAlive(): void;
  stop(): Promise<void>;
}

/** `unpacked`: what .ci/radosgw made. The gateway answers on `gatewayPort` some seconds later. */
export function startCephCluster(unpacked: string, monitorPort: number, gatewayPort: number): CephCluster {
  const root = mkdtempSync(join(tmpdir(), 'custody-ceph-'));
  writeFileSync(join(root, 'ceph.conf'), configuration(unpacked, root, monitorPort, gatewayPort));
  const env = environment(unpacked);
  const cluster: CephCluster & { readonly daemons: ChildProcess[] } = {
    daemons: [],
    run: (command, ...args) => {
      const options = { env, cwd: root, timeout: COMMAND_MS, stdio: 'pipe' } as const;
      return execFileSync(command, ['-c', 'ceph.conf', ...args], options).toString();
    },
    checkAlive: () => {
      const dead = cluster.daemons.find(isGone);
      if (dead !== undefined) throw new Error(`${dead.spawnargs.join(' ')} ended: ${logs(root)}`);
    },
    stop: async () => {
      await Promise.all(cluster.daemons.map(kill));
      rmSync(root, { recursive: true, force: true });
    },
  };
  try {
    makeStores(cluster, root);
  } catch (error) {
    rmSync(root, { recursive: true, force: true });
    throw error;
  }
  cluster.daemons.push(...DAEMONS.map((daemon) => startDaemon(daemon, root, env)));
  return cluster;
}

/** The monitor's store, with a map that has room for one storage daemon; and that daemon's. */
function makeStores(cluster: CephCluster, root: string): void {
  for (const folder of ['mon', 'osd', 'rgw']) mkdirSync(join(root, folder));
  cluster.run('osdmaptool', '--createsimple', '1', 'osdmap');
  cluster.run('ceph-mon', '-i', 'a', '--mkfs', '--osdmap', 'osdmap', '--no-mon-config');
  cluster.run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', randomUUID(), '--no-mon-config');
}

const DAEMONS: readonly (readonly string[])[] = [
  ['ceph-mon', '-i', 'a'],
  ['ceph-osd', '-i', '0', '--no-mon-config'],
  ['radosgw', '-n', 'client.rgw', '--no-mon-config'],
];

/** The kernel kills it when the tests' process ends, in whatever way. */
function startDaemon(daemon: readonly string[], cwd: string, env: NodeJS.ProcessEnv): ChildProcess {
  const args = ['--pdeathsig', 'KILL', ...daemon, '-c', 'ceph.conf', '-f'];
  return spawn('setpriv', args, { env, cwd, stdio: 'ignore' });
}

/** Programs and libraries from the unpacked packages; settings of this machine's own Ceph stay out. */
function environment(unpacked: string): NodeJS.ProcessEnv {
  const libraries = [...libraryFolders(unpacked), join(libraryFolders(unpacked)[0]!, 'ceph')];
  const { CEPH_ARGS: _args, CEPH_CONF: _conf, ...inherited } = process.env;
  return {
    ...inherited,
    PATH: `${join(unpacked, 'usr/bin')}:${inherited['PATH']}`,
    LD_LIBRARY_PATH: libraries.join(':'),
  };
}

/** Debian's folders for this machine's architecture; `usr/lib` first. */
function libraryFolders(unpacked: string): readonly string[] {
  return ['usr/lib', 'lib'].flatMap((lib) =>
    readdirSync(join(unpacked, lib))
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => join(unpacked, lib, name)),
  );
}

/** https://docs.ceph.com/en/pacific/rados/configuration/ */
function configuration(unpacked: string, root: string, monitorPort: number, gatewayPort: number): string {
  const [libraries] = libraryFolders(unpacked);
  return `[global]
fsid = ${randomUUID()}
mon host = v2:127.0.0.1:${monitorPort}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
# radosgw asks for an encrypted connection to the monitor unless told; without authentication there is none.
ms mon client mode = crc
run dir = ${root}
crash dir = ${root}
admin socket =
log file = ${root}/$name.log
log to stderr = false
mon cluster log to file = false
plugin dir = ${libraries}/ceph
erasure code dir = ${libraries}/ceph/erasure-code
osd class dir = ${libraries}/rados-classes
mon data = ${root}/mon
osd data = ${root}/osd
osd objectstore = memstore
memstore device bytes = ${MEMORY_BYTES}
# One copy of everything, on one daemon.
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
# A test's machine may have a full disk.
mon data avail warn = 1
mon data avail crit = 1
# The gateway makes its pools one after another, each at the monitor's pace.
paxos propose interval = 0.05
paxos min wait = 0.01

[mon.a]
public addr = 127.0.0.1:${monitorPort}

[client.rgw]
rgw data = ${root}/rgw
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort}
rgw enable apis = s3
# Buckets may be made in a region that it does not know.
rgw relaxed region enforcement = true
`;
}

function isGone({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function kill(daemon: ChildProcess): Promise<void> {
  if (isGone(daemon)) return;
  const gone = new Promise((done) => daemon.once('exit', done));
  daemon.kill('SIGKILL');
  await gone;
}

function logs(root: string): string {
  const names = readdirSync(root).filter((name) => name.endsWith('.log'));
  return names.map((name) => `\n${name}: ${readFileSync(join(root, name), 'utf8').slice(-1000)}`).join('');
}
