import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { journalRemains } from '#adapters/local/journal.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { eventually } from '#test/support/clients.ts';
import {
  freePortBase,
  type LocalGateway,
  startLocalGateway,
  temporaryFolder,
} from '#test/support/local-gateway.ts';
import { bytesOf, framesOf, untilJournaled, verify } from '#test/support/recorded.ts';

const MAIN = fileURLToPath(new URL('../../fargate-proxy/main.ts', import.meta.url));
const SEALER = fileURLToPath(new URL('../../local/sealer.ts', import.meta.url));
const LEASE_MS = 1_500;

let local: LocalGateway;
let dataDir: string;
let port: number;
let task: ChildProcess;
let said = '';

/** A gateway of our own in front of the demo's database, with a short lease and nobody who starts it again. */
beforeAll(async () => {
  local = await startLocalGateway();
  dataDir = join(temporaryFolder(), 'data');
  port = (await freePortBase()) + 1;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  for (const name of ['tls', 'secrets', 'signer.key', 'signer.pem', 'custody.yaml']) {
    cpSync(join(local.dataDir, name), join(dataDir, name), { recursive: true });
  }
  const options = ['--config', join(dataDir, 'custody.yaml'), '--data-dir', dataDir];
  task = spawn(
    process.execPath,
    [MAIN, ...options, '--listen', `127.0.0.1:${port}`, '--lease-ms', String(LEASE_MS)],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  task.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
  await eventually('the gateway to listen', async () =>
    said.includes('"event":"listening"') ? true : undefined,
  );
});
afterAll(async () => {
  task?.kill('SIGKILL');
  await local?.stop();
});

async function connect(): Promise<{ client: pg.Client; errors: Error[] }> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    database: 'orders-db',
    user: 'dana',
    password: await local.token('developer'),
    ssl: { ca: readFileSync(local.addresses.ca, 'utf8'), servername: 'localhost' },
  });
  const errors: Error[] = [];
  client.on('error', (error) => errors.push(error));
  await client.connect();
  return { client, errors };
}

/** Runs the sealer once; the sessions it sealed. */
async function seal(): Promise<number> {
  const { stderr } = await promisify(execFile)(process.execPath, [SEALER, '--data-dir', dataDir, '--once']);
  return (JSON.parse(stderr.trim().split('\n').at(-1)!) as { sessions: number }).sessions;
}

async function newest(): Promise<{ id: string; outcome?: { reason: string; recovered: boolean } }> {
  const index = openSessionIndex(join(dataDir, 'index.sqlite'));
  const { sessions } = await index.list({ limit: 1 });
  index.close();
  return sessions[0]!;
}

describe('a gateway that sleeps for longer than its lease', () => {
  it('is left alone while it renews, is sealed while it sleeps, and may not continue when it wakes', async () => {
    const { client, errors } = await connect();
    await client.query('select 1 as before');
    expect(await seal()).toBe(0);
    expect((await newest()).outcome).toBeUndefined();

    await untilJournaled(journalRemains(join(dataDir, 'journal')), 'select 1 as before');
    task.kill('SIGSTOP');
    const sealed = await eventually('the lease to run out', async () => (await seal()) || undefined, 20_000);
    expect(sealed).toBe(1);
    const { id, outcome } = await newest();
    expect(outcome).toMatchObject({ reason: 'recovered', recovered: true });

    const late = client.query("select 'after' as late").catch((error: unknown) => error);
    const exited = new Promise((done) => task.once('exit', done));
    task.kill('SIGCONT');
    expect(await late).toBeInstanceOf(Error);
    expect(await exited).toBe(1);
    expect(said).toContain('"event":"abandoned"');
    expect(errors.map(String).join() + String(await late)).toMatch(/taken over|terminated|closed/);

    expect(await seal()).toBe(0);
    const gateway = {
      ...local,
      dataDir,
      addresses: { ...local.addresses, signer: join(dataDir, 'signer.pem') },
    };
    const report = await verify(gateway, id);
    expect(report).toMatchObject({ verdict: 'verified', findings: [] });
    const recorded = bytesOf(await framesOf(gateway, id), 'client').toString();
    expect(recorded).toContain('select 1 as before');
    expect(recorded).not.toContain('after');
  });
});
