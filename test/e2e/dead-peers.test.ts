import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

describe.skipIf(!hasClient('psql') || !canHaveOtherMachines())('a machine that vanishes', () => {
  let local: LocalGateway;
  let machine: OtherMachine;
  let gateway: OwnGateway;
  let port: number;
  let dataDir: string;
  let relayed: Server | undefined;
  beforeAll(async () => {
    local = await startLocalGateway();
  });
  afterAll(() => local?.stop());

  beforeEach(async () => {
    machine = otherMachine();
    dataDir = join(temporaryFolder(), 'data');
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    prepareFolder(local, dataDir);
    port = (await freePortBase()) + 1;
  });
  afterEach(async () => {
    await gateway?.stop('SIGKILL');
    relayed?.close();
    machine.remove();
    rmSync(join(dataDir, '..'), { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    gateway = new OwnGateway(local, dataDir, port, ['--user-timeout-ms', String(USER_TIMEOUT_MS)], '0.0.0.0');
    await gateway.start();
  }

  async function endOf() {
    const ended = await eventually(
      'the end of the session',
      async () => {
        const [session] = await gateway.sessions();
        return session?.outcome === undefined ? undefined : session;
      },
      SOON_MS,
    );
    expect(await gateway.verify(ended.id)).toMatchObject({ verdict: 'verified', findings: [] });
    const close = JSON.parse(
      readFileSync(join(dataDir, 'store', 'sessions', ended.id, 'close.json'), 'utf8'),
    ) as { reason: string; detail: string };
    return { reason: close.reason, detail: close.detail };
  }

  it('with bytes for a client in flight: the session ends soon, sealed, and says what happened', async () => {
    await start();
    const env = { ...libpqEnvironment(local, await local.token('developer'), 'windowed') };
    const where = { PGHOST: 'localhost', PGHOSTADDR: machine.here, PGPORT: String(port) };
    const client = machine.run('psql', ['-XAtc', ENDLESS], { ...env, ...where });
    await once(client.stdout!, 'data');
    client.stdout!.resume();
    machine.cut();
    const cutAt = performance.now();
    const { reason, detail } = await endOf();
    client.kill('SIGKILL');
    expect(reason).toBe('client-lost');
    expect(detail).toMatch(/^the client has answered nothing that was sent to it for \d+ s$/);
    expect(performance.now() - cutAt).toBeGreaterThan(USER_TIMEOUT_MS);
  });

  it('with bytes for a target in flight: the client is told, and the session ends soon, sealed', async () => {
    relayed = await listenHere(machine.here, local.addresses.database.port);
    const { port: portHere } = relayed.address() as { port: number };
    const addresses = [machine.there, String(PORT_THERE), machine.here, String(portHere)];
    const forward = machine.run(process.execPath, ['-e', FORWARD, ...addresses]);
    await once(forward.stdout!, 'data');
    moveTargets(`${machine.there}:${PORT_THERE}`);
    await start();
    const { client, errors, ended } = await gateway.connect('windowed');
    await client.query('select 1');
    machine.cut();
    const answer = client.query("select 'nobody hears this'").catch((error: Error) => error.message);
    const { reason, detail } = await endOf();
    expect(reason).toBe('target-lost');
    expect(detail).toMatch(/^the target has answered nothing that was sent to it for \d+ s$/);
    await ended;
    expect(JSON.stringify([await answer, ...errors])).toContain('the target does not answer any more');
  });

  it('while a client merely reads slowly: it is there, and its session goes on', async () => {
    await start();
    const env = { ...libpqEnvironment(local, await local.token('developer'), 'windowed') };
    const where = { PGHOST: 'localhost', PGHOSTADDR: machine.here, PGPORT: String(port) };
    const client = machine.run('psql', ['-XAtc', ENDLESS], { ...env, ...where });
    await once(client.stdout!, 'data');
    client.stdout!.pause();
    await new Promise((resume) => setTimeout(resume, USER_TIMEOUT_MS + 6_000));
    const [session] = await gateway.sessions();
    expect(session!.state).toBe('open');
    client.kill('SIGKILL');
  });

  function moveTargets(address: string): void {
    const file = join(dataDir, 'custody.yaml');
    const config = parseDocument(readFileSync(file, 'utf8'));
    config.setIn(['targets', 'windowed', 'address'], address);
    config.setIn(['targets', 'windowed', 'connect'], { userTimeout: `${USER_TIMEOUT_MS / 1000}s` });
    writeFileSync(file, String(config));
  }
});

/** The database, at an address that the other machine reaches. */
async function listenHere(host: string, databasePort: number): Promise<Server> {
  const server = createServer((socket) => {
    const database = connect(databasePort, '127.0.0.1');
    socket.pipe(database).pipe(socket);
    for (const end of [socket, database]) end.on('error', () => undefined);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}
