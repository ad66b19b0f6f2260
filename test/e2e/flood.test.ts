import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareFolder } from '#test/chaos/stand.ts';
import { flood } from '#test/flood/stand.ts';
import { eventually, hasClient, libpqEnvironment } from '#test/support/clients.ts';
import {
  freePortBase,
  type LocalGateway,
  startLocalGateway,
  temporaryFolder,
} from '#test/support/local-gateway.ts';
import { OwnGateway } from '#test/support/own-gateway.ts';

let local: LocalGateway;
beforeAll(async () => {
  local = await startLocalGateway();
});
const folders: string[] = [];
afterAll(async () => {
  await local?.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** With a configuration, keys and secrets. */
function newDataDir(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  prepareFolder(local, dataDir);
  return dataDir;
}

async function ownGateway(args: readonly string[]): Promise<{ gateway: OwnGateway; port: number }> {
  const port = (await freePortBase()) + 1;
  const gateway = new OwnGateway(local, newDataDir(), port, args);
  await gateway.start();
  return { gateway, port };
}

describe.skipIf(!hasClient('prlimit'))('a flood (security case 16)', () => {
  it.each([
    { kind: 'silent', limit: 300, addresses: 1 },
    { kind: 'half-tls', limit: 300, addresses: 1 },
    { kind: 'silent', limit: 1024, addresses: 200 },
  ] as const)(
    'of peers that are $kind, from $addresses addresses, with $limit open files, reaches nobody else',
    async (how) => {
      const { failed, broken, unsealed, faults, ...figures } = await flood(local, {
        ...how,
        ms: 2_500,
        sessions: 6,
      });
      expect({ failed, broken, unsealed, faults }).toEqual({
        failed: [],
        broken: [],
        unsealed: [],
        faults: [],
      });
      expect(figures.connects).toBeGreaterThan(how.limit);
      expect(figures.logins).toBeGreaterThan(1);
      expect(figures.queries).toBeGreaterThan(6);
      expect(figures.descriptors).toBeLessThan(how.limit);
      // A line for each session, a few for the peers, and what sums them up.
      expect(figures.lines).toBeLessThan(figures.logins + 40);
    },
    60_000,
  );
});

describe('the room inside', () => {
  it('is bounded: one session more is refused in words of the protocol, and comes in when another has gone', async () => {
    const { gateway } = await ownGateway(['--sessions-max', '2']);
    const inside = [await gateway.connect('windowed'), await gateway.connect('write-ahead')];
    await expect(gateway.connect('windowed')).rejects.toMatchObject({
      code: '53300',
      message: 'this gateway has its 2 sessions already',
    });
    for (const { client } of inside) await client.query('select 1');
    await inside[0]!.client.end();
    const next = await eventually('room for another', () =>
      gateway.connect('windowed').then(
        (client) => client,
        () => undefined,
      ),
    );
    await next.client.query('select 2');
    for (const { client } of [inside[1]!, next]) await client.end();
    await gateway.stop();
    expect(gateway.said.find(({ event }) => event === 'listening')).toMatchObject({
      sessions: 2,
      peers: expect.any(Number) as number,
      perAddress: expect.any(Number) as number,
      openFiles: expect.any(Number) as number,
    });
  });

  it('a limit that is too low for a gateway is said at its start', async () => {
    const gateway = new OwnGateway(local, newDataDir(), (await freePortBase()) + 1);
    await expect(gateway.start(['prlimit', '--nofile=100:100'])).rejects.toThrow(
      /a limit of 100 open files is too low for a gateway/,
    );
  });
});

describe.skipIf(!hasClient('psql'))('a peer that nobody refused', () => {
  it('is no error: a port probe, and a client that goes to ask for the password', async () => {
    const { gateway, port } = await ownGateway([]);
    connect(port, '127.0.0.1').end();
    const prompted = spawnSync('psql', ['-w', '-XAtc', 'select 1'], {
      env: { ...libpqEnvironment(local, ''), PGPORT: String(port), PGDATABASE: 'windowed' },
      encoding: 'utf8',
    });
    expect(prompted.stderr).toContain('no password supplied');
    // What comes after both of them.
    const { client } = await gateway.connect('windowed');
    await client.end();
    await eventually('the session', () => gateway.said.find(({ event }) => event === 'session-closed'));
    expect(gateway.said.filter(({ level }) => level !== 'info')).toEqual([]);
    await gateway.stop();
  });
});

describe('what a stranger says', () => {
  const NAMES = 'a\u009b31m\u202eb\u200b';
  const UNSEEN = /[\u0080-\u009f\u202a-\u202e\u200b]/;

  it('is never raw on the terminal of npm start, and a mistyped password is nowhere (security cases 15 and 18)', async () => {
    const { port } = local.addresses.postgres;
    const before = local.said.length;
    const secret = 'hunter2-and-more';
    const encoded = Buffer.from(`{"alg":"${secret}","kid":"${secret}"}`).toString('base64url');
    for (const password of [secret, `${encoded}.${encoded}.c2ln`]) {
      const ssl = { ca: readFileSync(local.addresses.ca, 'utf8'), servername: 'localhost' };
      const names = { user: NAMES, database: NAMES, application_name: NAMES };
      const client = new pg.Client({ host: '127.0.0.1', port, ...names, password, ssl });
      await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
    }
    const said = await eventually('both in the log', () => {
      const lines = local.said.slice(before);
      return lines.split('"code":"token-invalid"').length > 2 ? lines : undefined;
    });
    expect(said).toMatch(/127\.0\.0\.1:\d+/);
    expect(said).not.toMatch(UNSEEN);
    expect(said).toContain(String.raw`a\u009b31m\u202eb\u200b`);
    for (const part of [secret, secret.slice(1), 'hunter2', encoded.slice(0, 12)])
      expect(said).not.toContain(part);
  });
});
