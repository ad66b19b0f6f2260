import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { passwordMessage, saslInitialResponse, saslResponse } from '#core/protocols/postgres/frontend.ts';
import { errorResponseFor } from '#core/protocols/postgres/sqlstate.ts';
import { encodeCancelRequest, encodeSslRequest, encodeStartup } from '#core/protocols/postgres/startup.ts';
import { message } from '#core/protocols/postgres/wire.ts';
import { Stream } from '#core/recording/format.ts';
import {
  bearerRefused,
  type Login,
  readLogin,
  readPasswordMessage,
  refuseLogin,
} from '#proxy/protocols/postgres/greet.ts';
import type { Peer } from '#proxy/protocols/postgres/tls.ts';
import { LoginTranscript } from '#proxy/protocols/postgres/transcript.ts';
import { refusalOf } from '#test/core/protocols/postgres/support.ts';
import { connections } from '#test/support/connected.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { sessionTape } from '#test/support/session-tape.ts';

const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJkYW5hIn0.c2lnbmF0dXJl';
const ISSUER = 'https://id.example';
const DISCOVERY = {
  status: 'invalid_token',
  scope: 'openid email groups',
  'openid-configuration': 'https://id.example/.well-known/openid-configuration',
};
const BEARER = { options: '-c custody.auth=oauthbearer' };
const DUMMY = saslResponse(Uint8Array.of(1));
const connect = connections();

/** A gateway's and a client's end of one TLS connection, the gateway reading the login. */
async function greeted() {
  const { ours, peer: theirs } = await connect.tls();
  const client = new RawClient(theirs, true);
  const transcript = new LoginTranscript((bytes) => void ours.write(bytes));
  const peer: Peer = { socket: ours, speaks: undefined };
  const login = readLogin(ours, peer, transcript, { issuer: ISSUER });
  login.catch(() => undefined);
  return { ours, client, transcript, login, peer };
}

function startup(more: Readonly<Record<string, string>> = {}, minor = 0): Uint8Array {
  return encodeStartup({
    minor,
    parameters: Object.entries({ user: 'dana', database: 'orders-db', ...more }),
  });
}

function bearer(token: string, mechanism = 'OAUTHBEARER'): Uint8Array {
  const auth = token === '' ? '' : `Bearer ${token}`;
  return saslInitialResponse(mechanism, Buffer.from(`n,,\x01auth=${auth}\x01\x01`));
}

/** The login that a client gets to by sending these bytes at once. */
async function loginOf(...sent: readonly Uint8Array[]): Promise<Login> {
  const { client, login } = await greeted();
  client.send(Buffer.concat(sent));
  return isLogin(await login);
}

function isLogin(result: Awaited<ReturnType<typeof readLogin>>): Login {
  if ('kind' in result) throw new Error('a cancel request');
  return result;
}

async function codeOf(login: Promise<unknown>): Promise<string> {
  const thrown = await login.then(
    () => new Error('it was let in'),
    (error: unknown) => error,
  );
  if (thrown instanceof CustodyError) return thrown.code;
  throw thrown;
}

async function played(transcript: LoginTranscript) {
  const { tape, frames } = await sessionTape();
  transcript.playOnto(tape);
  return frames();
}

describe('a login with a password', () => {
  it('asks for it in the clear, and takes it for the token', async () => {
    const { client, login } = await greeted();
    client.send(startup({ application_name: 'psql' }));
    await client.find('authentication-cleartext');
    client.send(passwordMessage(TOKEN));
    const { token, how, minor, startup: read } = isLogin(await login);
    expect({ token, how, minor }).toEqual({ token: TOKEN, how: 'password', minor: 0 });
    expect(Object.fromEntries(read.parameters)).toEqual({
      user: 'dana',
      database: 'orders-db',
      application_name: 'psql',
    });
    expect(client.messages.map(({ kind }) => kind)).toEqual(['authentication-cleartext']);
  });

  it('may come byte by byte, and may be followed by more', async () => {
    const { client, login } = await greeted();
    for (const byte of Buffer.concat([startup(), passwordMessage(TOKEN)])) client.send(Buffer.of(byte));
    client.send(Buffer.from('a query'));
    const { token, reader } = isLogin(await login);
    expect(token).toBe(TOKEN);
    let rest = String(reader.rest());
    while (rest.length < 'a query'.length) rest += await reader.next(everything);
    expect(rest).toBe('a query');
  });

  it('is on the tape without the token (security case 15)', async () => {
    const { client, transcript, login } = await greeted();
    client.send(Buffer.concat([startup(), passwordMessage(TOKEN)]));
    await login;
    const frames = await played(transcript);
    const body = TOKEN.length + 1;
    expect(frames.map(({ stream, withheld, payload }) => [stream, withheld, payload.byteLength])).toEqual([
      [Stream.client, false, startup().byteLength],
      [Stream.gateway, false, 9],
      [Stream.client, false, 5],
      [Stream.client, true, body],
    ]);
    const bytes = Buffer.concat(frames.map(({ payload }) => payload));
    expect(bytes.subarray(0, startup().byteLength)).toEqual(Buffer.from(startup()));
    expect(bytes.subarray(-body)).toEqual(Buffer.alloc(body));
  });

  it('without a password is refused', async () => {
    expect(await codeOf(loginOf(startup(), passwordMessage('')))).toBe('token-missing');
  });

  it('is over when the client leaves', async () => {
    const { client, login } = await greeted();
    client.send(startup());
    await client.find('authentication-cleartext');
    client.socket.destroy();
    expect(await codeOf(login)).toBe('peer-left');
  });
});

describe('the first packet', () => {
  it('may be a cancel request, which is not answered', async () => {
    const { client, transcript, login } = await greeted();
    client.send(encodeCancelRequest(42, Buffer.from('abcd')));
    expect(await login).toMatchObject({ kind: 'cancel', processId: 42 });
    expect(await played(transcript)).toEqual([]);
    expect(client.received).toHaveLength(0);
  });

  it.each([
    ['SSL', encodeSslRequest()],
    ['GSS', Buffer.from('0000000804d21630', 'hex')],
  ])('is no second request for encryption, by %s (security case 17)', async (_what, request) => {
    const { client, login } = await greeted();
    client.send(request);
    await expect(login).rejects.toMatchObject({
      code: 'protocol-violation',
      message: 'encryption was asked for twice',
    });
    expect(client.received).toHaveLength(0);
  });

  it.each([
    ['claims 1 GB', '40000000'],
    ['claims 10,005 bytes', '00002715'],
    ['claims less than its own length', '00000003'],
    ['claims a negative length', 'ffffffff'],
  ])('that %s is refused before any more is waited for (security case 16)', async (_what, hex) => {
    expect(await codeOf(loginOf(Buffer.from(hex, 'hex')))).toBe('protocol-violation');
  });
});

describe('the protocol version', () => {
  it.each([
    [0, 0, undefined],
    [1, 0, 0],
    [2, 2, undefined],
    [3, 2, 2],
    [9999, 2, 2],
  ] as const)('3.%i is kept to as 3.%i, and the client is told %s', async (asked, kept, told) => {
    const { client, login } = await greeted();
    client.send(startup({}, asked));
    await client.find('authentication-cleartext');
    client.send(passwordMessage(TOKEN));
    expect(isLogin(await login).minor).toBe(kept);
    const answer = client.messages.find(({ kind }) => kind === 'negotiate-protocol-version');
    const expected = { kind: 'negotiate-protocol-version', newestMinor: told, unrecognised: [] };
    expect(answer).toEqual(told === undefined ? undefined : expected);
  });

  it('options of it that mean nothing here are named, before anything else, and on the tape', async () => {
    const { client, transcript, login } = await greeted();
    client.send(startup({ '_pq_.one': '1', '_pq_.two': '2' }, 2));
    client.send(passwordMessage(TOKEN));
    const { startup: read } = isLogin(await login);
    await client.find('authentication-cleartext');
    expect(client.messages).toEqual([
      { kind: 'negotiate-protocol-version', newestMinor: 2, unrecognised: ['_pq_.one', '_pq_.two'] },
      { kind: 'authentication-cleartext' },
    ]);
    expect([...read.parameters.keys()]).toEqual(['user', 'database']);
    const said = (await played(transcript)).filter(({ stream }) => stream === Stream.gateway);
    expect(Buffer.concat(said.map(({ payload }) => payload))).toEqual(client.received);
  });

  it('2.0 is not spoken', async () => {
    const two = Buffer.from(startup());
    two.writeInt32BE(2 << 16, 4);
    expect(await codeOf(loginOf(two))).toBe('unsupported');
  });
});

describe('a login by OAUTHBEARER', () => {
  it('is offered to who asks for it, and takes the token', async () => {
    const { client, login } = await greeted();
    client.send(startup(BEARER));
    expect((await client.find('authentication-sasl')).mechanisms).toEqual(['OAUTHBEARER']);
    client.send(bearer(TOKEN));
    expect(isLogin(await login)).toMatchObject({ token: TOKEN, how: 'oauthbearer' });
    expect(client.messages).toHaveLength(1);
  });

  it('is on the tape without the token (security case 15)', async () => {
    const { client, transcript, login } = await greeted();
    client.send(Buffer.concat([startup(BEARER), bearer(TOKEN)]));
    await login;
    const frames = await played(transcript);
    const body = bearer(TOKEN).byteLength - 5;
    expect(frames.at(-1)).toEqual({ stream: Stream.client, withheld: true, payload: Buffer.alloc(body) });
    expect(String(Buffer.concat(frames.map(({ payload }) => payload)))).not.toContain(TOKEN);
  });

  it('without a token is told where to get one, and refused once it has read it', async () => {
    const { client, login } = await greeted();
    let settled = false;
    login.catch(() => (settled = true));
    client.send(Buffer.concat([startup(BEARER), bearer('')]));
    const { data } = await client.find('authentication-sasl-continue');
    expect(JSON.parse(Buffer.from(data).toString())).toEqual(DISCOVERY);
    expect(settled).toBe(false);
    client.send(DUMMY);
    expect(await codeOf(login)).toBe('token-missing');
  });

  it.each([
    ['another mechanism', bearer(TOKEN, 'SCRAM-SHA-256')],
    ['a mechanism in other letters', bearer(TOKEN, 'oauthbearer')],
    ['no initial response', message(0x70, Buffer.from('OAUTHBEARER\0\xff\xff\xff\xff', 'latin1'))],
    ['a password', passwordMessage(TOKEN)],
    ['a length that is not there', message(0x70, Buffer.from('OAUTHBEARER\0\x7f\xff\xff\xff', 'latin1'))],
    ['nothing at all', saslResponse(new Uint8Array(0))],
  ])('refuses %s', async (_what, response) => {
    expect(await codeOf(loginOf(startup(BEARER), response))).toBe('protocol-violation');
  });

  it('takes no identity beside the token (security case 22)', async () => {
    const auth = `n,a=root,\x01auth=Bearer ${TOKEN}\x01\x01`;
    const response = saslInitialResponse('OAUTHBEARER', Buffer.from(auth));
    expect(await codeOf(loginOf(startup(BEARER), response))).toBe('unsupported');
  });

  it('is not for who asked for nothing: their response is no password', async () => {
    expect(await codeOf(loginOf(startup(), bearer(TOKEN)))).toBe('protocol-violation');
  });

  it.each(['https://id.example', 'https://id.example/'])(
    'tells of the discovery document of %s',
    (issuer) => {
      expect(JSON.parse(Buffer.from(bearerRefused(issuer)).subarray(9).toString())).toEqual(DISCOVERY);
    },
  );
});

describe('custody.auth in options', () => {
  it.each([
    ['', 'password'],
    ['-c custody.auth=password', 'password'],
    ['-c custody.auth=oauthbearer', 'oauthbearer'],
    ['-ccustody.auth=oauthbearer', 'oauthbearer'],
    ['--custody.auth=oauthbearer', 'oauthbearer'],
    ['-c work_mem=1MB  -c custody.auth=oauthbearer -c a.b=c', 'oauthbearer'],
    ['-c mycustody.auth=ldap', 'password'],
    ['-c app.note=custody.auth=oauthbearer', 'password'],
    ['-c custody.note=custody.auth=oauthbearer', 'password'],
    ['-c app.note=x--custody.auth=oauthbearer', 'password'],
    ['-c custody.auth=', 'password'],
    ['-c custody.auth=oauthbearer -c custody.auth=password', 'password'],
    ['-c custody.auth=password --custody.auth=oauthbearer', 'oauthbearer'],
  ])('%j chooses', async (options, how) => {
    const answer = how === 'password' ? passwordMessage(TOKEN) : bearer(TOKEN);
    expect((await loginOf(startup({ options }), answer)).how).toBe(how);
  });

  it.each(['none', 'trust', 'OAUTHBEARER', 'password,trust', 'password\\ '])(
    'does not know %s',
    async (how) => {
      const options = `-c custody.auth=${how}`;
      expect(await codeOf(loginOf(startup({ options })))).toBe('unsupported');
    },
  );
});

describe('readPasswordMessage', () => {
  const header = (type: number, length: number): Buffer => {
    const bytes = Buffer.alloc(5);
    bytes[0] = type;
    bytes.writeInt32BE(length, 1);
    return bytes;
  };

  it('waits until the whole message is there, and takes no more', () => {
    const bytes = Buffer.from(passwordMessage(TOKEN));
    for (let length = 1; length < bytes.byteLength; length += 1) {
      expect(readPasswordMessage(bytes.subarray(0, length))).toBeUndefined();
    }
    for (const more of ['', 'x', 'p\0\0\0\x04']) {
      const read = readPasswordMessage(Buffer.concat([bytes, Buffer.from(more)]));
      expect(read).toEqual({ message: Buffer.from(`${TOKEN}\0`), byteLength: bytes.byteLength });
    }
  });

  it.each([3, 0, -1, -0x80000000, 0x10000, 0x7fffffff])(
    'refuses the length %i on sight (security case 16)',
    (length) => {
      expect(refusalOf(() => readPasswordMessage(header(0x70, length)))).toBe('protocol-violation');
    },
  );

  it('takes a message as long as a login may be, to the byte', () => {
    const bytes = Buffer.concat([header(0x70, 0xffff), Buffer.alloc(0xffff - 4)]);
    expect(readPasswordMessage(bytes)?.byteLength).toBe(0x10000);
  });

  it('refuses any other message at its first byte', () => {
    for (let type = 0; type < 256; type += 1) {
      const refusal = refusalOf(() => readPasswordMessage(Buffer.of(type)));
      expect(refusal).toBe(type === 0x70 ? 'none' : 'protocol-violation');
    }
  });

  it('whatever comes: refuses it, waits, or gives what is there', () => {
    const anything = fc.uint8Array({ minLength: 1, maxLength: 60 });
    const likely = fc
      .tuple(fc.integer({ min: -5, max: 70 }), anything)
      .map(([length, body]) => Buffer.concat([header(0x70, length), body]));
    fc.assert(
      fc.property(fc.oneof(anything, likely), (sent) => {
        const bytes = Buffer.from(sent);
        refusalOf(() => {
          const read = readPasswordMessage(bytes);
          if (read === undefined) return;
          expect(read.byteLength).toBeLessThanOrEqual(bytes.byteLength);
          expect(read.message).toEqual(bytes.subarray(5, read.byteLength));
        });
      }),
    );
  });
});

describe('refuseLogin', () => {
  const denied = new CustodyError('access-denied', 'no', { hint: 'ask', detail: 'rule 7' });
  const invalid = new CustodyError('token-invalid', 'the token has expired');
  afterEach(() => void vi.useRealTimers());

  function refuse(ours: TLSSocket, login: Login, error: CustodyError) {
    return refuseLogin(ours, login, ISSUER, error.code, errorResponseFor(error));
  }

  /** A login that got this far, and is then refused. */
  async function refused(sent: readonly Uint8Array[], error: CustodyError) {
    const { ours, client, login } = await greeted();
    client.send(Buffer.concat(sent));
    const read = isLogin(await login);
    await client.find(read.how === 'password' ? 'authentication-cleartext' : 'authentication-sasl');
    client.messages.splice(0);
    return { ours, client, refusal: refuse(ours, read, error) };
  }

  it('says why, not what is for the operator, and closes', async () => {
    const { client } = await refused([startup(), passwordMessage(TOKEN)], denied);
    await client.end();
    expect(client.messages.map(({ kind }) => kind)).toEqual(['error']);
    const { fields } = await client.find('error');
    expect(Object.fromEntries(fields)).toEqual({ S: 'FATAL', V: 'FATAL', C: '42501', M: 'no', H: 'ask' });
  });

  it('of a bad token by password asks for nothing more', async () => {
    const { client } = await refused([startup(), passwordMessage(TOKEN)], invalid);
    await client.end();
    expect(client.messages.map(({ kind }) => kind)).toEqual(['error']);
  });

  it('of a bad token by OAUTHBEARER says where to get another, and why once that is read', async () => {
    const { client, refusal } = await refused([startup(BEARER), bearer(TOKEN)], invalid);
    const { data } = await client.find('authentication-sasl-continue');
    expect(JSON.parse(Buffer.from(data).toString())).toEqual(DISCOVERY);
    expect(client.messages).toHaveLength(1);
    client.send(DUMMY);
    await refusal;
    expect((await client.find('error')).fields.get('C')).toBe('28P01');
    await client.end();
  });

  it('of a good token by OAUTHBEARER, for who may not, says why at once', async () => {
    const { client } = await refused([startup(BEARER), bearer(TOKEN)], denied);
    await client.end();
    expect(client.messages.map(({ kind }) => kind)).toEqual(['error']);
  });

  it('once its token was called good, has no exchange about it', async () => {
    const { ours, client, login } = await greeted();
    client.send(Buffer.concat([startup(BEARER), bearer(TOKEN)]));
    await refuseLogin(ours, isLogin(await login), undefined, invalid.code, errorResponseFor(invalid));
    await client.end();
    expect(client.messages.map(({ kind }) => kind)).toEqual(['authentication-sasl', 'error']);
  });

  it('does not need the answer to be one', async () => {
    const { client } = await refused([startup(BEARER), bearer(TOKEN)], invalid);
    client.send(Buffer.from('Q\0\0\0\x05\0'));
    await client.end();
    expect(client.messages.map(({ kind }) => kind)).toEqual(['authentication-sasl-continue', 'error']);
  });

  it('waits 5 seconds for it, no longer (security case 16)', async () => {
    const { ours, client, login } = await greeted();
    client.send(Buffer.concat([startup(BEARER), bearer(TOKEN)]));
    const read = isLogin(await login);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const refusal = refuse(ours, read, invalid);
    vi.advanceTimersByTime(4_999);
    expect(ours.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(ours.destroyed).toBe(true);
    await refusal;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not wait for who is gone, and keeps no timer', async () => {
    const { ours, client, login } = await greeted();
    client.send(Buffer.concat([startup(BEARER), bearer(TOKEN)]));
    const read = isLogin(await login);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const refusal = refuse(ours, read, invalid);
    client.socket.destroy();
    await refusal;
    await closed(ours);
    expect(vi.getTimerCount()).toBe(0);
  });
});

function everything(bytes: Buffer) {
  return { message: String(bytes), byteLength: bytes.byteLength };
}

async function closed(socket: TLSSocket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}
