import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import { postgresBin, postgresUser } from '../bench/machine.ts';
import { eventually } from './clients.ts';
import { fromTemplate } from './templates.ts';

const PASSWORD = 'secret-of-the-legacy-database';

export interface DebianPostgres {
  readonly port: number;
  readonly password: string;
  /** Stops the server at once, as a crash would. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Whether Debian's PostgreSQL server is on this machine; its clients refuse servers newer than themselves. */
export function hasDebianPostgres(): boolean {
  try {
    postgresBin();
    return true;
  } catch (error) {
    if (process.env['CUSTODY_REQUIRE_CLIENTS']) throw error;
    process.stderr.write(
      "LEFT OUT: tests that need Debian's PostgreSQL server (apt-get install postgresql)\n",
    );
    return false;
  }
}

/** Debian's PostgreSQL on `port`, with the given way of authenticating passwords. `tls`: files that it takes a copy of. */
export async function startDebianPostgres(
  port: number,
  method: 'scram-sha-256' | 'md5',
  more: {
    readonly tls?: { readonly cert: string; readonly key: string };
    readonly settings?: readonly string[];
  } = {},
): Promise<DebianPostgres> {
  const root = mkdtempSync(join(tmpdir(), 'custody-pg-'));
  const { uid, gid } = postgresUser();
  const bin = postgresBin();
  const data = join(root, 'data');
  chmodSync(root, 0o755);
  await fromTemplate(`debian-${method}`, root, (made) => initialise(bin, made, method));
  if (more.tls !== undefined) {
    for (const [name, file] of [
      ['server.crt', more.tls.cert],
      ['server.key', more.tls.key],
    ] as const) {
      copyFileSync(file, join(data, name));
      chownSync(join(data, name), uid, gid);
      chmodSync(join(data, name), 0o600);
    }
  }
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const settings = [
      '-c',
      `port=${port}`,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `unix_socket_directories=${data}`,
    ];
    const passwords = ['-c', `password_encryption=${method}`, '-c', 'fsync=off'];
    const own = [...(more.settings ?? []), ...(more.tls === undefined ? [] : ['ssl=on'])];
    server = spawn(
      join(bin, 'postgres'),
      ['-D', data, ...settings, ...passwords, ...own.flatMap((one) => ['-c', one])],
      {
        uid,
        gid,
        cwd: data,
        stdio: 'ignore',
      },
    );
    await eventually('PostgreSQL to listen', () => listens(port));
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((done) => server!.once('exit', done));
    server.kill(signal);
    await gone;
  };
  await start();
  return {
    port,
    password: PASSWORD,
    start,
    kill: () => end('SIGQUIT'),
    stop: async () => {
      await end('SIGINT');
      if (existsSync(root)) rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Makes `folder/data`. */
function initialise(bin: string, folder: string, method: string): void {
  const { uid, gid } = postgresUser();
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  chownSync(data, uid, gid);
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
  const initdb = ['-D', data, '-U', 'app', `--auth=${method}`, `--pwfile=${passwordFile}`, '--no-sync'];
  execFileSync(join(bin, 'initdb'), [...initdb, '-E', 'UTF8', '--locale=C'], {
    uid,
    gid,
    cwd: data,
    stdio: 'ignore',
  });
}

/** Whether it asks for a password: while it starts, it listens already, and refuses. */
function listens(port: number): Promise<true | undefined> {
  return new Promise((done) => {
    const probe = connect(port, '127.0.0.1');
    probe.write(encodeStartup({ minor: 0, parameters: [['user', 'app']] }));
    probe.once('data', (answer) => {
      probe.destroy();
      done(answer[0] === 'R'.charCodeAt(0) ? true : undefined);
    });
    probe.once('error', () => done(undefined));
    probe.once('close', () => done(undefined));
  });
}

/** A custody.yaml with the demo's target and one more, `legacy-db`, on this server. */
export function configWithLegacy(dataDir: string, { port, password }: DebianPostgres, recording = ''): void {
  mkdirSync(join(dataDir, 'secrets'), { recursive: true, mode: 0o711 });
  chmodSync(dataDir, 0o711);
  writeFileSync(join(dataDir, 'secrets', 'legacy-db'), password, { mode: 0o600 });
  const yaml = `version: 1
identity:
  issuer: http://127.0.0.1:1 # set by npm start
  audience: custody
targets:
  orders-db:
    protocol: postgres
    address: 127.0.0.1:1 # set by npm start
    database: orders
    credential: { user: app, passwordFile: secrets/orders-db }
    tls: { mode: verify-full, caFile: tls/ca.pem, serverName: localhost }
  legacy-db:
    protocol: postgres
    address: 127.0.0.1:${port}
    database: postgres
    credential: { user: app, passwordFile: secrets/legacy-db }
    tls: { mode: disable }
    ${recording}
rules:
  - { name: developers-work, groups: [developers], targets: [orders-db, legacy-db], allow: [connect] }
  - { name: auditors, groups: [auditors], targets: ['*'], allow: [replay, export], sessions: any }
`;
  writeFileSync(join(dataDir, 'custody.yaml'), yaml, { mode: 0o600 });
}
