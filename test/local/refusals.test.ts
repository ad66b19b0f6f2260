import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  freePortBase,
  type LocalRun,
  LocalStartError,
  startLocalMain,
  temporaryFolder,
} from '#test/support/local-gateway.ts';

describe('npm start on a folder of an earlier start', () => {
  const parent = temporaryFolder();
  const dataDir = join(parent, 'data');
  const copy = join(parent, 'copy');
  let base: number;
  let run: LocalRun | undefined;

  beforeAll(async () => {
    base = await freePortBase();
    await (await startLocalMain(args())).terminate();
    mkdirSync(copy);
    for (const name of readdirSync(dataDir).filter((name) => name !== 'postgres')) {
      cpSync(join(dataDir, name), join(copy, name), { recursive: true });
    }
  });
  beforeEach(() => cpSync(copy, dataDir, { recursive: true, force: true }));
  afterEach(async () => {
    await run?.terminate();
    run = undefined;
  });
  afterAll(() => rmSync(parent, { recursive: true }));

  function args(): string[] {
    return ['--data-dir', dataDir, '--port-base', String(base), '--drain-ms', '1000'];
  }

  /** Starts it, and gives what it said when it ended with exit code 1 and left nothing running. */
  async function refusal(more: readonly string[] = []): Promise<string> {
    const error = await startLocalMain([...args(), ...more]).then(
      async (started) => Promise.reject(new Error(`it started, code ${await started.terminate()}`)),
      (error: unknown) => error,
    );
    if (!(error instanceof LocalStartError)) throw error;
    expect(error.exitCode).toBe(1);
    expect(processesOf(dataDir)).toEqual([]);
    return error.said;
  }

  function damage(name: string, text: string): string {
    const file = join(dataDir, name);
    rmSync(file, { force: true });
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  test.each([
    [1, 'the demo identity provider'],
    [2, 'the API'],
    [32, 'the gateway'],
    [33, 'the demo PostgreSQL'],
  ])('the port base + %i is taken', async (offset, what) => {
    const server = await occupy(base + offset);
    const said = await refusal();
    server.close();
    expect(said).toBe(
      `custody: port ${base + offset}, for ${what}, is taken\n` +
        '  hint: stop what uses it, or choose other ports with --port-base\n',
    );
  });

  test('a mistake in custody.yaml, with its place', async () => {
    const file = join(dataDir, 'custody.yaml');
    damage(
      'custody.yaml',
      readFileSync(join(copy, 'custody.yaml'), 'utf8').replace('version: 1', 'version: 7'),
    );
    expect(await refusal()).toContain(`custody: ${file}:3`);
  });

  test('a session index that is none', async () => {
    const said = await refusal(damaged('index.sqlite'));
    expect(said).toMatch(/^custody: the session index .*index\.sqlite is damaged\n {2}hint: move it away/m);
  });

  test('a signing key that is none', async () => {
    const said = await refusal(damaged('signer.key'));
    expect(said).toMatch(/^custody: the signing key .* cannot be used/m);
  });

  test('a signing key that others may read', async () => {
    chmodSync(join(dataDir, 'signer.key'), 0o644);
    const said = await refusal();
    chmodSync(join(dataDir, 'signer.key'), 0o600);
    expect(said).toContain(`run: chmod 600 ${join(dataDir, 'signer.key')}`);
  });

  test("the identity provider's keys are none", async () => {
    expect(await refusal(damaged('oidc/jwks.json'))).toMatch(/^custody: .*jwks\.json cannot be used/m);
  });

  test("the identity provider's state is none", async () => {
    for (const rest of ['-wal', '-shm']) rmSync(join(dataDir, `oidc/state.sqlite${rest}`), { force: true });
    expect(await refusal(damaged('oidc/state.sqlite'))).toMatch(/^custody: .*state\.sqlite is damaged/m);
  });

  test("the gateway's certificate is none", async () => {
    expect(await refusal(damaged('tls/gateway.pem'))).toMatch(/^custody: .*gateway\.pem cannot be used/m);
  });

  test('a folder where a file should be', async () => {
    const file = join(dataDir, 'custody.yaml');
    rmSync(file);
    mkdirSync(file);
    const said = await refusal();
    rmSync(file, { recursive: true });
    expect(said).toMatch(/^custody: .*custody\.yaml cannot be read: EISDIR.*\n {2}hint: see what is there/m);
  });

  test('a file where the data folder should be', async () => {
    const said = await refusal(['--data-dir', join(dataDir, 'signer.pem')]);
    expect(said).toMatch(/^custody: EEXIST.*signer\.pem.*\n {2}hint: see whether the file/m);
  });

  test('options that make no sense', async () => {
    expect(await refusal(['--port-base', 'many'])).toContain(
      'custody: --port-base many is not a whole number',
    );
    expect(await refusal(['--prot-base', '7'])).toContain('hint: usage: npm start -- [--data-dir DIR]');
  });

  test('a second one on the same folder leaves the first as it is', async () => {
    run = await startLocalMain(args());
    const other = ['--port-base', String(await freePortBase())];
    const config = readFileSync(join(dataDir, 'custody.yaml'), 'utf8');
    await expect(startLocalMain([...args(), ...other])).rejects.toThrow(
      `another npm start uses the data folder ${dataDir}`,
    );
    expect(readFileSync(join(dataDir, 'custody.yaml'), 'utf8')).toBe(config);
    const { database, gateway } = run.addresses.pids;
    expect(processesOf(dataDir)).toEqual(expect.arrayContaining([database, gateway]));
  });

  test('after kill -9 the gateway ends by itself, and the next start takes over what is left', async () => {
    const killed = await startLocalMain(args());
    await killed.kill();
    const { database, gateway } = killed.addresses.pids;
    await vi.waitFor(() => expect(processesOf(dataDir)).not.toContain(gateway), { timeout: 10_000 });
    expect(processesOf(dataDir)).toContain(database);
    run = await startLocalMain(args());
    expect(run.addresses.pids.database).not.toBe(database);
    expect(processesOf(dataDir)).not.toContain(database);
  });

  test('a gateway that keeps dying is given up after five more starts, and nothing stays', async () => {
    const dying = await startLocalMain(args());
    run = dying;
    let gateway = dying.addresses.pids.gateway;
    for (let times = 1; times <= 5; times += 1) {
      process.kill(gateway, 'SIGKILL');
      await dying.until(() => backs(dying).length === times);
      gateway = backs(dying).at(-1)!;
    }
    process.kill(gateway, 'SIGKILL');
    await expect(dying.until(() => false)).rejects.toMatchObject({
      exitCode: 1,
      said: expect.stringContaining('it died 6 times within a minute') as string,
    });
    expect(processesOf(dataDir)).toEqual([]);
  });

  test('standard output is one line of JSON and nothing else', async () => {
    const started = await startLocalMain(args());
    expect(await started.terminate()).toBe(0);
    expect(started.stdout()).toBe(`${JSON.stringify(started.addresses)}\n`);
  });

  function damaged(name: string): [] {
    damage(name, 'this is not what it should be\n'.repeat(100));
    return [];
  }
});

function backs(run: LocalRun): number[] {
  return [...run.said().matchAll(/the gateway is back as process (\d+)/g)].map(([, pid]) => Number(pid));
}

/** The gateway's and PostgreSQL's main processes that name the folder among their arguments. */
function processesOf(dataDir: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandLine(pid).includes(dataDir)).map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function occupy(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((done) => server.listen(port, '127.0.0.1', () => done(server)));
}
