import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { CompactSign, exportSPKI, importJWK } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OidcOptions, oidcTokenVerifier } from '#adapters/oidc/token-verifier.ts';
import {
  answerJson,
  DISCOVERY,
  JWKS,
  makeKey,
  rawToken,
  signToken,
  startIssuer,
  type TestIssuer,
  type TestKey,
} from '#test/support/issuer.ts';

const MINUTE = 60_000;

let issuer: TestIssuer;
let key: TestKey;
/** The verifier's clock, milliseconds, and where it begins. */
let clock = 0;
let start = 0;

beforeEach(async () => {
  issuer = await startIssuer();
  key = await makeKey('key-1');
  issuer.keys = [key.jwk];
  start = Date.now();
  clock = start;
});

afterEach(() => {
  vi.restoreAllMocks();
  return issuer.close();
});

function verifier(options: Partial<OidcOptions> = {}) {
  return oidcTokenVerifier({
    issuer: issuer.url,
    audience: 'custody',
    groupsClaim: 'groups',
    allowHttpLoopback: true,
    now: () => clock,
    ...options,
  });
}

const INVALID = {
  code: 'token-invalid',
  message: expect.stringContaining('the token is not valid here') as string,
};
const UNREACHABLE = {
  code: 'issuer-unreachable',
  message: 'the identity provider cannot be reached to check the token',
};

const soon = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

describe('oidcTokenVerifier', () => {
  it.each(['RS256', 'ES256', 'ES384', 'EdDSA'])('takes a good token signed with %s', async (alg) => {
    const signer = await makeKey('good', alg);
    issuer.keys = [key.jwk, signer.jwk];
    const exp = soon(60);
    const token = await signToken(issuer, signer, { exp, email: 'dana@example.com' });
    expect(await verifier().verify(token)).toEqual({
      issuer: issuer.url,
      subject: 'dana',
      email: 'dana@example.com',
      groups: ['developers'],
      expiresAt: new Date(exp * 1000),
      issuedAt: expect.any(Date) as Date,
    });
  });

  it.each<[verified: unknown, setting: OidcOptions['emailVerified'], counts: boolean]>([
    [true, undefined, true],
    ['true', undefined, true],
    [undefined, undefined, true],
    [undefined, 'unless-denied', true],
    [true, 'required', true],
    [undefined, 'required', false],
    [false, undefined, false],
    ['false', undefined, false],
    [null, undefined, false],
    [1, 'unless-denied', false],
    ['yes', 'required', false],
  ])(
    'email_verified %j, %s: the address counts: %s (security case 11)',
    async (verified, setting, counts) => {
      const claims = {
        email: ' Dana@Example.com',
        ...(verified === undefined ? {} : { email_verified: verified }),
      };
      const found = await verifier({ emailVerified: setting }).verify(await signToken(issuer, key, claims));
      expect([found.email, found.unverifiedEmail]).toEqual(
        counts ? ['dana@example.com', undefined] : [undefined, 'dana@example.com'],
      );
    },
  );

  it.each(['da\u200bna@example.com', 'dana', 'dana@example.com\u202e', 'dana@eve@example.com'])(
    'takes no token whose address is not one that everybody reads alike: %j (security case 11)',
    async (email) => {
      const token = await signToken(issuer, key, { email });
      await expect(verifier().verify(token)).rejects.toMatchObject({
        code: 'token-invalid',
        message: expect.stringContaining('e-mail address') as string,
      });
      const unverified = await signToken(issuer, key, { email, email_verified: false });
      expect((await verifier().verify(unverified)).email).toBeUndefined();
    },
  );

  it('takes a token without an address, or with an empty one', async () => {
    for (const email of [undefined, '', ' ', 7]) {
      const found = await verifier().verify(await signToken(issuer, key, { email }));
      expect([found.email, found.unverifiedEmail]).toEqual([undefined, undefined]);
    }
  });

  it('takes the groups from the configured claim, and only texts', async () => {
    const token = await signToken(issuer, key, { roles: ['a', 'c'], groups: ['admin'] });
    expect((await verifier({ groupsClaim: 'roles' }).verify(token)).groups).toEqual(['a', 'c']);
    const mixed = await signToken(issuer, key, { roles: ['a', 5] });
    await expect(verifier({ groupsClaim: 'roles' }).verify(mixed)).rejects.toMatchObject({
      code: 'token-invalid',
      message: 'the token is not valid here: its claim roles holds a number, and groups are texts',
    });
  });

  it.each(['missing', 'constructor', '__proto__'])(
    'has no groups when there is no such claim: %s',
    async (claim) => {
      const token = await signToken(issuer, key, { groups: 'admin' });
      expect((await verifier({ groupsClaim: claim }).verify(token)).groups).toEqual([]);
      expect((await verifier().verify(token)).groups).toEqual(['admin']);
    },
  );

  it('takes a token for several audiences, one of them this', async () => {
    const token = await signToken(issuer, key, { aud: ['other', 'custody'] });
    expect((await verifier().verify(token)).subject).toBe('dana');
  });
});

describe('oidcTokenVerifier refuses (security case 22)', () => {
  const claims = () => ({ iss: issuer.url, aud: 'custody', sub: 'dana', exp: soon(60) });

  it.each<[what: string, token: () => Promise<string> | string]>([
    ['no token', () => ''],
    ['a password', () => 'hunter2'],
    ['a token in five parts', () => 'a.b.c.d.e'],
    ['alg none', () => rawToken({ alg: 'none', kid: 'key-1' }, claims(), 'x')],
    ['alg none without a signature', () => rawToken({ alg: 'none', kid: 'key-1' }, claims())],
    ['no alg', async () => withHeader(await signToken(issuer, key), { kid: 'key-1' })],
    ['alg of a name in the prototype', () => rawToken({ alg: 'constructor', kid: 'key-1' }, claims(), 'x')],
    ['no kid', () => signToken(issuer, key, {}, { kid: undefined })],
    ['a kid that is not a text', () => rawToken({ alg: 'ES256', kid: 1 }, claims(), 'x')],
    ['an unknown kid', () => signToken(issuer, key, {}, { kid: 'other' })],
    ['a key of the same kid that is not the issuer’s', async () => signToken(issuer, await makeKey('key-1'))],
    ['a wrong issuer', () => signToken(issuer, key, { iss: 'https://id.example' })],
    ['an issuer that only begins so', () => signToken(issuer, key, { iss: `${issuer.url}/` })],
    ['no issuer', () => signToken(issuer, key, { iss: undefined })],
    ['a wrong audience', () => signToken(issuer, key, { aud: 'other' })],
    ['an audience that only begins so', () => signToken(issuer, key, { aud: 'custody2' })],
    ['no audience', () => signToken(issuer, key, { aud: undefined })],
    ['no audience in the list', () => signToken(issuer, key, { aud: [] })],
    ['no subject', () => signToken(issuer, key, { sub: undefined })],
    ['an empty subject', () => signToken(issuer, key, { sub: '' })],
    ['no expiry', () => signToken(issuer, key, { exp: undefined })],
    ['an expiry that is no time', async () => resigned({ ...claims(), exp: 1e300 })],
    ['an expiry in words', async () => resigned({ ...claims(), exp: 'never' })],
    ['a critical header', () => signToken(issuer, key, {}, { crit: ['urn:custody'], 'urn:custody': 1 })],
  ])('%s', async (_what, token) => {
    await expect(verifier().verify(await token())).rejects.toMatchObject(INVALID);
  });

  it('an expired token, also one that was good a moment ago (security case 12)', async () => {
    await expect(verifier().verify(await signToken(issuer, key, { exp: soon(-1) }))).rejects.toMatchObject(
      INVALID,
    );
  });

  it('a token that is not valid yet (security case 12)', async () => {
    await expect(verifier().verify(await signToken(issuer, key, { nbf: soon(60) }))).rejects.toMatchObject(
      INVALID,
    );
  });

  it.each(['HS256', 'HS512'])('%s with the public key for a secret', async (alg) => {
    const rsa = await makeKey('rsa', 'RS256');
    const { alg: _alg, ...noAlg } = rsa.jwk;
    const pem = await exportSPKI((await importJWK(rsa.jwk, 'RS256')) as Parameters<typeof exportSPKI>[0]);
    for (const published of [rsa.jwk, noAlg]) {
      issuer.keys = [published];
      for (const secret of [pem, pem.trimEnd(), JSON.stringify(published)]) {
        const unsigned = rawToken({ alg, kid: 'rsa' }, claims()).replace(/\.$/, '');
        const signature = createHmac(`sha${alg.slice(2)}`, secret)
          .update(unsigned)
          .digest('base64url');
        await expect(verifier().verify(`${unsigned}.${signature}`)).rejects.toMatchObject(INVALID);
      }
    }
  });

  it('a symmetric key, should an issuer publish one', async () => {
    const k = Buffer.alloc(32, 1).toString('base64url');
    issuer.keys = [key.jwk, { kty: 'oct', kid: 'oct', k }];
    const unsigned = rawToken({ alg: 'HS256', kid: 'oct' }, claims()).replace(/\.$/, '');
    const signature = createHmac('sha256', Buffer.alloc(32, 1)).update(unsigned).digest('base64url');
    await expect(verifier().verify(`${unsigned}.${signature}`)).rejects.toMatchObject(INVALID);
  });

  it('keys that the token itself brings or points at (security case 9)', async () => {
    const forger = await makeKey('forged');
    issuer.answers.set('/forged', (_request, response) => answerJson(response, { keys: [forger.jwk] }));
    const url = `${issuer.url}/forged`;
    for (const header of [{ jku: url }, { jwk: forger.jwk }, { x5u: url }, { x5c: ['MIIB'] }]) {
      for (const kid of ['forged', 'key-1']) {
        const token = await signToken(issuer, forger, {}, { ...header, kid });
        await expect(verifier().verify(token)).rejects.toMatchObject(INVALID);
      }
    }
    expect(issuer.asked).not.toContain('/forged');
  });

  it('an oversize token, before anything is fetched (security case 16)', async () => {
    const token = await signToken(issuer, key, { filler: 'x'.repeat(16_384) });
    await expect(verifier().verify(token)).rejects.toMatchObject(INVALID);
    expect(issuer.asked).toEqual([]);
  });

  it('a token in which its issuer says something twice (security case 22)', async () => {
    const claims = JSON.stringify({
      iss: issuer.url,
      aud: 'custody',
      sub: 'dev-1',
      exp: soon(60),
      iat: soon(-1),
    });
    for (const payload of [
      claims.replace('{', '{"sub":"admin",'),
      claims.replace('{', '{"\\u0073ub":"admin",'),
    ]) {
      const signed = new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg: 'ES256', kid: key.kid });
      await expect(verifier().verify(await signed.sign(key.privateKey))).rejects.toMatchObject(INVALID);
    }
    const good = new CompactSign(Buffer.from(claims)).setProtectedHeader({ alg: 'ES256', kid: key.kid });
    expect(await verifier().verify(await good.sign(key.privateKey))).toMatchObject({ subject: 'dev-1' });
  });

  it('a token whose claims were changed', async () => {
    const [header, , signature] = (await signToken(issuer, key)).split('.');
    const claims = Buffer.from(
      JSON.stringify({ iss: issuer.url, aud: 'custody', sub: 'root', exp: soon(60) }),
    );
    const token = `${header}.${claims.toString('base64url')}.${signature}`;
    await expect(verifier().verify(token)).rejects.toMatchObject(INVALID);
  });

  it('and tells whoever may have forged it nothing of why', async () => {
    const good = await signToken(issuer, key);
    const [header, claims] = good.split('.');
    const bad = `${header}.${claims}.${Buffer.alloc(64, 1).toString('base64url')}`;
    await expect(verifier().verify(bad)).rejects.toMatchObject({
      message: 'the token is not valid here',
      hint: 'log in again: custody login',
      guess: true,
    });
  });

  /** The claims as they are, truly signed: jose itself would refuse to sign some. */
  async function resigned(payload: unknown): Promise<string> {
    const unsigned = rawToken({ alg: 'ES256', kid: 'key-1' }, payload).replace(/\.$/, '');
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
    const signature = await crypto.subtle.sign(algorithm, key.privateKey, Buffer.from(unsigned));
    return `${unsigned}.${Buffer.from(signature).toString('base64url')}`;
  }

  function withHeader(token: string, header: unknown): string {
    return `${Buffer.from(JSON.stringify(header)).toString('base64url')}${token.slice(token.indexOf('.'))}`;
  }
});

describe('oidcTokenVerifier asks the issuer', () => {
  it('for its keys once, however many log in at once', async () => {
    const under = verifier();
    const token = await signToken(issuer, key);
    await Promise.all(Array.from({ length: 20 }, () => under.verify(token)));
    expect(issuer.asked).toEqual([DISCOVERY, JWKS]);
  });

  it('and asks again only once for many unknown kids (security case 16)', async () => {
    const under = verifier();
    await under.verify(await signToken(issuer, key));
    for (let i = 0; i < 20; i += 1) {
      const token = await signToken(issuer, key, {}, { kid: `unknown-${i}` });
      await expect(under.verify(token)).rejects.toMatchObject(INVALID);
    }
    expect(issuer.asked).toEqual([DISCOVERY, JWKS, JWKS]);
  });

  it('without discovery when the place of the keys is configured', async () => {
    const under = verifier({ jwksUri: `${issuer.url}${JWKS}` });
    expect((await under.verify(await signToken(issuer, key))).subject).toBe('dana');
    expect(issuer.asked).toEqual([JWKS]);
  });

  it.each<[what: string, path: string, answer: (response: ServerResponse) => unknown]>([
    ['discovery of another issuer', DISCOVERY, (r) => answerJson(r, { issuer: 'https://e', jwks_uri: '/' })],
    [
      'discovery with a slash more',
      DISCOVERY,
      (r) => answerJson(r, { issuer: `${issuer.url}/`, jwks_uri: `${issuer.url}${JWKS}` }),
    ],
    ['discovery that is null', DISCOVERY, (r) => answerJson(r, null)],
    ['discovery without keys', DISCOVERY, (r) => answerJson(r, { issuer: issuer.url })],
    [
      'keys over plain http from elsewhere',
      DISCOVERY,
      (r) => answerJson(r, { issuer: issuer.url, jwks_uri: 'http://169.254.169.254/latest/meta-data' }),
    ],
    [
      'keys in a file',
      DISCOVERY,
      (r) => answerJson(r, { issuer: issuer.url, jwks_uri: 'file:///etc/passwd' }),
    ],
    ['discovery that moved', DISCOVERY, (r) => r.writeHead(302, { location: `${issuer.url}/moved` }).end()],
    ['keys that moved', JWKS, (r) => r.writeHead(307, { location: `${issuer.url}/moved` }).end()],
    ['keys that are gone', JWKS, (r) => r.writeHead(500).end('{"keys":[]}')],
    ['keys that are not JSON', JWKS, (r) => r.writeHead(200).end('<html>')],
    ['keys twice', JWKS, (r) => r.writeHead(200).end(`{"keys":[${JSON.stringify(key.jwk)}],"keys":[]}`)],
    [
      'discovery with two places of keys',
      DISCOVERY,
      (r) => {
        const keys = JSON.stringify(`${issuer.url}${JWKS}`);
        r.writeHead(200).end(
          `{"issuer":${JSON.stringify(issuer.url)},"jwks_uri":"/","jwks_\\u0075ri":${keys}}`,
        );
      },
    ],
    ['keys that are no list', JWKS, (r) => answerJson(r, { keys: 'all' })],
    ['huge keys', JWKS, (r) => answerJson(r, { keys: [key.jwk], filler: 'x'.repeat(256 << 10) })],
  ])('and trusts no %s (security cases 9, 22)', async (_what, path, answer) => {
    issuer.answers.set(path, (_request, response) => void answer(response));
    issuer.answers.set('/moved', (_request, response) =>
      answerJson(
        response,
        path === JWKS ? { keys: [key.jwk] } : { issuer: issuer.url, jwks_uri: `${issuer.url}${JWKS}` },
      ),
    );
    await expect(verifier().verify(await signToken(issuer, key))).rejects.toMatchObject(UNREACHABLE);
    expect(issuer.asked).not.toContain('/moved');
  });

  it('and lets no issuer elsewhere send it to a port of this machine (security case 9)', async () => {
    const remote = 'https://id.example';
    const real = globalThis.fetch;
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) =>
      new URL(input).origin === remote
        ? Response.json({ issuer: remote, jwks_uri: `${issuer.url}${JWKS}` })
        : real(input, init),
    );
    const token = await signToken({ url: remote }, key);
    await expect(verifier({ issuer: remote }).verify(token)).rejects.toMatchObject(UNREACHABLE);
    expect(issuer.asked).toEqual([]);
  });

  it('recovers once the issuer answers', async () => {
    const under = verifier();
    const token = await signToken(issuer, key);
    issuer.down = true;
    await expect(under.verify(token)).rejects.toMatchObject(UNREACHABLE);
    issuer.down = false;
    clock += 1_000;
    expect((await under.verify(token)).subject).toBe('dana');
  });

  it.each([
    ['http elsewhere', 'http://id.example', true],
    ['http on this machine when it is not allowed', undefined, false],
    ['a name that only looks like this machine', 'http://127.0.0.1.example:80', true],
    ['http to the metadata address', 'http://169.254.169.254', true],
  ])('but never over %s (security case 9)', async (_what, url, allowHttpLoopback) => {
    const under = verifier({ issuer: url ?? issuer.url, allowHttpLoopback });
    const error = await under.verify(await signToken(issuer, key)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(UNREACHABLE);
    expect((error as { detail: string }).detail).toContain('is not https');
    expect(issuer.asked).toEqual([]);
  });
});

describe('oidcTokenVerifier, as keys change', () => {
  it('takes a new key at once', async () => {
    const under = verifier();
    await under.verify(await signToken(issuer, key));
    const next = await makeKey('key-2');
    issuer.keys = [key.jwk, next.jwk];
    expect((await under.verify(await signToken(issuer, next))).subject).toBe('dana');
  });

  it.each<[what: string, trouble: () => void]>([
    ['is away', () => (issuer.down = true)],
    ['answers 500', () => issuer.answers.set(JWKS, (_, response) => response.writeHead(500).end())],
    [
      'has no list of keys',
      () => issuer.answers.set(JWKS, (_, response) => answerJson(response, { keys: 1 })),
    ],
  ])('does not take a new key for a wrong one while the issuer %s', async (_what, trouble) => {
    const under = verifier();
    await under.verify(await signToken(issuer, key));
    const next = await makeKey('key-2');
    issuer.keys = [key.jwk, next.jwk];
    trouble();
    const token = await signToken(issuer, next);
    await expect(under.verify(token)).rejects.toMatchObject(UNREACHABLE);
    issuer.down = false;
    issuer.answers.clear();
    clock += 10_000;
    expect((await under.verify(token)).subject).toBe('dana');
  });

  it('asks an issuer that is away once in ten seconds, however many unknown kids come (security case 16)', async () => {
    const under = verifier();
    await under.verify(await signToken(issuer, key));
    issuer.down = true;
    const asked = issuer.asked.length;
    for (let n = 0; n < 5; n += 1) {
      const token = await signToken(issuer, await makeKey(`made-up-${n}`));
      await expect(under.verify(token)).rejects.toMatchObject(UNREACHABLE);
    }
    expect(issuer.asked.slice(asked)).toEqual([JWKS]);
  });

  it('refuses a withdrawn key ten minutes after it was fetched, at the latest (security case 12)', async () => {
    const under = verifier();
    const token = await signToken(issuer, key);
    await under.verify(token);
    issuer.keys = [(await makeKey('key-2')).jwk];
    clock = start + 10 * MINUTE;
    await expect(under.verify(token)).rejects.toMatchObject(INVALID);
  });

  it('refuses a withdrawn key of the same kid as the new one (security case 12)', async () => {
    const under = verifier();
    const token = await signToken(issuer, key);
    await under.verify(token);
    issuer.keys = [(await makeKey('key-1')).jwk];
    clock = start + 10 * MINUTE;
    await expect(under.verify(token)).rejects.toMatchObject(INVALID);
  });

  it('fetches keys anew after five minutes without making anybody wait', async () => {
    const under = verifier();
    const token = await signToken(issuer, key);
    await under.verify(token);
    const asked = new Promise<void>((resolve) => {
      // Never answers: a login that waited for it would time out.
      issuer.answers.set(DISCOVERY, () => resolve());
    });
    clock = start + 5 * MINUTE;
    expect((await under.verify(token)).subject).toBe('dana');
    await asked;
  });
});
