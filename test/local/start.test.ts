import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DemoRole } from '#adapters/local/demo-issuer.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

describe('npm start', () => {
  let local: LocalGateway;
  beforeAll(async () => {
    local = await startLocalGateway({ args: ['--drain-ms', '2000'] });
  });
  afterAll(() => local.stop());

  async function clientOf(person: DemoRole): Promise<Client> {
    const { postgres, ca } = local.addresses;
    const client = new Client({
      ...postgres,
      database: 'orders-db',
      user: 'anybody',
      password: await local.token(person),
      ssl: { ca: readFileSync(ca, 'utf8') },
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async function countOrders(): Promise<unknown> {
    const client = await clientOf('developer');
    const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM orders');
    await client.end();
    return rows[0]?.n;
  }

  async function sessions(person: DemoRole): Promise<{ id: string; state: string }[]> {
    const headers = { authorization: `Bearer ${await local.token(person)}`, connection: 'close' };
    const response = await fetch(`${local.addresses.api}/v1/sessions`, { headers });
    return ((await response.json()) as { sessions: { id: string; state: string }[] }).sessions;
  }

  test('says every address and path', () => {
    const { addresses, dataDir } = local;
    const base = addresses.postgres.port - 32;
    const { web, pids } = addresses;
    expect(addresses).toEqual({
      issuer: `http://127.0.0.1:${base + 1}`,
      console: `http://127.0.0.1:${base + 2}`,
      api: `http://127.0.0.1:${base + 2}`,
      postgres: { host: 'localhost', port: base + 32 },
      database: { host: '127.0.0.1', port: base + 33 },
      ssh: { host: 'localhost', port: base + 22 },
      ...(web === undefined ? {} : { web: { host: '127.0.0.1', port: base + 23, login: web.login } }),
      dataDir,
      config: `${dataDir}/custody.yaml`,
      ca: `${dataDir}/tls/ca.pem`,
      signer: `${dataDir}/signer.pem`,
      pids: {
        ...{ supervisor: expect.any(Number), gateway: expect.any(Number), database: expect.any(Number) },
        ...(pids.web === undefined ? {} : { web: pids.web }),
      },
    });
  });

  test('a developer works through it; the auditor finds the session, and may not connect', async () => {
    expect(await countOrders()).toBe(400);
    await vi.waitFor(
      async () => expect(await sessions('auditor')).toMatchObject([{ state: 'closed' }]),
      20_000,
    );
    await expect(clientOf('auditor')).rejects.toThrow(
      'there is no target "orders-db" that you may connect to',
    );
  });

  test('what is secret is for the owner alone', () => {
    const secrets = ['custody.yaml', 'signer.key', 'index.sqlite', 'oidc/jwks.json', 'oidc/state.sqlite'];
    for (const name of [
      ...secrets,
      'oidc/workloads-jwks.json',
      'secrets/orders-db',
      'tls/ca.key',
      'tls/gateway.key',
    ]) {
      expect([name, statSync(`${local.dataDir}/${name}`).mode & 0o077]).toEqual([name, 0]);
    }
  });

  test('a gateway that is killed comes back, and what it held is sealed', async () => {
    const client = await clientOf('developer');
    await client.query('SELECT 1');
    const before = local.gatewayPid;
    await local.kill9();
    expect(local.gatewayPid).not.toBe(before);
    expect(local.said).toContain('the gateway died (SIGKILL)');
    expect(await sessions('auditor')).toMatchObject([{ state: 'recovered' }, { state: 'closed' }]);
    expect(await countOrders()).toBe(400);
  });

  test('a demo PostgreSQL that is killed comes back, and sessions through the gateway with it', async () => {
    const client = await clientOf('developer');
    const cut = client.query('SELECT pg_sleep(600)').catch(String);
    await untilBusy(local);
    await local.killDatabase9();
    expect(await cut).toMatch(/error/i);
    expect(local.said).toContain('the demo PostgreSQL died (SIGKILL); starting it again');
    expect(await countOrders()).toBe(400);
  });

  test('a restart keeps sessions, keys, rules and rows', async () => {
    const ids = async (): Promise<string[]> => (await sessions('auditor')).map(({ id }) => id);
    const before = { ids: await ids(), key: readFileSync(local.addresses.signer, 'utf8') };
    const { config, postgres } = local.addresses;
    writeFileSync(config, readFileSync(config, 'utf8').replace('# nothing is allowed', '# mine: nothing is'));
    await local.restart();
    expect(await ids()).toEqual(before.ids);
    expect(readFileSync(local.addresses.signer, 'utf8')).toBe(before.key);
    expect(readFileSync(config, 'utf8')).toContain('# mine: nothing is');
    expect(local.addresses.postgres).toEqual(postgres);
    expect(await countOrders()).toBe(400);
  });

  test.each([
    ['SIGTERM', 'terminate'],
    ['Ctrl-C', 'interrupt'],
  ] as const)('%s lets a running session finish, and leaves nothing running', async (_name, end) => {
    await local.restart();
    const client = await clientOf('developer');
    const answer = client.query<{ done: string }>("SELECT pg_sleep(0.7), 'done' AS done");
    await untilBusy(local);
    const { supervisor, gateway, database } = local.addresses.pids;
    const code = local[end]();
    expect((await answer).rows[0]?.done).toBe('done');
    await client.end();
    expect(await code).toBe(0);
    for (const pid of [supervisor, gateway, database]) expect(isAlive(pid)).toBe(false);
    const { issuer, api, postgres, database: target } = local.addresses;
    for (const port of [new URL(issuer).port, new URL(api).port, postgres.port, target.port]) {
      expect(await listens(Number(port))).toBe(false);
    }
  });
});

/** Until the target runs the query: the gateway has opened its session. */
async function untilBusy(local: LocalGateway): Promise<void> {
  const headers = async () => ({
    authorization: `Bearer ${await local.token('auditor')}`,
    connection: 'close',
  });
  for (;;) {
    const response = await fetch(`${local.addresses.api}/v1/sessions?limit=1`, { headers: await headers() });
    const [latest] = ((await response.json()) as { sessions: { state: string }[] }).sessions;
    if (latest?.state === 'open') return;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => done(false));
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
  });
}
