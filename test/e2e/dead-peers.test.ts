import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { prepareFolder } from '#test/chaos/stand.ts';
import { eventually, hasClient, libpqEnvironment } from '#test/support/clients.ts';
import {
  freePortBase,
  type LocalGateway,
  startLocalGateway,
  temporaryFolder,
} from '#test/support/local-gateway.ts';
import { canHaveOtherMachines, type OtherMachine, otherMachine } from '#test/support/net-namespace.ts';
import { OwnGateway } from '#test/support/own-gateway.ts';

/** Bytes both ways between a port and an address, in another process on another machine. */
const FORWARD = `
  const { connect, createServer } = require('node:net');
  const [host, port, toHost, toPort] = process.argv.slice(1);
  createServer((socket) => {
    const other = connect(Number(toPort), toHost);
    socket.pipe(other).pipe(socket);
    for (const end of [socket, other]) end.on('error', () => process.exit(0));
  }).listen(Number(port), host, () => console.log('ready'));`;
const PORT_THERE = 6_432;
const ENDLESS = "copy (select generate_series(1, 1000000000), repeat('x', 100)) to stdout";
const USER_TIMEOUT_MS = 5_000;
/** A look every 5 s, and the goodbye. */
const SOON_MS = USER_TIMEOUT_MS + 12_000;

/** All of them wait, for the most part: so they do it at once. */
describe.skipIf(!hasClient('psql') || !canHaveOtherMachines()).concurrent('a machine that vanishes', () => {
  let local: LocalGateway;
  let ports: readonly number[];
  beforeAll(async () => {
    local = await startLocalGateway();
    const base = await freePortBase();
    ports = [base + 1, base + 2, base + 22];
  });
  afterAll(() => local?.stop());

  it('with bytes for a client in flight: the session ends soon, sealed, and says what happened', async () => {
    await using scene = new Scene(local, ports[0]!);
    await scene.start();
    const client = await scene.reader();
    client.stdout!.resume();
    scene.machine.cut();
    const cutAt = performance.now();
    const { reason, detail, verified } = await scene.end();
    client.kill('SIGKILL');
    expect(verified).toEqual({ verdict: 'verified', findings: [] });
    expect(reason).toBe('client-lost');
    expect(detail).toMatch(/^the client has answered nothing that was sent to it for \d+ s$/);
    expect(performance.now() - cutAt).toBeGreaterThan(USER_TIMEOUT_MS);
  });

  it('with bytes for a target in flight: the client is told, and the session ends soon, sealed', async () => {
    await using scene = new Scene(local, ports[1]!);
    const { machine, gateway } = scene;
    using relayed = await listenHere(machine.here, local.addresses.database.port);
    const addresses = [machine.there, String(PORT_THERE), machine.here, String(relayed.port)];
    const forward = machine.run(process.execPath, ['-e', FORWARD, ...addresses]);
    await once(forward.stdout!, 'data');
    scene.moveTargets(`${machine.there}:${PORT_THERE}`);
    await scene.start();
    const { client, errors, ended } = await gateway.connect('windowed');
    await client.query('select 1');
    machine.cut();
    const answer = client.query("select 'nobody hears this'").catch((error: Error) => error.message);
    const { reason, detail, verified } = await scene.end();
    expect(verified).toEqual({ verdict: 'verified', findings: [] });
    expect(reason).toBe('target-lost');
    expect(detail).toMatch(/^the target has answered nothing that was sent to it for \d+ s$/);
    await ended;
    expect(JSON.stringify([await answer, ...errors])).toContain('the target does not answer any more');
  });

  it('while a client merely reads slowly: it is there, and its session goes on', async () => {
    await using scene = new Scene(local, ports[2]!);
    await scene.start();
    const client = await scene.reader();
    client.stdout!.pause();
    await new Promise((resume) => setTimeout(resume, USER_TIMEOUT_MS + 6_000));
    const [session] = await scene.gateway.sessions();
    expect(session!.state).toBe('open');
    client.kill('SIGKILL');
  });
});

/** Another machine, and a gateway of its own. */
class Scene implements AsyncDisposable {
  readonly machine: OtherMachine;
  readonly gateway: OwnGateway;
  readonly #local: LocalGateway;
  readonly #port: number;
  readonly #dataDir: string;

  constructor(local: LocalGateway, port: number) {
    this.#local = local;
    this.#port = port;
    this.#dataDir = join(temporaryFolder(), 'data');
    mkdirSync(this.#dataDir, { recursive: true, mode: 0o700 });
    prepareFolder(local, this.#dataDir);
    this.machine = otherMachine();
    const args = ['--user-timeout-ms', String(USER_TIMEOUT_MS)];
    this.gateway = new OwnGateway(local, this.#dataDir, port, args, '0.0.0.0');
  }

  start(): Promise<void> {
    return this.gateway.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.stop('SIGKILL');
    this.machine.remove();
    rmSync(join(this.#dataDir, '..'), { recursive: true, force: true });
  }

  /** psql over there, to which an answer comes that has no end. */
  async reader(): Promise<ChildProcess> {
    const env = { ...libpqEnvironment(this.#local, await this.#local.token('developer'), 'windowed') };
    const where = { PGHOST: 'localhost', PGHOSTADDR: this.machine.here, PGPORT: String(this.#port) };
    const client = this.machine.run('psql', ['-XAtc', ENDLESS], { ...env, ...where });
    await once(client.stdout!, 'data');
    return client;
  }

  async end(): Promise<{ reason: string; detail: string; verified: object }> {
    const ended = await eventually(
      'the end of the session',
      async () => {
        const [session] = await this.gateway.sessions();
        return session?.outcome === undefined ? undefined : session;
      },
      SOON_MS,
    );
    const { verdict, findings } = await this.gateway.verify(ended.id);
    const file = join(this.#dataDir, 'store', 'sessions', ended.id, 'close.json');
    const { reason, detail } = JSON.parse(readFileSync(file, 'utf8')) as { reason: string; detail: string };
    return { reason, detail, verified: { verdict, findings } };
  }

  moveTargets(address: string): void {
    const file = join(this.#dataDir, 'custody.yaml');
    const config = parseDocument(readFileSync(file, 'utf8'));
    config.setIn(['targets', 'windowed', 'address'], address);
    config.setIn(['targets', 'windowed', 'connect'], { userTimeout: `${USER_TIMEOUT_MS / 1000}s` });
    writeFileSync(file, String(config));
  }
}

/** The database, at an address that the other machine reaches. */
async function listenHere(host: string, databasePort: number): Promise<{ port: number } & Disposable> {
  const server = createServer((socket) => {
    const database = connect(databasePort, '127.0.0.1');
    socket.pipe(database).pipe(socket);
    for (const end of [socket, database]) end.on('error', () => undefined);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return { port, [Symbol.dispose]: () => void server.close() };
}
