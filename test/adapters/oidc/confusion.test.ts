import { createHmac } from 'node:crypto';
import { CompactSign, exportSPKI, importJWK } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CustodyError } from '#core/errors.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import {
  makeKey,
  rawToken,
  signToken,
  startIssuer,
  type TestIssuer,
  type TestKey,
} from '#test/support/issuer.ts';
import { verifierOf } from '#test/support/trusted-issuers.ts';

/** Two issuers whose keys have one name, and a gateway that trusts both. */
let a: TestIssuer;
let b: TestIssuer;
let keyA: TestKey;
let keyB: TestKey;
let gateway: TokenVerifier;

beforeEach(async () => {
  [a, b] = await Promise.all([startIssuer(), startIssuer()]);
  [keyA, keyB] = await Promise.all([makeKey('key-1'), makeKey('key-1')]);
  a.keys = [keyA.jwk];
  b.keys = [keyB.jwk];
  gateway = verifierOf([
    `name: a, issuer: "${a.url}", audience: custody-a`,
    `name: b, issuer: "${b.url}", audience: [custody-b, both], groupsPrefix: "b:", emailVerified: required`,
  ]);
});

afterEach(() => Promise.all([a.close(), b.close()]));

const ofA = (claims: Record<string, unknown> = {}, key = keyA) =>
  signToken(a, key, { aud: 'custody-a', ...claims });
const ofB = (claims: Record<string, unknown> = {}, key = keyB) =>
  signToken(b, key, { aud: 'custody-b', ...claims });

/** What the gateway says of a token: the code of its refusal. */
async function answerTo(token: string | Promise<string>): Promise<string> {
  return gateway.verify(await token).then(
    () => 'taken',
    ({ code }: CustodyError) => code,
  );
}

describe('two issuers side by side (security case 22)', () => {
  it('have their own principals, though sub, e-mail, groups and key id are the same', async () => {
    const claims = { sub: 'dana', email: 'dana@example.com', email_verified: true };
    expect(await gateway.verify(await ofA(claims))).toMatchObject({
      issuer: a.url,
      issuerName: 'a',
      subject: 'dana',
      groups: ['developers'],
    });
    expect(await gateway.verify(await ofB(claims))).toMatchObject({
      issuer: b.url,
      issuerName: 'b',
      subject: 'dana',
      groups: ['b:developers'],
    });
  });

  it('sign for nobody but themselves, whatever the token says', async () => {
    expect(await answerTo(ofB({}, keyA))).toBe('token-invalid');
    expect(await answerTo(ofA({}, keyB))).toBe('token-invalid');
    expect(await answerTo(ofA({ iss: b.url, aud: 'custody-b' }))).toBe('token-invalid');
    expect(await answerTo(ofB({ iss: a.url, aud: 'custody-a' }))).toBe('token-invalid');
  });

  it('sign for nobody but themselves, though one publishes the key of the other', async () => {
    const other = await makeKey('key-2');
    a.keys = [keyA.jwk];
    b.keys = [keyB.jwk, other.jwk];
    // B's key counts for B alone, and its publishing A's does not make B speak for A.
    expect(await answerTo(ofA({}, other))).toBe('token-invalid');
    b.keys = [keyA.jwk];
    expect((await gateway.verify(await ofA())).issuer).toBe(a.url);
    expect(await answerTo(ofA({}, keyB))).toBe('token-invalid');
  });

  it('are never at the audience of the other', async () => {
    expect(await answerTo(ofA({ aud: 'custody-b' }))).toBe('token-invalid');
    expect(await answerTo(ofB({ aud: 'custody-a' }))).toBe('token-invalid');
    expect(await answerTo(ofA({ aud: ['both', 'custody-b'] }))).toBe('token-invalid');
    expect((await gateway.verify(await ofB({ aud: ['x', 'both'] }))).issuerName).toBe('b');
  });

  it('ask nobody for the keys of an issuer that is not meant', async () => {
    await gateway.verify(await ofA());
    expect(a.asked).not.toEqual([]);
    expect(b.asked).toEqual([]);
    b.down = true;
    await expect(gateway.verify(await ofB())).rejects.toMatchObject({ code: 'issuer-unreachable' });
    expect((await gateway.verify(await ofA())).subject).toBe('dana');
  });

  it('count an address that the one does not vouch for against nobody’s name but its own', async () => {
    const email = 'boss@example.com';
    const unverified = await gateway.verify(await ofB({ email }));
    expect([unverified.email, unverified.unverifiedEmail]).toEqual([undefined, email]);
    const denied = await gateway.verify(await ofA({ email, email_verified: false }));
    expect([denied.email, denied.unverifiedEmail]).toEqual([undefined, email]);
  });

  it('cannot make groups of each other', async () => {
    const groups = ['b:admins', 'b:', 'developers'];
    expect((await gateway.verify(await ofA({ groups }))).groups).toEqual(['developers']);
    expect((await gateway.verify(await ofB({ groups }))).groups).toEqual([
      'b:b:admins',
      'b:b:',
      'b:developers',
    ]);
  });
});

describe('an issuer’s name', () => {
  it.each<[what: string, iss: (url: string) => unknown]>([
    ['with a slash', (url) => `${url}/`],
    ['in capitals', (url) => url.toUpperCase()],
    ['with a blank', (url) => `${url} `],
    ['with what is not seen', (url) => `${url}\u200b`],
    ['in full-width letters', (url) => url.replace('h', '\uff48')],
    ['with a letter that looks alike', (url) => url.replace('p', '\u0440')],
    ['of the same address', (url) => url.replace('127.0.0.1', 'localhost')],
    ['with a path', (url) => `${url}/a`],
    ['with a user', (url) => url.replace('//', '//x@')],
    ['with a question', (url) => `${url}?`],
    ['in a list', (url) => [url]],
    ['in an object', (url) => ({ url })],
    ['that is missing', () => undefined],
    ['that is null', () => null],
    ['of the prototype', () => 'constructor'],
    ['without a scheme', (url) => url.replace('http://', '')],
  ])('is taken exactly: %s', async (_, iss) => {
    expect(await answerTo(resigned({ iss: iss(a.url), aud: 'custody-a', sub: 'dana', exp: soon() }))).toBe(
      'token-invalid',
    );
    expect(a.asked).toEqual([]);
  });

  it('is no other because of what stands beside it', async () => {
    const good = JSON.stringify({ iss: a.url, aud: 'custody-a', sub: 'dana', exp: soon() });
    expect((await gateway.verify(await signedText(good))).subject).toBe('dana');
    for (const twice of [
      good.replace('{', `{"iss":${JSON.stringify(b.url)},`),
      good.replace('{', `{"i\\u0073s":${JSON.stringify(b.url)},`),
      good.replace('}', `,"iss":${JSON.stringify(a.url)}}`),
      good.replace('{', '{"aud":"custody-b",'),
      good.replace('{', '{"__proto__":{"groups":["admins"]},'),
      `[${good}]`,
      `${good}{}`,
      '"iss"',
      'null',
    ])
      expect(await answerTo(signedText(twice))).toBe('token-invalid');
  });
});

describe('an audience', () => {
  it.each<[what: string, aud: unknown]>([
    ['in a list of lists', [['custody-a']]],
    ['in an object', { 0: 'custody-a' }],
    ['with a number beside it', [1, 'custody-a']],
    ['that is empty', []],
    ['that is null', null],
    ['that is another', 'custody'],
    ['in capitals', 'CUSTODY-A'],
    ['that only begins so', 'custody-a '],
    ['of several in one text', 'custody-a custody-b'],
  ])('is taken exactly: %s', async (_, aud) => {
    expect(await answerTo(resigned({ iss: a.url, aud, sub: 'dana', exp: soon() }))).toBe('token-invalid');
  });
});

describe('a token that its issuer has not signed', () => {
  it.each(['none', 'None', 'NONE', 'nOnE', '', 'HS256', 'constructor'])('is refused: alg %j', async (alg) => {
    const claims = { iss: a.url, aud: 'custody-a', sub: 'dana', exp: soon() };
    expect(await answerTo(rawToken({ alg, kid: 'key-1' }, claims))).toBe('token-invalid');
    expect(await answerTo(rawToken({ alg, kid: 'key-1' }, claims, Buffer.alloc(64)))).toBe('token-invalid');
  });

  it('is refused with the public key as a secret, of either issuer', async () => {
    for (const key of [keyA, keyB]) {
      const pem = await exportSPKI((await importJWK(key.jwk, 'ES256')) as Parameters<typeof exportSPKI>[0]);
      for (const secret of [pem, pem.trimEnd(), JSON.stringify(key.jwk)]) {
        const claims = { iss: a.url, aud: 'custody-a', sub: 'dana', exp: soon() };
        const unsigned = rawToken({ alg: 'HS256', kid: 'key-1' }, claims).replace(/\.$/, '');
        const signature = createHmac('sha256', secret).update(unsigned).digest('base64url');
        expect(await answerTo(`${unsigned}.${signature}`)).toBe('token-invalid');
      }
    }
  });
});

const deep = { sub: '4', act: { sub: '5', act: { sub: '6' } } };

describe('claims that are too large', () => {
  it.each<[string, Record<string, unknown>]>([
    ['one of 20 kB', { groups: ['x'.repeat(20_000)] }],
    ['a group of 600 letters', { groups: ['x'.repeat(600)] }],
    ['a thousand groups and one', { groups: Array.from({ length: 1_001 }, (_, at) => at.toString(36)) }],
    ['a sub of 600 letters', { sub: 'x'.repeat(600) }],
    ['actors one behind the other', { act: { sub: '1', act: { sub: '2', act: { sub: '3', act: deep } } } }],
  ])('are refused: %s (security case 16)', async (_, claims) => {
    expect(await answerTo(ofA(claims))).toBe('token-invalid');
  });
});

function soon(): number {
  return Math.floor(Date.now() / 1000) + 60;
}

/** Signed by A, whatever the claims are: jose itself would refuse to sign some. */
function resigned(claims: Record<string, unknown>): Promise<string> {
  return signedText(JSON.stringify(claims));
}

function signedText(payload: string): Promise<string> {
  const signed = new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg: 'ES256', kid: keyA.kid });
  return signed.sign(keyA.privateKey);
}
