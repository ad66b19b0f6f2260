import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoToken } from '#adapters/local/demo-issuer.ts';
import { passwordMessage, saslInitialResponse, saslResponse } from '#core/protocols/postgres/frontend.ts';
import { encodeCancelRequest, encodeSslRequest, encodeStartup } from '#core/protocols/postgres/startup.ts';
import { message } from '#core/protocols/postgres/wire.ts';
import { eventually, hasClient, psql } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { RawClient, rawPlain, rawTls } from '#test/support/raw-client.ts';

let gateway: LocalGateway;
let port: number;
let ca: Buffer;
let token: string;
beforeAll(async () => {
  gateway = await startLocalGateway();
  port = gateway.addresses.postgres.port;
  ca = readFileSync(gateway.addresses.ca);
  token = await gateway.token('developer');
});
afterAll(() => gateway?.stop());

const startup = (extra: Record<string, string> = {}, minor = 0): Uint8Array =>
  encodeStartup({ minor, parameters: Object.entries({ user: 'dana', database: 'orders-db', ...extra }) });

async function login(minor = 0, extra: Record<string, string> = {}): Promise<RawClient> {
  const client = await rawTls(port, ca);
  client.send(startup(extra, minor));
  await client.find('authentication-cleartext');
  client.send(passwordMessage(token));
  await client.find('ready-for-query');
  return client;
}

const query = (sql: string): Uint8Array => message(0x51, Buffer.from(`${sql}\0`));

describe('from the first byte to TLS', () => {
  it('refuses a login without TLS, in words', async () => {
    const client = rawPlain(port);
    client.send(startup());
    const { fields } = await client.find('error');
    const hint =
      'connect with sslmode=verify-full; if another error came before this one, that is the true reason';
    expect([fields.get('C'), fields.get('H')]).toEqual(['28000', hint]);
    await client.end();
  });

  it('drops bytes stuffed in before TLS, and tells whoever comes to TLS (security case 17)', async () => {
    const plain = connect({ port, host: '127.0.0.1' });
    plain.write(Buffer.concat([encodeSslRequest(), startup()]));
    await new Promise((done) => plain.once('readable', done));
    expect(String(plain.read())).toBe('S');
    const client = new RawClient(connectTls({ socket: plain, ca, servername: 'localhost' }), true);
    const { fields } = await client.find('error');
    expect(fields.get('M')).toContain('before TLS');
    await client.end();
    expect(client.messages.map(({ kind }) => kind)).toEqual(['error']);
  });

  it('does not renegotiate with a TLS 1.2 peer, before or after the login', async () => {
    const client = await rawTls(port, ca, undefined, { maxVersion: 'TLSv1.2' });
    client.send(startup());
    await client.find('authentication-cleartext');
    client.send(passwordMessage(token));
    await client.find('ready-for-query');
    const secure = client.socket as TLSSocket;
    secure.on('error', () => undefined);
    let agreed = false;
    secure.renegotiate({}, (error) => void (agreed = error === null));
    const next = await login();
    expect(agreed).toBe(false);
    secure.destroy();
    next.socket.destroy();
  });

  it('takes direct TLS with the ALPN protocol postgresql, and not without it', async () => {
    const client = await rawTls(port, ca, ['postgresql']);
    client.send(startup());
    await client.find('authentication-cleartext');
    client.socket.destroy();
    const without = await rawTls(port, ca, []);
    without.send(startup());
    await without.end();
    expect(without.messages).toEqual([]);
  });

  it('has no GSSAPI, and says so with N', async () => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 48]));
    const answer = await new Promise<Buffer>((done) => socket.once('data', done));
    expect(answer.toString()).toBe('N');
    socket.destroy();
  });
});

describe('who may not log in', () => {
  it.skipIf(!hasClient('psql'))(
    'is told why, and what to do, and nothing that helps a forger (security case 22)',
    async () => {
      const [header, payload] = token.split('.');
      const forged = `${header}.${payload}.${'A'.repeat(86)}`;
      const old = await demoToken(gateway.dataDir, 'developer', Date.now() - 2 * 3_600_000);
      const words: readonly (readonly [shown: string, why: string, hint: string])[] = [
        [forged, '', 'log in again: custody login'],
        [old, ': it expired 1 h ago', 'log in again: custody login'],
        [`"${token}"`, ': it is in quotes', 'give it without the quotes'],
        [`Bearer ${token}`, ': "Bearer" stands before it', 'give the token alone'],
        [`${token}\n`, ': there are blanks or line feeds in it, or around it', 'give the token alone'],
        [`${header}.${payload}`, ': it is cut off: its end is missing', 'copy all of it'],
        [token.slice(0, -9), ': it is cut off: its end is missing', 'copy all of it'],
        ['hunter2-and-more', ': it is not a JWT', 'give an ID token; a password is none: custody login'],
      ];
      for (const [shown, why, hint] of words) {
        const { stderr } = await psql(gateway, 'select 1', { token: shown });
        expect(stderr).toContain(`FATAL:  the token is not valid here${why}\n`);
        expect(stderr).toContain(`HINT:  ${hint}`);
        expect(stderr).not.toContain(shown.slice(1, 12));
      }
      expect((await psql(gateway, 'select 1', { token })).stderr).toBe('');
    },
  );

  it.skipIf(!hasClient('psql'))(
    'reads the same about a target that is forbidden and one that is not there',
    async () => {
      const reviewer = await gateway.token('reviewer');
      const forbidden = await psql(gateway, 'select 1', { token: reviewer });
      const unknown = await psql(gateway, 'select 1', { token: reviewer, database: 'no-such' });
      expect(unknown.stderr.replaceAll('no-such', 'orders-db')).toBe(forbidden.stderr);
      expect(forbidden.stderr).toContain('there is no target "orders-db" that you may connect to');
    },
  );
});

describe('protocol versions', () => {
  it('gives a 3.2 client a long cancel key, and a 3.0 client a short one', async () => {
    const [old, recent] = [await login(0), await login(2)];
    expect((await old.find('backend-key-data')).secret).toHaveLength(4);
    expect((await recent.find('backend-key-data')).secret).toHaveLength(32);
    recent.send(query('select 6 * 7'));
    expect(Buffer.from((await recent.find('data-row')).values[0]!).toString()).toBe('42');
    for (const client of [old, recent]) client.socket.destroy();
  });

  it('negotiates what is too new, and names options that mean nothing', async () => {
    const client = await rawTls(port, ca);
    client.send(startup({ '_pq_.future': '1' }, 9));
    const answer = await client.find('negotiate-protocol-version');
    expect([answer.newestMinor & 0xffff, answer.unrecognised]).toEqual([2, ['_pq_.future']]);
    client.socket.destroy();
  });

  it('ignores a cancel request with a wrong secret (security case 24)', async () => {
    const client = await login();
    const { processId, secret } = await client.find('backend-key-data');
    client.send(query("select 'slept', pg_sleep(2)"));
    const wrong = Buffer.from(secret);
    wrong[0]! ^= 1;
    for (const guess of [wrong, Buffer.alloc(32, 1)]) {
      const canceller = rawPlain(port);
      canceller.send(encodeCancelRequest(processId, guess));
      await canceller.end();
    }
    expect(Buffer.from((await client.find('data-row')).values[0]!).toString()).toBe('slept');
    client.socket.destroy();
  });
});

describe('SASL OAUTHBEARER', () => {
  const asked = { options: '-c custody.auth=oauthbearer -c statement_timeout=12345' };
  const response = (bearer: string): Uint8Array => {
    const auth = bearer === '' ? '' : `Bearer ${bearer}`;
    return saslInitialResponse('OAUTHBEARER', Buffer.from(`n,,\x01auth=${auth}\x01\x01`));
  };

  async function offered(): Promise<RawClient> {
    const client = await rawTls(port, ca);
    client.send(startup(asked));
    expect((await client.find('authentication-sasl')).mechanisms).toEqual(['OAUTHBEARER']);
    return client;
  }

  it('logs in, and the target sees its own options only', async () => {
    const client = await offered();
    client.send(response(token));
    await client.find('ready-for-query');
    client.send(query('show statement_timeout'));
    expect(Buffer.from((await client.find('data-row')).values[0]!).toString()).toBe('12345ms');
    client.socket.destroy();
  });

  it.each([
    ['without a token', ''],
    ['with a bad one', 'bad.token.here'],
  ])('%s, says where to get one', async (_what, bearer) => {
    const client = await offered();
    client.send(response(bearer));
    const { data } = await client.find('authentication-sasl-continue');
    expect(JSON.parse(Buffer.from(data).toString())).toMatchObject({
      status: 'invalid_token',
      'openid-configuration': `${gateway.addresses.issuer}/.well-known/openid-configuration`,
    });
    client.send(saslResponse(Uint8Array.of(1)));
    expect((await client.find('error')).fields.get('C')).toMatch(/^28/);
    await client.end();
  });
});

describe('peers that are not authenticated (security case 16)', () => {
  it('500 silent ones do not delay one that logs in', async () => {
    const silent = Array.from({ length: 500 }, () => connect({ port, host: '127.0.0.1' }));
    for (const socket of silent) socket.on('error', () => undefined);
    await eventually('500 connections', () =>
      silent.every(({ connecting }) => !connecting) ? true : undefined,
    );
    const started = performance.now();
    const client = await login();
    expect(performance.now() - started).toBeLessThan(5_000);
    client.socket.destroy();
    for (const socket of silent) socket.destroy();
  });

  it('are cut off when they claim or send too much', async () => {
    const claims = rawPlain(port);
    claims.send(Buffer.from([0x00, 0x98, 0x96, 0x80, 0, 3, 0, 0]));
    await claims.end();
    const sends = await rawTls(port, ca);
    sends.send(startup());
    await sends.find('authentication-cleartext');
    sends.send(Buffer.concat([Buffer.from([0x70, 0, 0, 0xff, 0xff]), Buffer.alloc(1 << 20, 0x61)]));
    await sends.end();
    expect(sends.messages.map(({ kind }) => kind)).not.toContain('ready-for-query');
  });

  it('garbage for TLS and for a startup packet ends the connection, not the gateway', async () => {
    for (const bytes of [
      Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1]),
      Buffer.alloc(64, 0xff),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ]) {
      const client = rawPlain(port);
      client.send(bytes);
      client.socket.end();
      await client.end();
    }
    const client = await login();
    expect((await client.find('ready-for-query')).status).toBe('I');
    client.socket.destroy();
  });
});
