import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { meantIssuer, type Unverified } from '#adapters/oidc/meant-issuer.ts';
import type { CustodyError } from '#core/errors.ts';
import { makeKey, signToken, startIssuer, type TestIssuer, type TestKey } from '#test/support/issuer.ts';
import * as tokens from '#test/support/provider-tokens.ts';
import { configOf, verifierOf } from '#test/support/trusted-issuers.ts';

/** Which entry of the file a token with these claims has to satisfy, or why none. */
function entryOf(issuers: readonly string[], claims: Unverified): string {
  try {
    return meantIssuer(configOf(issuers).issuers, claims)?.name ?? 'none';
  } catch (error) {
    return (error as CustodyError).message;
  }
}

const PEOPLE =
  'name: people, issuer: https://gitlab.example, audience: [app, cli], match: { auth_time: "*" }';
const JOBS =
  'name: jobs, kind: workload, issuer: https://gitlab.example, audience: [ci, cd], match: { namespace_path: acme }';
const GOOGLE =
  'name: google, issuer: https://accounts.google.com, audience: app, groupsPrefix: "g:", match: { sub: "*" }';

describe('the issuer that is meant', () => {
  it.each<[aud: unknown, entry: string]>([
    ['app', 'people'],
    ['cli', 'people'],
    ['ci', 'jobs'],
    [['x', 'cd'], 'jobs'],
    [['ci', 'cd'], 'jobs'],
    // The first says what is wrong with it.
    ['other', 'people'],
    [[['ci']], 'people'],
    [undefined, 'people'],
    [['ci', 'app'], 'the token is not valid here: it is for several audiences that are told apart here'],
  ])('tells the entries of one issuer apart by audience: %j', (aud, entry) => {
    expect(entryOf([PEOPLE, JOBS], { iss: 'https://gitlab.example', aud })).toBe(entry);
  });

  it('knows Google by both of its names, and nobody else', () => {
    const issuers = [GOOGLE, PEOPLE];
    expect(entryOf(issuers, { iss: 'https://accounts.google.com', aud: 'app' })).toBe('google');
    expect(entryOf(issuers, { iss: 'accounts.google.com', aud: 'app' })).toBe('google');
    for (const iss of [
      'http://accounts.google.com',
      'gitlab.example',
      'accounts.google.com/',
      'Accounts.google.com',
    ])
      expect(entryOf(issuers, { iss, aud: 'app' })).toBe('none');
  });

  it('does not look at azp: it names whom the token was given to, and aud whom it is for', () => {
    const claims = { iss: 'https://gitlab.example', aud: ['app', 'account'], azp: 'somebody' };
    expect(entryOf([PEOPLE, JOBS], claims)).toBe('people');
  });

  it.each(['', '.', 'a.b.c', '...', 'e30.e30.e30', `${'x'.repeat(100_000)}.y.z`])(
    'refuses what is no token: %j',
    async (token) => {
      await expect(verifierOf([PEOPLE]).verify(token)).rejects.toMatchObject({ code: 'token-invalid' });
    },
  );

  it('says what it is that is no token', async () => {
    await expect(verifierOf([PEOPLE]).verify('ya29.x')).rejects.toMatchObject({
      message: expect.stringContaining('it is an access token of Google'),
    });
  });
});

describe('Google', () => {
  let folder: string;
  beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'custody-google-'))));
  afterAll(() => rm(folder, { recursive: true }));

  it('is one issuer by both of its names', async () => {
    const key = await makeKey('google-1');
    const file = join(folder, 'keys.json');
    await writeFile(file, JSON.stringify({ keys: [key.jwk] }));
    const gateway = verifierOf([`${GOOGLE}, jwksFile: "${file}", emailVerified: required`]);
    const claims = { ...tokens.google, aud: 'app', iat: undefined, exp: Math.floor(Date.now() / 1000) + 60 };
    const verify = async (iss: string) =>
      gateway.verify(await signToken({ url: iss }, key, { ...claims, iss, groups: undefined }));
    for (const iss of ['https://accounts.google.com', 'accounts.google.com'])
      expect(await verify(iss)).toMatchObject({
        issuer: 'https://accounts.google.com',
        subject: tokens.google['sub'],
        email: 'dana@acme.example',
        groups: [],
      });
    await expect(verify('http://accounts.google.com')).rejects.toMatchObject({ code: 'token-invalid' });
  });
});

describe('one issuer for people and for jobs', () => {
  let gitlab: TestIssuer;
  let key: TestKey;
  beforeAll(async () => {
    gitlab = await startIssuer();
    key = await makeKey('key-1');
    gitlab.keys = [key.jwk];
  });
  afterAll(() => gitlab.close());

  const gateway = () =>
    verifierOf([PEOPLE, JOBS].map((entry) => entry.replace('https://gitlab.example', gitlab.url)));
  const job = { sub: 'project_path:acme/shop:ref_type:branch:ref:main', namespace_path: 'acme', groups: [] };

  it('makes of each what it is', async () => {
    const dana = await gateway().verify(
      await signToken(gitlab, key, { aud: 'app', sub: '42', auth_time: 1 }),
    );
    expect(dana).toMatchObject({ issuerName: 'people', claims: { auth_time: '1' } });
    expect(dana).not.toHaveProperty('workload');
    expect(await gateway().verify(await signToken(gitlab, key, { ...job, aud: 'ci' }))).toMatchObject({
      issuerName: 'jobs',
      workload: true,
      claims: { namespace_path: 'acme' },
    });
  });

  it('keeps what rules ask for from the moment on that the file has them, and fetches no keys for that', async () => {
    let rules: string[] = [];
    const entries = [PEOPLE, JOBS].map((entry) => entry.replace('https://gitlab.example', gitlab.url));
    const current = currentVerifier(() => configOf(entries, rules).issuers);
    const token = await signToken(gitlab, key, { ...job, aud: 'ci', ref: 'main' });
    expect((await current().verify(token)).claims).toEqual({ namespace_path: 'acme' });
    const asked = gitlab.asked.length;
    rules = [
      'name: deploys, issuer: jobs, claims: { ref: main, environment: x }, targets: [db], allow: [connect]',
    ];
    expect((await current().verify(token)).claims).toEqual({
      namespace_path: 'acme',
      ref: 'main',
      environment: [],
    });
    expect(gitlab.asked).toHaveLength(asked);
  });

  it('never takes a job for a person, though its author chose the audience (security case 22)', async () => {
    for (const aud of ['app', ['app'], ['cli', 'x']])
      await expect(gateway().verify(await signToken(gitlab, key, { ...job, aud }))).rejects.toMatchObject({
        code: 'token-invalid',
        message:
          'the token is not valid here: its claim auth_time is not one that is taken of this identity provider',
      });
  });
});
