import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type LocalCertificates, localCertificates } from '#local/certificates.ts';
import {
  type DemoPostgres,
  type DemoPostgresOptions,
  startDemoPostgres,
  stopLeftover,
} from '#local/demo-postgres.ts';
import { freePortBase, temporaryFolder } from '#test/support/local-gateway.ts';

describe('the demo PostgreSQL', () => {
  const root = temporaryFolder();
  const passwordFile = join(root, 'secrets', 'orders-db');
  const said: string[] = [];
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

  test('one that a killed start left behind is stopped first', async () => {
    const leftover = server.pid;
    await stopLeftover(options.folder);
    await vi.waitFor(() => expect(() => process.kill(leftover, 0)).toThrow('ESRCH'), 20_000);
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
