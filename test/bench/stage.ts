import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createSignerKey } from '#adapters/local/file-signer.ts';
import { NODE_FLAGS } from '#proxy/node-flags.ts';
import { BENCH_WORKFLOW, contractRun } from './contract.ts';
import { postgresBin, postgresUser } from './machine.ts';

/** One way to reach the same PostgreSQL. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  readonly sslmode: 'disable' | 'require';
  readonly password: string;
  /** PGOPTIONS of the next client. */
  readonly options?: () => Promise<string>;
  /** The processes whose CPU and memory are its cost; empty for a direct connection. */
  readonly pids: readonly number[];
}

export interface Stage {
  readonly contenders: readonly Contender[];
  readonly database: string;
  /** The folder of the gateway that speaks plain to the target: what it recorded lies there. */
  readonly recordings: string;
  stop(): Promise<void>;
}

const BASE_PORT = 17_400;
const DATABASE = 'bench';

/** Starts PostgreSQL, HAProxy, pgbouncer and the gateway side by side on this machine. */
export async function setStage(log: (line: string) => void): Promise<Stage> {
  const root = mkdtempSync(join(tmpdir(), 'custody-bench-'));
  chmodSync(root, 0o755);
  const started: ChildProcess[] = [];
  const port = (n: number): number => BASE_PORT + n;
  const certificate = makeCertificate(root);

  log('starting PostgreSQL');
  const postgres = await startPostgres(root, port(0), certificate);
  started.push(postgres);
  log('starting HAProxy and pgbouncer');
  const haproxy = startHaproxy(root, port(1), port(0));
  const bouncers = (
    [
      ['plain', port(2), false, false],
      ['tls', port(3), true, false],
      ['tls-both', port(4), true, true],
    ] as const
  ).map(([name, listen, client, server]) =>
    startBouncer(root, name, listen, port(0), { client, server, certificate }),
  );
  started.push(haproxy, ...bouncers);
  log('starting the gateway');
  const issuer = await startIssuer(port(5));
  const gateways = (
    [
      ['plain', port(6), false, 'windowed'],
      ['tls', port(7), true, 'windowed'],
      ['write-ahead', port(8), false, 'write-ahead'],
      ['contract', port(9), false, 'windowed'],
    ] as const
  ).map(([name, listen, tls, durability]) =>
    startGateway(root, name, listen, port(0), issuer.url, { tls, certificate, durability }),
  );
  started.push(...gateways);
  for (const n of [0, 1, 2, 3, 4, 6, 7, 8, 9]) await portOpen(port(n));

  const contender = (
    name: string,
    n: number,
    sslmode: Contender['sslmode'],
    process?: ChildProcess,
  ): Contender => ({
    name,
    port: port(n),
    sslmode,
    password: process !== undefined && gateways.includes(process) ? issuer.token : 'unused',
    pids: process === undefined ? [] : [process.pid!],
  });
  return {
    database: DATABASE,
    recordings: join(root, 'gateway-plain', 'store'),
    contenders: [
      contender('direct', 0, 'disable'),
      contender('direct-tls', 0, 'require'),
      contender('haproxy', 1, 'disable', haproxy),
      contender('haproxy-tls', 1, 'require', haproxy),
      contender('pgbouncer', 2, 'disable', bouncers[0]),
      contender('pgbouncer-tls', 3, 'require', bouncers[1]),
      contender('pgbouncer-tls-both', 4, 'require', bouncers[2]),
      contender('custody-tls', 6, 'require', gateways[0]),
      contender('custody-tls-both', 7, 'require', gateways[1]),
      contender('custody-tls-write-ahead', 8, 'require', gateways[2]),
      {
        ...contender('custody-tls-contract', 9, 'require', gateways[3]),
        options: () => contractRun(join(root, 'gateway-contract')),
      },
    ],
    stop: async () => {
      for (const child of started.toReversed()) child.kill('SIGTERM');
      issuer.server.close();
      await sleep(1500);
      for (const child of started) child.kill('SIGKILL');
      rmSync(root, { recursive: true, force: true });
    },
  };
}

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

function makeCertificate(root: string): Certificate {
  const cert = join(root, 'cert.pem');
  const key = join(root, 'key.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '7'];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  const { uid, gid } = postgresUser();
  chownSync(key, uid, gid);
  chmodSync(key, 0o600);
  return { cert, key };
}

async function startPostgres(root: string, port: number, { cert, key }: Certificate): Promise<ChildProcess> {
  const { uid, gid } = postgresUser();
  const data = join(root, 'postgres');
  mkdirSync(data, { mode: 0o700 });
  chownSync(data, uid, gid);
  const bin = postgresBin();
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '--no-sync'], {
    uid,
    gid,
    stdio: 'ignore',
    cwd: data,
  });
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: data,
    ssl: 'on',
    ssl_cert_file: cert,
    ssl_key_file: key,
    shared_buffers: '512MB',
    fsync: 'off',
    // pgbouncer keeps its connections for a while after each workload.
    max_connections: 2200,
    max_wal_size: '4GB',
    autovacuum: 'off',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...flags], {
    uid,
    gid,
    cwd: data,
    stdio: 'ignore',
  });
  await portOpen(port);
  const environment = { ...process.env, PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'bench' };
  await accepting(environment);
  execFileSync('psql', ['postgres', '-qc', `CREATE DATABASE ${DATABASE}`], { env: environment });
  return server;
}

/** It listens a little before it lets anybody in. */
async function accepting(env: NodeJS.ProcessEnv): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (spawnSync('psql', ['postgres', '-qc', 'select 1'], { env, stdio: 'ignore' }).status === 0) return;
    await sleep(100);
  }
  throw new Error('PostgreSQL does not accept connections');
}

function startHaproxy(root: string, listen: number, target: number): ChildProcess {
  const file = join(root, 'haproxy.cfg');
  writeFileSync(
    file,
    `global\n  nbthread 1\n  maxconn 2000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\nlisten pg\n  bind 127.0.0.1:${listen}\n  server pg 127.0.0.1:${target}\n`,
  );
  return spawn('haproxy', ['-db', '-q', '-f', file], { stdio: 'ignore' });
}

function startBouncer(
  root: string,
  name: string,
  listen: number,
  target: number,
  tls: { readonly client: boolean; readonly server: boolean; readonly certificate: Certificate },
): ChildProcess {
  const { uid, gid } = postgresUser();
  const { cert, key } = tls.certificate;
  const lines = [
    '[databases]',
    `${DATABASE} = host=127.0.0.1 port=${target} dbname=${DATABASE} user=bench`,
    '[pgbouncer]',
    'listen_addr=127.0.0.1',
    `listen_port=${listen}`,
    'auth_type=any',
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
  const file = join(root, `pgbouncer-${name}.ini`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return spawn('pgbouncer', ['-q', file], { uid, gid, stdio: 'ignore' });
}

function startGateway(
  root: string,
  name: string,
  listen: number,
  target: number,
  issuer: string,
  options: { readonly tls: boolean; readonly certificate: Certificate; readonly durability: string },
): ChildProcess {
  const data = join(root, `gateway-${name}`);
  mkdirSync(join(data, 'tls'), { recursive: true });
  createSignerKey(data);
  const { tls, certificate, durability } = options;
  execFileSync('cp', [certificate.cert, join(data, 'tls', 'gateway.pem')]);
  execFileSync('cp', [certificate.key, join(data, 'tls', 'gateway.key')]);
  writeFileSync(join(data, 'password'), 'unused\n', { mode: 0o600 });
  const targetTls = tls
    ? { mode: 'verify-full', caFile: certificate.cert, serverName: 'localhost' }
    : { mode: 'disable' };
  const config = {
    version: 1,
    identity: { issuer, audience: 'custody' },
    targets: {
      [DATABASE]: {
        protocol: 'postgres',
        address: `127.0.0.1:${target}`,
        database: DATABASE,
        credential: { user: 'bench', passwordFile: 'password' },
        tls: targetTls,
        recording: { durability },
      },
    },
    ...(name === 'contract' ? { workflows: { bench: BENCH_WORKFLOW } } : {}),
    rules: [{ name: 'bench', groups: ['bench'], targets: ['*'], allow: ['connect'] }],
  };
  writeFileSync(join(data, 'custody.yaml'), JSON.stringify(config));
  const main = resolve('fargate-proxy/main.ts');
  const args = [
    ...NODE_FLAGS,
    main,
    '--config',
    join(data, 'custody.yaml'),
    '--data-dir',
    data,
    '--listen',
    `127.0.0.1:${listen}`,
  ];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Discovery and keys, and one token that lasts. */
async function startIssuer(port: number): Promise<{ server: Server; url: string; token: string }> {
  const url = `http://127.0.0.1:${port}`;
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' }] };
  const documents: Record<string, unknown> = {
    '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/jwks` },
    '/jwks': jwks,
  };
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(documents[request.url ?? '']));
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const token = await new SignJWT({ groups: ['bench'] })
    .setProtectedHeader({ alg: 'ES256', kid: 'bench' })
    .setIssuer(url)
    .setAudience('custody')
    .setSubject('bench')
    .setIssuedAt()
    .setExpirationTime('12h')
    .sign(privateKey);
  return { server, url, token };
}

/** Resolves when something listens on the port; rejects after 20 s. */
async function portOpen(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const open = await new Promise<boolean>((done) => {
      const probe = connect(port, '127.0.0.1');
      probe.once('connect', () => done(true)).once('error', () => done(false));
      probe.once('connect', () => probe.destroy());
    });
    if (open) return;
    await sleep(100);
  }
  throw new Error(`nothing listens on port ${port}`);
}
