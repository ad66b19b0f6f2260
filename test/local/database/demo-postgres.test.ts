import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CustodyError } from '#core/errors.ts';
import {
  type DemoPostgres,
  type DemoPostgresOptions,
  startDemoPostgres,
} from '#local/database/demo-postgres.ts';
import { ownerForPostgres } from '#local/database/owner.ts';
import { postgresBinaries } from '#local/database/postgres-binaries.ts';
import { stopLeftover } from '#local/database/postgres-leftover.ts';
import { type LocalCertificates, localCertificates } from '#local/setup/certificates.ts';
import { freePortBase, temporaryFolder } from '#test/support/local-gateway.ts';

describe('the demo PostgreSQL', () => {
  const root = temporaryFolder();
  const passwordFile = join(root, 'secrets', 'orders-db');
  const said: string[] = [];
  const givenUp: CustodyError[] = [];
  let certificates: LocalCertificates;
  let options: DemoPostgresOptions;
  let server: DemoPostgres;
  beforeAll(async () => {
    certificates = await localCertificates(join(root, 'tls'), new Date());
    const folder = join(root, 'postgres');
    const port = (await freePortBase()) + 33;
    options = {
      folder,
      port,
      certificate: certificates.database,
      passwordFile,
      say: (line) => said.push(line),
      onGivenUp: (error) => givenUp.push(error),
      now: () => 0,
    };
    // What a start that was killed while it made the database leaves behind.
    mkdirSync(join(folder, 'building', 'half'), { recursive: true });
    server = await startDemoPostgres(options);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(root, { recursive: true });
  });

  async function query(sql: string, config: ClientConfig = {}): Promise<Record<string, unknown>[]> {
    const ssl = { ca: readFileSync(certificates.ca, 'utf8') };
    const password = readFileSync(passwordFile, 'utf8').trim();
    const usual = { host: 'localhost', port: options.port, database: 'orders', user: 'app', password, ssl };
    const client = new Client({ ...usual, ...config });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  test('has the orders, owned by app, the same on every machine', async () => {
    const rows = await query(`
      SELECT (SELECT count(*)::int FROM customers) customers, (SELECT count(*)::int FROM products) products,
             (SELECT count(*)::int FROM orders) orders, (SELECT count(*)::int FROM order_lines) lines,
             (SELECT md5(string_agg(c::text, '' ORDER BY id)) FROM customers c) hash`);
    expect(rows).toEqual([
      { customers: 120, products: 40, orders: 400, lines: 800, hash: 'bafee36e8caabf9d236154a75141ac91' },
    ]);
    const owners = await query("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'");
    expect(owners).toEqual([{ tableowner: 'app' }]);
  });

  test('gives app no more than its database', async () => {
    const rows = await query(
      'SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user',
    );
    expect(rows).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false }]);
  });

  test('lets nobody in without TLS, without the password, or as another role', async () => {
    await expect(query('SELECT 1', { ssl: false })).rejects.toThrow('no pg_hba.conf entry');
    await expect(query('SELECT 1', { password: 'guess' })).rejects.toThrow('password authentication failed');
    await expect(query('SELECT 1', { user: 'postgres' })).rejects.toThrow('password authentication failed');
  });

  test('listens on this machine only, and has no socket in the file system', () => {
    // https://www.postgresql.org/docs/current/storage-file-layout.html: port, socket folder, address.
    const lines = readFileSync(join(options.folder, 'data', 'postmaster.pid'), 'utf8').split('\n');
    expect(lines.slice(3, 6)).toEqual([String(options.port), '', '127.0.0.1']);
  });

  // Security case 15.
  test('keeps its password for the owner alone, as SCRAM in the database, and out of process arguments', async () => {
    expect(statSync(passwordFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).not.toContain(
      readFileSync(passwordFile, 'utf8').trim(),
    );
    expect(await query('SHOW password_encryption')).toEqual([{ password_encryption: 'scram-sha-256' }]);
    expect(existsSync(join(options.folder, 'building.password'))).toBe(false);
  });

  test('keeps rows and password over a restart', async () => {
    await query("INSERT INTO products VALUES (1000, 'kept', 1, 1)");
    const password = readFileSync(passwordFile, 'utf8');
    await server.stop();
    server = await startDemoPostgres(options);
    expect(await query('SELECT name FROM products WHERE id = 1000')).toEqual([{ name: 'kept' }]);
    expect(readFileSync(passwordFile, 'utf8')).toBe(password);
  });

  async function connected(): Promise<Client> {
    const ssl = { ca: readFileSync(certificates.ca, 'utf8') };
    const password = readFileSync(passwordFile, 'utf8').trim();
    const client = new Client({
      host: 'localhost',
      port: options.port,
      database: 'orders',
      user: 'app',
      password,
      ssl,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async function killAndAwait(line: string): Promise<void> {
    said.length = 0;
    process.kill(server.pid, 'SIGKILL');
    await vi.waitFor(() => expect(said.join()).toContain(line), 30_000);
  }

  test('one that is killed is started again, also while a session of it is busy', async () => {
    await query("INSERT INTO products VALUES (1001, 'kept', 1, 1)");
    const client = await connected();
    // Counting, it does not look whether its server is there.
    const busy = client.query('SELECT count(*) FROM generate_series(1, 1e12::bigint)').catch(String);
    await vi.waitFor(
      async () =>
        expect(
          await query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT count(*) FROM gen%'"),
        ).toHaveLength(1),
      20_000,
    );
    const before = server.pid;
    await killAndAwait('is back');
    expect(await busy).toMatch(/Error/);
    expect(said).toEqual([
      'the demo PostgreSQL died (SIGKILL); starting it again',
      `the demo PostgreSQL is back as process ${server.pid}`,
    ]);
    expect(server.pid).not.toBe(before);
    expect(await query('SELECT name FROM products WHERE id = 1001')).toEqual([{ name: 'kept' }]);
  });

  test('one that is stopped while it is started again stays stopped', async () => {
    await server.stop();
    let stopped: Promise<void> | undefined;
    server = await startDemoPostgres({
      ...options,
      say: (line) => {
        said.push(line);
        stopped ??= server.stop();
      },
    });
    await killAndAwait('died');
    await stopped;
    await expect(query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
    server = await startDemoPostgres(options);
  });

  test('one that cannot be started again is given up, in words', async () => {
    const password = readFileSync(passwordFile);
    rmSync(passwordFile);
    await killAndAwait('died');
    await vi.waitFor(() => expect(givenUp).toMatchObject([{ code: 'state-damaged' }]), 20_000);
    writeFileSync(passwordFile, password, { mode: 0o600 });
    givenUp.length = 0;
    server = await startDemoPostgres(options);
  });

  test('one that dies again and again is given up', async () => {
    for (let deaths = 1; deaths <= 5; deaths += 1) await killAndAwait('is back');
    process.kill(server.pid, 'SIGKILL');
    await vi.waitFor(() => expect(givenUp).toHaveLength(1), 20_000);
    expect(givenUp[0]!.message).toContain('it died 6 times within a minute, the last time of SIGKILL');
    givenUp.length = 0;
    server = await startDemoPostgres(options);
  });

  test('one that a killed start left behind is stopped first', async () => {
    await server.stop();
    const bin = postgresBinaries();
    const flags = [
      '-D',
      join(options.folder, 'data'),
      '-c',
      `port=${options.port}`,
      '-c',
      'unix_socket_directories=',
    ];
    const leftover = spawn(join(bin, 'postgres'), flags, {
      ...ownerForPostgres(options.folder, bin),
      cwd: '/',
      stdio: 'ignore',
    });
    onTestFinished(() => void leftover.kill('SIGQUIT'));
    const pidFile = join(options.folder, 'data', 'postmaster.pid');
    await vi.waitFor(() => expect(readFileSync(pidFile, 'utf8')).toMatch(/ready/), 20_000);
    await stopLeftover(options.folder);
    await vi.waitFor(() => expect(leftover.exitCode).toBe(0), 20_000);
    server = await startDemoPostgres(options);
    expect(await query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('a stale pid file of another process is nobody to stop', async () => {
    await server.stop();
    writeFileSync(join(options.folder, 'data', 'postmaster.pid'), `${process.pid}\n`);
    await stopLeftover(options.folder);
    expect(process.kill(process.pid, 0)).toBe(true);
    rmSync(join(options.folder, 'data', 'postmaster.pid'));
    server = await startDemoPostgres(options);
  });

  test('damage is told in its own words', async () => {
    await server.stop();
    const control = join(options.folder, 'data', 'global', 'pg_control');
    const bytes = readFileSync(control);
    writeFileSync(
      control,
      bytes.map((byte) => byte ^ 0xff),
    );
    await expect(startDemoPostgres(options)).rejects.toMatchObject({
      code: 'state-damaged',
      message: expect.stringMatching(/the demo PostgreSQL does not start: .*incompatible|corrupt/) as string,
    });
    writeFileSync(control, bytes);
    server = await startDemoPostgres(options);
  });

  test('says what to do when the password is gone', async () => {
    await server.stop();
    const password = readFileSync(passwordFile);
    rmSync(passwordFile);
    await expect(startDemoPostgres(options)).rejects.toMatchObject({ code: 'state-damaged' });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    server = await startDemoPostgres(options);
  });
});
