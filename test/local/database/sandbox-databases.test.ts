import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CustodyError } from '#core/errors.ts';
import type { Progress } from '#core/sandboxes/ports.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';
import { baseCopyOf } from '#local/database/base-copy.ts';
import {
  type DemoPostgres,
  type DemoPostgresOptions,
  startDemoPostgres,
} from '#local/database/demo-postgres.ts';
import { SandboxDatabases } from '#local/database/sandbox-databases.ts';
import { type LocalCertificates, localCertificates } from '#local/setup/certificates.ts';
import { processIds, readIfThere } from '#local/supervisor/processes.ts';
import { freePortBase, temporaryFolder } from '#test/support/local-gateway.ts';

/** Time goes by in whole milliseconds, between what two transactions have done. */
const moment = async (): Promise<Date> => {
  await sleep(5);
  const now = new Date();
  await sleep(5);
  return now;
};

describe('sandboxes of the demo database', () => {
  const root = temporaryFolder();
  const folder = join(root, 'postgres');
  const passwordFile = join(root, 'secrets', 'orders-db');
  let certificates: LocalCertificates;
  let options: DemoPostgresOptions;
  let server: DemoPostgres;
  let maker: SandboxDatabases;
  const newMaker = () =>
    new SandboxDatabases({
      ...{ folder, port: options.port, passwordFile },
      certificate: certificates.database,
      caFile: certificates.ca,
    });
  beforeAll(async () => {
    certificates = await localCertificates(join(root, 'tls'), new Date());
    options = {
      ...{ folder, passwordFile, port: (await freePortBase()) + 33, certificate: certificates.database },
      say: () => undefined,
      onGivenUp: (error: CustodyError) => expect.fail(error.message),
      now: () => 0,
    };
    server = await startDemoPostgres(options);
    maker = newMaker();
  });
  afterAll(async () => {
    await maker.stop();
    await server.stop();
    rmSync(root, { recursive: true });
  });

  async function query(port: number, sql: string): Promise<unknown[]> {
    const client = new Client({
      ...{ host: 'localhost', port, database: 'orders', user: 'app' },
      password: readFileSync(passwordFile, 'utf8').trim(),
      ssl: { ca: readFileSync(certificates.ca, 'utf8') },
    });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0]);
    } finally {
      await client.end();
    }
  }

  let made = 0;
  function sandboxAt(at: Date, more: Partial<Sandbox> = {}): Sandbox {
    made += 1;
    return {
      id: `019ad029-1c00-7a61-9f43-0000000000${String(made).padStart(2, '0')}`,
      version: 0,
      ...{ target: 'sandbox-db', from: 'orders-db', at: at.toISOString(), state: 'making', gone: false },
      by: { issuer: 'https://id.example.com', subject: 'dev-1' },
      createdAt: at.toISOString(),
      until: '2100-01-01T00:00:00.000Z',
      ...more,
    };
  }

  async function outcome(sandbox: Sandbox, by = maker): Promise<Exclude<Progress, { state: 'making' }>> {
    for (;;) {
      const progress = await by.make(sandbox);
      if (progress.state !== 'making') return progress;
      await sleep(10);
    }
  }

  async function portOf(sandbox: Sandbox): Promise<number> {
    const progress = await outcome(sandbox);
    if (progress.state !== 'ready') throw new Error(progress.message);
    return progress.address.port;
  }

  async function gone(id: string, by = maker): Promise<void> {
    while (!(await by.remove(id))) await sleep(10);
  }

  const processesIn = (place: string): number[] =>
    processIds().filter((pid) => readIfThere(`/proc/${pid}/cmdline`).includes(place));

  test('have the data as it was at their time, and as it is now', async () => {
    await query(options.port, 'CREATE TABLE marks (mark text)');
    const before = await moment();
    await query(options.port, "INSERT INTO marks VALUES ('first')");
    const between = await moment();
    await query(options.port, "INSERT INTO marks VALUES ('second')");
    const now = await moment();
    const sandboxes = [before, between, now].map((at) => sandboxAt(at));
    const began = performance.now();
    const ports = await Promise.all(sandboxes.map(portOf));
    process.stderr.write(`three sandboxes at once: ${Math.round(performance.now() - began)} ms\n`);
    const found = await Promise.all(ports.map((port) => query(port, 'SELECT mark FROM marks ORDER BY mark')));
    expect(found).toEqual([[], ['first'], ['first', 'second']]);
    await query(ports[2]!, "INSERT INTO marks VALUES ('in the sandbox')");
    expect(await query(options.port, 'SELECT count(*)::int FROM marks')).toEqual([2]);
    for (const { id } of sandboxes) await gone(id);
    expect(await maker.existing()).toEqual([]);
    expect(processesIn(join(folder, 'sandboxes'))).toEqual([]);
  });

  test('say how far back they go', async () => {
    const early = new Date(baseCopyOf(folder)!.takenAt.getTime() - 1);
    const sandbox = sandboxAt(early);
    expect(await outcome(sandbox)).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('can be had as it was since'),
    });
    await gone(sandbox.id);
  });

  test('of which the server died are no longer ready', async () => {
    const sandbox = sandboxAt(await moment());
    await portOf(sandbox);
    const pid = Number(
      readIfThere(join(folder, 'sandboxes', sandbox.id, 'data', 'postmaster.pid')).split('\n')[0],
    );
    process.kill(pid, 'SIGKILL');
    await expect
      .poll(() => maker.make(sandbox))
      .toMatchObject({ state: 'failed', message: 'its server has ended' });
    await gone(sandbox.id);
    // One that another process of ours had made.
    expect(await maker.make(sandboxAt(new Date(), { state: 'ready' }))).toMatchObject({ state: 'failed' });
  });

  test('that are removed while they are made leave nothing', async () => {
    const sandbox = sandboxAt(await moment());
    await maker.make(sandbox);
    await gone(sandbox.id);
    expect(await maker.existing()).toEqual([]);
    expect(processesIn(sandbox.id)).toEqual([]);
  });

  test('that a killed process left, at whichever step, are removed by the next', async () => {
    const sandbox = sandboxAt(await moment());
    await portOf(sandbox);
    const later = newMaker();
    expect(await later.existing()).toEqual([sandbox.id]);
    await gone(sandbox.id, later);
    expect(processesIn(sandbox.id)).toEqual([]);
    // A copy that was being made.
    const half = sandboxAt(await moment());
    const place = join(folder, 'sandboxes', half.id);
    mkdirSync(join(place, 'data'), { recursive: true });
    writeFileSync(join(place, 'data', 'PG_VERSION'), '18');
    const copying = spawn('sleep', ['600'], { argv0: join(place, 'data') });
    expect(processesIn(half.id)).toEqual([copying.pid]);
    expect((await outcome(half, later)).state).toBe('ready');
    expect(
      copying.signalCode ?? (await new Promise((done) => copying.once('exit', (_, by) => done(by)))),
    ).toBe('SIGKILL');
    await gone(half.id, later);
    expect(existsSync(place)).toBe(false);
  });

  test('can be made of a folder from before, also where its server was killed', async () => {
    await maker.stop();
    await query(options.port, "INSERT INTO marks VALUES ('third')");
    process.kill(server.pid, 'SIGKILL');
    await server.stop();
    rmSync(join(folder, 'base'), { recursive: true });
    const old = Date.now();
    server = await startDemoPostgres(options);
    expect(baseCopyOf(folder)!.takenAt.getTime()).toBeGreaterThanOrEqual(old);
    maker = newMaker();
    const port = await portOf(sandboxAt(await moment()));
    expect(await query(port, "SELECT count(*)::int FROM marks WHERE mark = 'third'")).toEqual([1]);
    expect(readdirSync(join(folder, 'base', 'data', 'pg_wal')).toSorted()).toEqual([
      'archive_status',
      'summaries',
    ]);
  });
});
