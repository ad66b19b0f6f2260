import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import pg from 'pg';
import { afterAll, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import { authenticationOk, backendKeyData, readyForQuery } from '#core/protocols/postgres/backend.ts';
import { localCertificates } from '#local/setup/certificates.ts';
import type { Greeting } from '#proxy/protocol.ts';
import { CancelKeys } from '#proxy/protocols/postgres/cancel.ts';
import { postgresProtocol } from '#proxy/protocols/postgres/postgres.ts';
import type { SessionTape } from '#proxy/recorder/tapes.ts';
import { streamBindings } from '#proxy/wire/raw-end.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import { noHurry } from '#test/support/greeting-time.ts';

const NOW = new Date('2026-11-28T09:00:00.000Z');
const folder = mkdtempSync(join(tmpdir(), 'custody-cancel-key-'));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return (server.address() as AddressInfo).port;
}

/** What lets Dana connect to a target that takes any login. */
async function permission(): Promise<Authorization<'connect'>> {
  const hello = Buffer.concat([authenticationOk(), backendKeyData(7, Buffer.alloc(4)), readyForQuery('I')]);
  const port = await listening(createServer((socket) => void socket.on('error', () => {}).write(hello)));
  const policy = parseConfig(
    `version: 1
identity: { issuer: "https://id.example", audience: c }
targets:
  orders:
    { protocol: postgres, address: "127.0.0.1:${port}", database: main, tls: { mode: disable },
      credential: { user: app, passwordFile: p } }
rules: [{ name: all, groups: [devs], targets: [orders], allow: [connect] }]
`,
    'c',
  );
  const principal = {
    issuer: 'https://id.example',
    subject: 'dana',
    groups: ['devs'],
    expiresAt: new Date(NOW.getTime() + 1),
  };
  const decision = decide({ policy, principal, action: 'connect', target: 'orders', now: NOW });
  if (!Authorization.isOne(decision)) throw new Error(decision.code);
  return decision;
}

/** A client that has greeted; `onNotice` is told the notices that it gets. */
async function greeted(keys: CancelKeys, onNotice: (words: string) => void = () => {}): Promise<Greeting> {
  const { gateway } = await localCertificates(folder, NOW);
  const [cert, key] = [readFileSync(gateway.cert), readFileSync(gateway.key)];
  const protocol = postgresProtocol({
    tls: () => createSecureContext({ cert, key }),
    issuer: () => 'https://id.example',
    memory: new RelayMemory(),
    bindings: streamBindings(),
    keys,
  });
  const { promise, resolve, reject } = Promise.withResolvers<Greeting | undefined>();
  const port = await listening(
    createServer((socket) => void protocol.greet(socket, noHurry()).then(resolve, reject)),
  );
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'dana',
    password: 'token',
    database: 'orders',
    ssl: { rejectUnauthorized: false },
  });
  client.on('error', () => undefined);
  client.on('notice', ({ message = '' }) => onNotice(message));
  client.connect().catch(() => undefined);
  return (await promise)!;
}

it('a login that fails after its cancel key was issued leaves no key behind', async () => {
  const [issued, revoked]: [string[], string[]] = [[], []];
  const keys = new CancelKeys({
    issued: async (key) => void issued.push(key),
    revoked: async (key) => void revoked.push(key),
    wish: async () => undefined,
    taken: async () => [],
  });
  const greeting = await greeted(keys);
  const full = new Error('the recording failed');
  const tape = {
    record: () => {
      throw full;
    },
  } as Partial<SessionTape> as SessionTape;
  const dialled = greeting.dial(await permission(), 'secret', tape, noHurry().signal, {
    claim: async () => {},
    secret: async () => undefined,
    rotated: async () => undefined,
  });
  await expect(dialled).rejects.toBe(full);
  expect(issued).toHaveLength(1);
  expect(revoked).toEqual(issued);
  greeting.refuse(new CustodyError('internal', 'over'));
});

it('a client that waits is told so at once, though what says that its credential is good goes out with more', async () => {
  const { promise: told, resolve } = Promise.withResolvers<string>();
  const greeting = await greeted(new CancelKeys(), resolve);
  greeting.identified();
  greeting.notify('somebody has to approve', 'wait', 'wait');
  expect(await told).toBe('somebody has to approve');
  greeting.refuse(new CustodyError('internal', 'over'));
});
