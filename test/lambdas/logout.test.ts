import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Keyring } from '#adapters/oidc/keyring.ts';
import { logoutVerifiers } from '#adapters/oidc/logout-verifier.ts';
import { oidcTokenVerifier } from '#adapters/oidc/token-verifier.ts';
import type { IssuerConfig } from '#core/access/config.ts';
import { parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { LOGOUT_EVENT } from '#core/identity/logout-token.ts';
import { markedLogout } from '#core/identity/logouts.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { logoutHandler } from '#lambdas/logout/handler.ts';
import {
  makeKey,
  rawToken,
  signToken,
  startIssuer,
  type TestIssuer,
  type TestKey,
} from '#test/support/issuer.ts';
import { MemoryLogouts } from '#test/support/memory-logouts.ts';
import { MemoryLeaves } from '#test/support/memory-ports.ts';
import { type Answered, event } from './support.ts';

const FORM = 'application/x-www-form-urlencoded';

let issuer: TestIssuer;
let other: TestIssuer;
let key: TestKey;
let foreign: TestKey;
beforeAll(async () => {
  [issuer, other, key, foreign] = await Promise.all([
    startIssuer(),
    startIssuer(),
    makeKey('k1'),
    makeKey('k1'),
  ]);
  issuer.keys = [key.jwk];
  other.keys = [foreign.jwk];
});
afterAll(() => Promise.all([issuer.close(), other.close()]));

const seconds = (): number => Math.floor(Date.now() / 1000);

/** Undefined leaves a claim out. */
function logoutToken(claims: object = {}, header: object = {}, by = key): Promise<string> {
  const { sub, ...common } = {
    sub: 'dana',
    jti: `j${Math.random()}`,
    sid: 's1',
    groups: undefined,
    ...claims,
  };
  const whole = { ...common, sub, exp: seconds() + 120, events: { [LOGOUT_EVENT]: {} }, ...claims };
  return signToken(issuer, by, whole, { typ: 'logout+jwt', ...header });
}

function endpoint() {
  const { issuers } = parseConfig(
    `version: 1
identity:
  - { name: id, issuer: '${issuer.url}', audience: [custody, custody-web], backchannelLogout: true }
  - { name: other, issuer: '${other.url}', audience: custody, backchannelLogout: true, groupsPrefix: 'o:' }
  - { name: deaf, issuer: 'https://deaf.example', audience: custody, groupsPrefix: 'd:' }
targets: {}
`,
    'custody.yaml',
  );
  const logouts = new MemoryLogouts();
  const leaves = new MemoryLeaves();
  const faults: CustodyError[] = [];
  const clock = { ms: 0 };
  const ports = {
    policy: (): { issuers: readonly IssuerConfig[] } => ({ issuers }),
    verifierOf: logoutVerifiers(new Keyring()),
    logouts,
    leaves,
    failures: new TokenFailures(() => clock.ms),
    now: () => new Date(),
    log: (error: CustodyError) => void faults.push(error),
  };
  const handler = logoutHandler(ports);
  const send = async (
    body: string,
    { name = 'id', type = FORM, from = '192.0.2.1', base64 = false } = {},
  ): Promise<Answered> => {
    const asked = event(`/v1/logout/${name}`, {
      method: 'POST',
      headers: { 'content-type': type },
      sourceIp: from,
    });
    const whole = base64
      ? { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }
      : { body, isBase64Encoded: false };
    const { statusCode, headers, body: answer } = await handler({ ...asked, ...whole }, {} as never);
    return { status: statusCode!, headers: headers!, body: answer === '' ? {} : JSON.parse(answer!) };
  };
  const order = (token: string, how = {}) =>
    send(new URLSearchParams({ logout_token: token }).toString(), how);
  return { send, order, logouts, leaves, faults, clock, ports };
}

const INVALID = { status: 400, body: { error: 'invalid_request' } };

describe('an issuer that ends what it let in (OpenID Connect Back-Channel Logout 1.0)', () => {
  it('is answered 200, and nothing on the way keeps the answer (section 2.8)', async () => {
    const { order, logouts, leaves } = endpoint();
    expect(await order(await logoutToken())).toEqual({
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: {},
    });
    expect(logouts.taken).toHaveLength(1);
    const [leaf] = [...leaves.added].map((text) => JSON.parse(text) as object);
    expect(leaf).toMatchObject({ kind: 'logged-out', issuer: issuer.url, subject: 'dana', sid: 's1' });
  });

  it.each<[what: string, claims: object, header?: object]>([
    ['with sub alone', { sid: undefined }],
    ['with sid alone', { sub: undefined }],
    ['for the other audience', { aud: 'custody-web' }],
    ['for several audiences', { aud: ['elsewhere', 'custody'] }],
    ['without exp', { exp: undefined }],
    ['of the usual type', {}, { typ: 'JWT' }],
  ])('may send a token %s', async (_, claims, header) => {
    const { order, logouts } = endpoint();
    expect((await order(await logoutToken(claims, header))).status).toBe(200);
    expect(logouts.taken).toHaveLength(1);
  });

  it('may send the form as API Gateway wraps it, and with more in it', async () => {
    const { send } = endpoint();
    const token = await logoutToken();
    expect((await send(`x=1&logout_token=${token}&y=%20`, { base64: true })).status).toBe(200);
  });

  it.each<[what: string, claims: object, header?: object]>([
    ['without iss', { iss: undefined }],
    ['of another issuer', { iss: 'https://other.example' }],
    ['of nearly this issuer', { iss: 'http://127.0.0.1' }],
    ['for another audience', { aud: 'elsewhere' }],
    ['for no audience', { aud: undefined }],
    ['that has expired', { exp: 1 }],
    ['of long ago', { iat: 1 }],
    ['without iat', { iat: undefined }],
    ['without jti', { jti: undefined }],
    ['that names nothing', { sub: undefined, sid: undefined }],
    ['with a nonce', { nonce: 'n' }],
    ['without events, as an ID token is', { events: undefined }],
    ['with the event of another specification', { events: { 'http://schemas.openid.net/event/other': {} } }],
    ['of the type of an access token', {}, { typ: 'at+jwt' }],
    ['with a critical header', {}, { crit: ['urn:custody'], 'urn:custody': true }],
    ['that names a key the issuer does not have', {}, { kid: 'k2' }],
  ])('is refused a token %s, and nothing ends (section 2.6; security case 22)', async (_, claims, header) => {
    const { order, logouts, leaves } = endpoint();
    const answer = await order(await logoutToken(claims, header));
    expect(answer).toMatchObject(INVALID);
    expect(answer.headers).toEqual({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect([logouts.taken, leaves.added.size]).toEqual([[], 0]);
  });

  it.each<[what: string, make: () => Promise<string> | string]>([
    ['of another key', () => logoutToken({}, {}, foreign)],
    ['without a signature', async () => (await logoutToken()).replace(/\.[^.]*$/, '.')],
    ['changed afterwards', async () => changed(await logoutToken())],
    ['of the algorithm none', () => rawToken({ alg: 'none', kid: 'k1', typ: 'logout+jwt' }, claims())],
    ['of HS256 with the public key', () => hmac()],
    ['that is encrypted', async () => `${await logoutToken()}.x.y`],
    ['with a claim twice', () => twice()],
    ['that is no token', () => 'logout please'],
    ['of twenty thousand letters', () => 'x'.repeat(19_000)],
  ])('is refused a token %s (security case 22)', async (_, make) => {
    const { order, logouts, leaves } = endpoint();
    expect(await order(await make())).toMatchObject(INVALID);
    expect([logouts.taken, leaves.added.size]).toEqual([[], 0]);
  });

  it('ends nothing of another issuer, whoever signed what (security case 22)', async () => {
    const { order, logouts } = endpoint();
    expect(await order(await logoutToken(), { name: 'other' })).toMatchObject(INVALID);
    const claimed = await logoutToken({ iss: other.url }, {}, key);
    for (const name of ['id', 'other']) expect(await order(claimed, { name })).toMatchObject(INVALID);
    expect((await order(await logoutToken({ iss: other.url }, {}, foreign), { name: 'other' })).status).toBe(
      200,
    );
    expect(logouts.taken).toHaveLength(1);
    const marks = markedLogout({
      issuer: other.url,
      subject: 'dana',
      session: 's1',
      at: new Date(0),
      token: '',
    });
    expect(logouts.taken[0]!.marks).toEqual(marks.marks);
  });

  it('is told that a token was used before, and nothing happens twice', async () => {
    const { order, logouts, leaves } = endpoint();
    const token = await logoutToken();
    expect((await order(token)).status).toBe(200);
    expect(await order(token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', error_description: 'this logout token was used before' },
    });
    expect(leaves.added.size).toBe(1);
    const resigned = await logoutToken({ jti: 'same' });
    expect((await order(resigned)).status).toBe(200);
    expect((await order(await logoutToken({ jti: 'same', sub: 'eve' }))).status).toBe(400);
    expect(logouts.taken).toHaveLength(2);
  });

  it('is told why, in words of ours alone', async () => {
    const { order } = endpoint();
    const { body } = await order(await logoutToken({ nonce: '<script>' }));
    expect(body).toEqual({
      error: 'invalid_request',
      error_description: 'the logout token is not valid here: it has a nonce',
    });
  });

  it.each<[what: string, body: (token: string) => string, type?: string]>([
    ['without the token', () => 'x=1'],
    ['with an empty token', () => 'logout_token='],
    ['with two tokens', (token) => `logout_token=${token}&logout_token=${token}`],
    ['that is JSON', (token) => JSON.stringify({ logout_token: token }), 'application/json'],
    ['of several parts', (token) => `logout_token=${token}`, 'multipart/form-data'],
    ['of nearly the type', (token) => `logout_token=${token}`, `${FORM}x`],
    ['that is too long', (token) => `logout_token=${token}&x=${'x'.repeat(20 << 10)}`],
    ['that is empty', () => ''],
  ])('is refused a form %s (section 2.5; security case 16)', async (_, body, type) => {
    const { send, logouts } = endpoint();
    expect(await send(body(await logoutToken()), type === undefined ? {} : { type })).toMatchObject(INVALID);
    expect(logouts.taken).toEqual([]);
  });

  it('is not known under another name, nor where the file does not say that it may', async () => {
    const { order } = endpoint();
    for (const name of ['deaf', 'nobody', '__proto__', 'ID'])
      expect(await order(await logoutToken(), { name })).toMatchObject({
        status: 404,
        body: { code: 'not-found' },
      });
  });

  it('is let wait after twenty bad tokens of one address; others are not (security case 16)', async () => {
    const { order, clock } = endpoint();
    for (let n = 0; n < 20; n += 1) expect((await order('bad')).status).toBe(400);
    const blocked = await order(await logoutToken());
    expect([blocked.status, blocked.headers['retry-after']]).toEqual([429, '60']);
    expect((await order(await logoutToken(), { from: '198.51.100.1' })).status).toBe(200);
    clock.ms += 61_000;
    expect((await order(await logoutToken())).status).toBe(200);
  });

  it('is not shut out by what it signed itself, twice or too late, nor by what its provider signed for others', async () => {
    const { order, logouts } = endpoint();
    const twice = await logoutToken();
    await order(twice);
    const old = await logoutToken({ iat: 1 });
    const elsewhere = await logoutToken({ aud: 'elsewhere' });
    // Tenants of one provider call from one address, and each can name this endpoint as theirs.
    const tenants = await logoutToken({ iss: 'https://tenant.example' }, { kid: 'theirs' }, foreign);
    for (let n = 0; n < 21; n += 1)
      for (const token of [twice, old, elsewhere, tenants]) expect(await order(token)).toMatchObject(INVALID);
    expect((await order(await logoutToken())).status).toBe(200);
    expect(logouts.taken).toHaveLength(2);
  });

  it('is asked to send it again where it could not be kept, and the operator hears of it', async () => {
    const { order, logouts, faults, leaves } = endpoint();
    const take = logouts.take.bind(logouts);
    logouts.take = () => Promise.reject(new CustodyError('store-unavailable', 'away', { detail: 'secret' }));
    const token = await logoutToken();
    const answer = await order(token);
    expect(answer).toMatchObject({ status: 400, body: { error: 'temporarily_unavailable' } });
    expect(JSON.stringify(answer)).not.toContain('secret');
    expect(faults.map(({ code }) => code)).toEqual(['store-unavailable']);
    logouts.take = take;
    expect((await order(token)).status).toBe(200);
    expect(leaves.added.size).toBe(1);
  });
});

describe('a logout token', () => {
  it('is no login, whoever signed it (section 4.1; security case 22)', async () => {
    const verifier = oidcTokenVerifier({
      issuer: issuer.url,
      audience: 'custody',
      groupsClaim: 'groups',
      allowHttpLoopback: true,
    });
    for (const typ of ['logout+jwt', 'JWT', undefined])
      await expect(verifier.verify(await logoutToken({}, { typ }))).rejects.toMatchObject({
        code: 'token-invalid',
      });
    expect(await verifier.verify(await signToken(issuer, key, { sid: 's1' }))).toMatchObject({
      subject: 'dana',
      issuerSession: 's1',
    });
  });
});

function claims(): object {
  const now = seconds();
  const events = { [LOGOUT_EVENT]: {} };
  return { iss: issuer.url, aud: 'custody', sub: 'dana', jti: 'j', iat: now, exp: now + 120, events };
}

function hmac(): string {
  const [header, body] = rawToken({ alg: 'HS256', kid: 'k1', typ: 'logout+jwt' }, claims()).split('.');
  const mac = createHmac('sha256', JSON.stringify(key.jwk)).update(`${header}.${body}`).digest('base64url');
  return `${header}.${body}.${mac}`;
}

async function twice(): Promise<string> {
  const [header, body, signature] = (await logoutToken()).split('.') as [string, string, string];
  const text = Buffer.from(body, 'base64url').toString().replace('{', '{"sub":"eve",');
  return [header, Buffer.from(text).toString('base64url'), signature].join('.');
}

function changed(token: string): string {
  const [header, body, signature] = token.split('.') as [string, string, string];
  const text = Buffer.from(body, 'base64url').toString().replace('dana', 'dann');
  return [header, Buffer.from(text).toString('base64url'), signature].join('.');
}
