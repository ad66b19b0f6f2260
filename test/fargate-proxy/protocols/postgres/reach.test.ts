import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import {
  authenticationOk,
  errorResponse,
  parameterStatus,
  readyForQuery,
} from '#core/protocols/postgres/backend.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { int32, message } from '#core/protocols/postgres/wire.ts';
import { type Reaching, reachTarget } from '#proxy/protocols/postgres/reach.ts';
import { Trust } from '#proxy/protocols/postgres/trust.ts';

/** What a server says to what it is sent, one after the other; after the last it waits. */
type Server1 = readonly (Uint8Array | 'close')[];

const LET_IN = Buffer.concat([
  authenticationOk(),
  parameterStatus('server_version', '18.4'),
  readyForQuery('I'),
]);
const MD5 = message(0x52, int32(5), Buffer.from('salt'));
const row = (text: string): Uint8Array => {
  const value = Buffer.from(text);
  return message(0x44, Buffer.from([0, 1]), int32(value.byteLength), value);
};
const readOnly = (answer: string) => Buffer.concat([row(answer), readyForQuery('I')]);
const fatal = (sqlstate: string) => errorResponse({ severity: 'FATAL', sqlstate, message: 'no' });

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server whose connections play these parts, in turn. */
async function playing(...parts: readonly Server1[]): Promise<{ port: number; taken: () => number }> {
  let taken = 0;
  const server = createServer((socket) => {
    const said = [...(parts[taken] ?? [])];
    taken += 1;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      const next = said.shift();
      if (next === 'close') socket.destroy();
      else if (next !== undefined) socket.write(next);
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, taken: () => taken };
}

function target(port: number, session: string): PostgresTarget {
  const config = parseConfig(
    `version: 1
identity: { issuer: "https://id.example", audience: c }
targets:
  orders: { protocol: postgres, address: "127.0.0.1:${port}", database: main, tls: { mode: disable },
    credential: { user: app, passwordFile: p }, connect: { session: ${session} } }
`,
    'c',
  );
  return config.targets.get('orders') as PostgresTarget;
}

function reaching(more: Partial<Reaching> = {}) {
  const told: string[] = [];
  const parts: Reaching = {
    trust: new Trust(undefined),
    startup: { minor: 0, parameters: [['user', 'app']] },
    secret: 'secret',
    rotated: async () => undefined,
    signal: new AbortController().signal,
    onAgain: ({ code, message: words }) => void told.push(`${code}: ${words}`),
    pause: async () => undefined,
    ...more,
  };
  return { parts, told };
}

describe('a target that fails over', () => {
  it('is tried again while it is away, starts, stops, or can only be read', async () => {
    const { port, taken } = await playing(
      [fatal('57P03')],
      ['close'],
      [MD5, fatal('57P01')],
      [LET_IN, readOnly('on')],
      [LET_IN, readOnly('off')],
    );
    const { parts, told } = reaching();
    const reached = await reachTarget(target(port, 'read-write'), parts);
    expect('socket' in reached && reached.session.forClient).toEqual([
      parameterStatus('server_version', '18.4'),
    ]);
    expect(taken()).toBe(5);
    expect(told).toEqual([
      'target-refused: the target "orders" refused the session',
      'target-lost: the target closed the connection during the login',
      'target-refused: the target "orders" refused the session',
      'target-refused: the target "orders" can only be read at the moment',
    ]);
    if ('socket' in reached) reached.socket.destroy();
  });

  it('is tried again where nobody listens, until its time is over, and the client reads why', async () => {
    const { port } = await playing();
    servers.pop()!.close();
    const time = new AbortController();
    const over = new CustodyError(
      'target-unreachable',
      'the target "orders" did not complete the login within 10 s',
    );
    let pauses = 0;
    const { parts } = reaching({
      signal: time.signal,
      pause: async () => {
        pauses += 1;
        if (pauses < 3) return;
        time.abort(over);
        throw over;
      },
    });
    await expect(reachTarget(target(port, 'read-write'), parts)).rejects.toMatchObject({
      code: 'target-unreachable',
      message: `${over.message}: the target "orders" cannot be reached`,
      detail: expect.stringContaining('ECONNREFUSED') as string,
    });
    expect(pauses).toBe(3);
  });

  it.each([
    ['has another error', fatal('3D000'), { refusal: expect.anything() as unknown }],
    ['is full', fatal('53300'), { refusal: expect.anything() as unknown }],
  ])('is not tried again where it %s', async (_, said, result) => {
    const { port, taken } = await playing([said], [LET_IN, readOnly('off')]);
    expect(await reachTarget(target(port, 'read-write'), reaching().parts)).toMatchObject(result);
    expect(taken()).toBe(1);
  });

  it('is an ordinary one where the file does not say so: asked nothing, and tried once', async () => {
    const { port, taken } = await playing([fatal('57P03')], [LET_IN]);
    expect(await reachTarget(target(port, 'any'), reaching().parts)).toHaveProperty('refusal');
    const reached = await reachTarget(target(port, 'any'), reaching().parts);
    expect(taken()).toBe(2);
    if ('socket' in reached) reached.socket.destroy();
  });

  it('is left when the client goes, whatever it was tried for', async () => {
    const { port } = await playing([fatal('57P03')], []);
    const gone = new AbortController();
    const left = new CustodyError('peer-left', 'the client went away during the login');
    const { parts } = reaching({ signal: gone.signal, pause: async () => gone.abort(left) });
    await expect(reachTarget(target(port, 'read-write'), parts)).rejects.toBe(left);
  });
});

describe('a password that is rotated', () => {
  it('is tried in its other form, once', async () => {
    const { port, taken } = await playing([MD5, fatal('28P01')], [MD5, LET_IN]);
    const asked: string[] = [];
    const rotated = async (used: string): Promise<string> => (asked.push(used), 'new');
    const reached = await reachTarget(target(port, 'any'), reaching({ rotated }).parts);
    expect([asked, taken()]).toEqual([['secret'], 2]);
    if ('socket' in reached) reached.socket.destroy();
  });

  it.each([
    ['new', 2],
    [undefined, 1],
  ] as const)('is refused where the other (%s) is none', async (other, times) => {
    const wrong: Server1 = [MD5, fatal('28P01')];
    const { port, taken } = await playing(wrong, wrong, wrong);
    const { parts } = reaching({ rotated: async () => other });
    await expect(reachTarget(target(port, 'any'), parts)).rejects.toMatchObject({ code: 'target-refused' });
    expect(taken()).toBe(times);
  });
});
