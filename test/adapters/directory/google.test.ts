import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { googleDirectory } from '#adapters/directory/google.ts';
import { directorySchema, type GoogleDirectoryConfig } from '#core/access/directory-schema.ts';
import type { DirectoryPerson } from '#core/identity/directory.ts';
import { inTurn, json, startDirectory, type TestDirectory } from '#test/support/directory.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
/** As Google makes it; whoever writes the file could send the assertion anywhere with its token_uri. */
const account = {
  type: 'service_account',
  client_email: 'groups@acme.iam.gserviceaccount.com',
  private_key: pem,
  private_key_id: 'key-1',
  token_uri: 'http://127.0.0.1:9/elsewhere',
};
const dana: DirectoryPerson = { subject: '1076543210', email: 'dana@acme.com', claims: {} };

let server: TestDirectory;
let secret = JSON.stringify(account);
beforeEach(async () => {
  server = await startDirectory();
  secret = JSON.stringify(account);
});
afterEach(() => server.close());

function directory(more: object = {}, ms: { callMs?: number; lookupMs?: number } = {}) {
  const config = directorySchema.parse({
    kind: 'google',
    admin: 'Admin@Acme.com',
    secretFile: 'key.json',
    apiUrl: server.url,
    tokenUrl: `${server.url}/token`,
    ...more,
  }) as GoogleDirectoryConfig;
  return googleDirectory(config, {
    readSecret: () => Promise.resolve(secret),
    wallClock: () => NOW,
    ...ms,
  });
}

function page(emails: readonly string[], nextPageToken?: string): object {
  const groups = emails.map((email) => ({ email }));
  return { kind: 'admin#directory#groups', ...(emails.length === 0 ? {} : { groups }), nextPageToken };
}

describe('groups of Google Workspace', () => {
  it('are asked for by the account of the token, page by page, with one access token', async () => {
    server.groups = (asked, response) =>
      json(response, asked.query.has('pageToken') ? page(['B@acme.com']) : page(['a@acme.com'], 'next/&='));
    expect(await directory().groupsOf(dana)).toEqual(['a@acme.com', 'b@acme.com']);
    const [token, first, second] = server.asked;
    expect(server.asked).toHaveLength(3);
    expect(token!.path).toBe('/token');
    for (const asked of [first!, second!]) {
      expect(asked).toMatchObject({ path: '/admin/directory/v1/groups', authorization: 'Bearer token-1' });
      expect(asked.query.get('userKey')).toBe('1076543210');
    }
    expect(second!.query.get('pageToken')).toBe('next/&=');
  });

  it('are asked for as the administrator, with an assertion that the service account signs (RFC 7523)', async () => {
    server.groups = (_asked, response) => json(response, page([]));
    expect(await directory().groupsOf(dana)).toEqual([]);
    const { form } = server.asked[0]!;
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const { payload, protectedHeader } = await jwtVerify(form.get('assertion')!, keys.publicKey, {
      currentDate: NOW,
      audience: `${server.url}/token`,
    });
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' });
    expect(payload).toMatchObject({
      iss: account.client_email,
      sub: 'admin@acme.com',
      scope: 'https://www.googleapis.com/auth/admin.directory.group.readonly',
      iat: NOW.getTime() / 1000,
      exp: NOW.getTime() / 1000 + 300,
    });
  });

  it('are those too that their groups are in, where the file says so, however they go in circles', async () => {
    const outer: Record<string, string[]> = {
      '1076543210': ['a@x.com', 'b@x.com'],
      'a@x.com': ['c@x.com'],
      'c@x.com': ['a@x.com', 'd@x.com'],
    };
    server.groups = ({ query }, response) => json(response, page(outer[query.get('userKey')!] ?? []));
    expect(await directory().groupsOf(dana)).toEqual(['a@x.com', 'b@x.com']);
    const all = await directory({ nested: true }).groupsOf(dana);
    expect([...all].sort()).toEqual(['a@x.com', 'b@x.com', 'c@x.com', 'd@x.com']);
    const keys = server.asked.filter(({ path }) => path !== '/token').slice(1);
    expect(keys.map(({ query }) => query.get('userKey')!).sort()).toEqual(['1076543210', ...[...all].sort()]);
  });

  it('are none at all where those of one of their groups cannot be had', async () => {
    server.groups = ({ query }, response) => {
      if (query.get('userKey') === '1076543210') json(response, page(['a@x.com']));
      else json(response, {}, 404);
    };
    await expect(directory({ nested: true }).groupsOf(dana)).rejects.toMatchObject({
      code: 'issuer-unreachable',
    });
  });

  it('are refused where there are more than 2000 of them in each other', async () => {
    server.groups = ({ query }, response) => {
      const key = query.get('userKey')!;
      json(
        response,
        page(Array.from({ length: 100 }, (_, n) => `${key.length < 30 ? key : 'a'}-${n}@x.com`)),
      );
    };
    await expect(directory({ nested: true }).groupsOf(dana)).rejects.toMatchObject({
      code: 'access-denied',
      message: expect.stringContaining('2000'),
    });
  });

  it('are asked for by e-mail where the file says so, of whoever has one', async () => {
    server.groups = (_asked, response) => json(response, page(['a@acme.com']));
    const byEmail = directory({ user: 'email' });
    expect(await byEmail.groupsOf(dana)).toEqual(['a@acme.com']);
    expect(server.asked.at(-1)!.query.get('userKey')).toBe('dana@acme.com');
    const nobody = byEmail.groupsOf({ subject: '1', claims: { email: 'dana@acme.com' } });
    await expect(nobody).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it("never takes another issuer's subject for an account of Google", async () => {
    for (const subject of ['admin@acme.com', '12&userKey=13', '', ' 12'])
      await expect(directory().groupsOf({ subject, claims: {} })).rejects.toMatchObject({
        code: 'token-invalid',
      });
    expect(server.asked).toEqual([]);
  });

  it('are refused to whoever Google does not know', async () => {
    server.groups = (_asked, response) => json(response, { error: { code: 404 } }, 404);
    await expect(directory().groupsOf(dana)).rejects.toMatchObject({ code: 'access-denied' });
  });

  it.each([
    ['nothing at all', {}],
    ['an error with status 200', { error: { code: 500 } }],
    ['another list', { kind: 'admin#directory#users', users: [] }],
    ['groups that are no list', { kind: 'admin#directory#groups', groups: 'all' }],
    ['a group without an address', { kind: 'admin#directory#groups', groups: [{ name: 'a' }] }],
  ])('are never none because of %s', async (_what, body) => {
    server.groups = (_asked, response) => json(response, body);
    await expect(directory().groupsOf(dana)).rejects.toMatchObject({
      code: 'issuer-unreachable',
      detail: 'the answer is no list of groups',
    });
  });

  it.each([
    ['no JSON', 'not a key'],
    ['no key', '{"client_email":"a@b"}'],
    ['a key that is none', JSON.stringify({ ...account, private_key: 'PRIVATE-KEY-WORDS' })],
  ])('cannot be had with a secret that is %s, and the secret is not told', async (_what, given) => {
    secret = given;
    const error = await directory()
      .groupsOf(dana)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'issuer-unreachable', detail: expect.stringContaining('secret') });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/not a key|a@b|KEY-WORDS/);
    expect(server.asked).toEqual([]);
  });

  it('name the reason of a refusal, as Google gives it', async () => {
    const error = { code: 403, errors: [{ reason: 'quotaExceeded', message: 'dana@acme.com' }] };
    server.groups = inTurn((_asked, response) => json(response, { error }, 403));
    await expect(directory().groupsOf(dana)).rejects.toMatchObject({
      code: 'issuer-unreachable',
      detail: `${server.url} answered 403 quotaExceeded`,
    });
  });
});
