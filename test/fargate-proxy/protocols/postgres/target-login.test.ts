import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import {
  authenticationCleartextPassword,
  authenticationOk,
  authenticationSasl,
  backendKeyData,
  errorResponse,
  noticeResponse,
  parameterStatus,
  readyForQuery,
} from '#core/protocols/postgres/backend.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { int32, message } from '#core/protocols/postgres/wire.ts';
import { loginToTarget } from '#proxy/protocols/postgres/target-login.ts';
import { connections } from '#test/support/connected.ts';

const target = parseConfig(
  `version: 1
identity: { issuer: "https://id.example", audience: c }
targets:
  orders: { protocol: postgres, address: "db:5432", database: main, credential: { user: app, passwordFile: p } }
`,
  'c',
).targets.get('orders') as PostgresTarget;
const connect = connections();
const md5 = message(0x52, int32(5), Buffer.from('salt'));
const notice = noticeResponse({ severity: 'WARNING', sqlstate: '01000', message: 'mind the step' });

/** An ErrorResponse with every field that a server may send, and one that nobody knows yet. */
function refusal(sqlstate: string): Uint8Array {
  const fields = [
    'SFATAL',
    'VFATAL',
    `C${sqlstate}`,
    'Mno "app" here',
    'Dbecause',
    'Hdo this',
    'P7',
    'Fx.c',
    'L1',
    'Rf',
    'Znew',
  ];
  return message(0x45, Buffer.from(`${fields.join('\0')}\0\0`));
}

/** What comes of a login with a target that says this, and closes. */
async function loginWith(...said: readonly Uint8Array[]): Promise<Awaited<ReturnType<typeof loginToTarget>>> {
  const { ours, peer } = await connect.plain();
  peer.end(Buffer.concat(said));
  return loginToTarget(ours, target, 'secret', { minor: 0, parameters: [['user', 'app']] });
}

describe('what a target says of a session', () => {
  it.each([
    ['before it asks who it is', '57P03', []],
    ['before it asks who it is', '53300', []],
    ['before it asks who it is', '08P01', []],
    ['while it checks', '57P01', [md5]],
    ['while it checks', '53300', [md5]],
    ['once the gateway is in', '42704', [md5, authenticationOk()]],
    ['once the gateway is in', '3D000', [authenticationOk(), parameterStatus('a', 'b')]],
    ['once the gateway is in', '42501', [md5, authenticationOk()]],
    ['once the gateway is in', 'XX000', [md5, authenticationOk()]],
  ])('%s, %s, is for the client, to the byte', async (_when, sqlstate, before) => {
    const result = await loginWith(...before, notice, refusal(sqlstate));
    if (!('refusal' in result)) throw new Error('let in');
    const passed = Buffer.concat(result.refusal);
    expect(passed.subarray(-refusal(sqlstate).length)).toEqual(Buffer.from(refusal(sqlstate)));
    expect(passed.includes(Buffer.from(notice))).toBe(true);
    expect(result.error).toMatchObject({
      code: 'target-refused',
      message: 'the target "orders" refused the session',
      detail: `${sqlstate}: no "app" here`,
    });
  });

  it.each([
    ['before it asks', '28000', []],
    ['while it checks', '28P01', [md5]],
    ['while it checks', '08P01', [md5]],
    ['while it checks', 'XX000', [md5]],
    ['in SCRAM', '28P01', [authenticationSasl(['SCRAM-SHA-256'])]],
    ['once the gateway is in', '28000', [authenticationOk()]],
  ])(
    "is about the gateway's own login, %s, %s: the client learns nothing of it",
    async (_when, sqlstate, before) => {
      const refused = loginWith(...before, refusal(sqlstate));
      await expect(refused).rejects.toMatchObject({
        code: 'target-refused',
        message: expect.not.stringContaining('app') as string,
        detail: expect.stringContaining('no "app" here') as string,
      });
    },
  );
});

describe('a target', () => {
  it('tells its process and its secret, or that it has none: then there is nothing to cancel by', async () => {
    const start = [md5, authenticationOk()];
    const key = backendKeyData(4711, Buffer.from('0123456789abcdef'));
    expect(await loginWith(...start, key, readyForQuery('I'))).toMatchObject({
      key: { processId: 4711, secret: Uint8Array.from(Buffer.from('0123456789abcdef')) },
    });
    expect(await loginWith(...start, readyForQuery('I'))).toMatchObject({ key: undefined });
  });

  it.each([
    ['at once', []],
    ['while it checks', [md5]],
    ['once the gateway is in', [authenticationOk()]],
    [
      'in the middle of an error',
      [errorResponse({ severity: 'FATAL', sqlstate: '57P01', message: 'x' }).slice(0, 20)],
    ],
  ])('that closes %s is lost, and has refused nothing', async (_when, said) => {
    await expect(loginWith(...said)).rejects.toMatchObject({ code: 'target-lost' });
  });

  it('that wants the password in the clear, without TLS, does not get it', async () => {
    await expect(loginWith(authenticationCleartextPassword())).rejects.toMatchObject({
      code: 'target-refused',
      detail: expect.stringContaining('without TLS') as string,
    });
  });
});
