import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordMessage } from '#core/protocols/postgres/frontend.ts';
import { md5Password } from '#core/protocols/postgres/md5.ts';
import { Frontend } from '#core/protocols/postgres/messages.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import { cstring, int32, message } from '#core/protocols/postgres/wire.ts';
import { eventually } from '#test/support/clients.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { ExactProxy } from '#test/support/exact-proxy.ts';
import { freePortBase } from '#test/support/local-gateway.ts';
import { type RawClient, rawPlain } from '#test/support/raw-client.ts';

const PAY = "insert into paid select 'pay'";
const LOOK = 'select 1';
const LONG = 'n'.repeat(63);

const int16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);
const query = (text: string): Uint8Array => message(Frontend.query, cstring(text));
const parse = (name: string, text: string): Uint8Array =>
  message(Frontend.parse, cstring(name), cstring(text), int16(0));
const bind = (name: string, portal = ''): Uint8Array =>
  message(Frontend.bind, cstring(portal), cstring(name), int16(0), int16(0), int16(0));
const execute = (portal = ''): Uint8Array => message(Frontend.execute, cstring(portal), int32(0));
const sync = message(Frontend.sync);
const run = (name: string): readonly Uint8Array[] => [bind(name), execute(), sync];

/** The server reports an error, and skips everything until the next Sync. */
const FAILS = execute('no such portal');

const ATTACKS: Readonly<Record<string, { approved: readonly string[]; sent: readonly Uint8Array[] }>> = {
  'a new meaning that the server skips': {
    approved: [PAY, LOOK],
    sent: [parse('', PAY), ...run(''), parse('', PAY), sync, FAILS, parse('', LOOK), sync, ...run('')],
  },
  'a name that is taken': {
    approved: [PAY, LOOK],
    sent: [parse('a', PAY), ...run('a'), parse('a', LOOK), sync, ...run('a')],
  },
  'closing that the server skips': {
    approved: [PAY, LOOK],
    sent: [
      ...[parse('a', PAY), ...run('a'), FAILS, message(Frontend.close, Buffer.from('Sa\0')), sync],
      ...[parse('a', LOOK), sync, ...run('a')],
    ],
  },
  'two names that are one when they are cut': {
    approved: [PAY, LOOK],
    sent: [parse(`${LONG}a`, PAY), ...run(`${LONG}a`), parse(`${LONG}b`, LOOK), sync, ...run(`${LONG}b`)],
  },
  'a name that SQL gave': {
    approved: [PAY, LOOK, `prepare a as ${PAY}`],
    sent: [query(PAY), query(`prepare a as ${PAY}`), parse('a', LOOK), sync, ...run('a')],
  },
  'a name that SQL uses': {
    approved: [PAY, 'execute a'],
    sent: [parse('a', PAY), ...run('a'), query('execute a')],
  },
  'a portal that is run again': {
    approved: [PAY],
    sent: [parse('', PAY), query('begin'), bind('', 'p'), execute('p'), execute('p'), sync],
  },
};

describe.runIf(hasDebianPostgres())('whatever a real server makes of it (security case 23)', () => {
  let server: DebianPostgres;
  beforeAll(async () => {
    server = await startDebianPostgres((await freePortBase()) + 41, 'md5');
    const admin = await loggedIn(server);
    await answer(admin, 'create table paid (what text)');
    admin.socket.destroy();
  });
  afterAll(() => server.stop());

  it.each(Object.entries(ATTACKS))('%s pays once at most', async (_how, { approved, sent }) => {
    const admin = await loggedIn(server);
    await answer(admin, 'truncate paid');
    const proxy = await ExactProxy.start({ port: server.port, statements: [...approved, 'begin', 'commit'] });
    const client = await loggedIn({ ...server, port: proxy.port });
    for (const piece of sent) client.send(piece);
    client.send(Buffer.concat([sync, query('commit'), message(Frontend.terminate)]));
    await client.end();
    expect(proxy.ended).toEqual([]);
    expect(await answer(admin, 'select count(*) from paid')).toMatch(/^[01]$/);
    admin.socket.destroy();
    proxy.close();
  });
});

async function loggedIn({ port, password }: DebianPostgres): Promise<RawClient> {
  const client = rawPlain(port);
  client.send(
    encodeStartup({
      minor: 0,
      parameters: [
        ['user', 'app'],
        ['database', 'postgres'],
      ],
    }),
  );
  const { salt } = await client.find('authentication-md5');
  client.send(passwordMessage(md5Password('app', password, salt)));
  await client.find('ready-for-query');
  return client;
}

/** Runs a query, and waits until all that was sent is answered; the first value of the last row before that. */
async function answer(client: RawClient, text: string): Promise<string | undefined> {
  const mark = `over ${client.messages.length}`;
  client.send(Buffer.concat([query(text), query(`select '${mark}'`)]));
  const values = await eventually(mark, () => {
    const all = firstValues(client);
    return all.at(-1) === mark ? all : undefined;
  });
  return values.at(-2);
}

function firstValues(client: RawClient): string[] {
  return client.messages.flatMap((one) =>
    one.kind === 'data-row' ? [String(Buffer.from(one.values[0]!))] : [],
  );
}
