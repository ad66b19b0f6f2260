import { createHash, X509Certificate } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { microsoftDirectory } from '#adapters/directory/microsoft.ts';
import { directorySchema, type MicrosoftDirectoryConfig } from '#core/access/directory-schema.ts';
import type { DirectoryPerson } from '#core/identity/directory.ts';
import { json, startDirectory, type TestDirectory } from '#test/support/directory.ts';
import { selfSigned } from '#test/support/self-signed.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const TENANT = 'b9419818-09af-49c2-b0c3-653adc1f376e';
const CLIENT = '535fb089-9ff3-47b6-9bfb-4f1264799865';
const OID = '87d349ed-44d7-43e1-9a83-5f2406dee5bd';
const GROUP = '#microsoft.graph.group';
const ONE = '45b7d2e7-b882-4a80-ba97-10b7a63b8fa4';
const TWO = 'D7797254-3084-44D0-99C9-A3B5AB149538';
const dana: DirectoryPerson = { subject: 'pairwise', claims: { oid: OID } };

let server: TestDirectory;
let secret = 'very-secret~value';
beforeEach(async () => {
  server = await startDirectory();
  secret = 'very-secret~value\n';
});
afterEach(() => server.close());

function directory(more: object = {}) {
  const config = directorySchema.parse({
    kind: 'microsoft',
    tenant: TENANT,
    clientId: CLIENT,
    secretFile: 'secret',
    graphUrl: server.url,
    loginUrl: `${server.url}/`,
    ...more,
  }) as MicrosoftDirectoryConfig;
  const readSecret = () => Promise.resolve(secret);
  return microsoftDirectory(config, { readSecret, wallClock: () => NOW });
}

function group(id: string, displayName: string | null = null): object {
  return { '@odata.type': GROUP, id, displayName };
}

describe('groups of Microsoft Entra', () => {
  it('are all that the person is in, by id, page by page; roles and units are left out', async () => {
    const other = { '@odata.type': '#microsoft.graph.directoryRole', id: CLIENT, displayName: 'Admin' };
    server.groups = (asked, response) => {
      const next = `${server.url}/v1.0/users/${OID}/transitiveMemberOf?$skiptoken=x`;
      if (asked.query.has('$skiptoken')) json(response, { value: [group(TWO), other] });
      else json(response, { value: [group(ONE)], '@odata.nextLink': next });
    };
    expect(await directory().groupsOf(dana)).toEqual([ONE, TWO.toLowerCase()]);
    const [, first, second] = server.asked;
    expect(server.asked).toHaveLength(3);
    expect(first).toMatchObject({
      path: `/v1.0/users/${OID}/transitiveMemberOf`,
      authorization: 'Bearer token-1',
    });
    expect(Object.fromEntries(first!.query)).toEqual({ $select: 'id,displayName', $top: '999' });
    expect(second!.authorization).toBe('Bearer token-1');
  });

  it('are asked for as an application, with its secret', async () => {
    server.groups = (_asked, response) => json(response, { value: [] });
    expect(await directory().groupsOf(dana)).toEqual([]);
    const [token] = server.asked;
    expect(token!.path).toBe(`/${TENANT}/oauth2/v2.0/token`);
    expect(Object.fromEntries(token!.form)).toEqual({
      grant_type: 'client_credentials',
      client_id: CLIENT,
      scope: `${server.url}/.default`,
      client_secret: 'very-secret~value',
    });
  });

  it('are asked for with a certificate where the secret is one, with its key (private_key_jwt)', async () => {
    const { cert, key } = await selfSigned('custody');
    secret = `${key}\n${cert}`;
    server.groups = (_asked, response) => json(response, { value: [] });
    await directory().groupsOf(dana);
    const { form } = server.asked[0]!;
    expect(form.has('client_secret')).toBe(false);
    expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    const assertion = form.get('client_assertion')!;
    const certificate = new X509Certificate(cert);
    await jwtVerify(assertion, certificate.publicKey, { currentDate: NOW, algorithms: ['PS256'] });
    expect(decodeProtectedHeader(assertion)).toEqual({
      alg: 'PS256',
      typ: 'JWT',
      'x5t#S256': createHash('sha256').update(certificate.raw).digest('base64url'),
    });
    const seconds = NOW.getTime() / 1000;
    expect(decodeJwt(assertion)).toEqual({
      ...{ iss: CLIENT, sub: CLIENT, aud: `${server.url}/${TENANT}/oauth2/v2.0/token` },
      ...{ iat: seconds, nbf: seconds, exp: seconds + 300, jti: expect.any(String) },
    });
  });

  it('go by their names where the file says so, and never without one that the application may not read', async () => {
    server.groups = (_asked, response) => json(response, { value: [group(ONE, 'Developers')] });
    expect(await directory({ groupNames: 'displayName' }).groupsOf(dana)).toEqual(['Developers']);
    server.groups = (_asked, response) => json(response, { value: [group(ONE, 'A'), group(TWO)] });
    await expect(directory({ groupNames: 'displayName' }).groupsOf(dana)).rejects.toMatchObject({
      code: 'issuer-unreachable',
    });
  });

  it.each([
    ['another host', (url: string) => url.replace('127.0.0.1', 'localhost')],
    ['another port', () => 'http://127.0.0.1:9/v1.0/users'],
    ['a name and a password', (url: string) => url.replace('http://', 'http://a:b@')],
    ['another scheme', () => 'file:///etc/passwd'],
    ['no URL', () => 'next'],
  ])('are not asked for at a next page at %s: the access token would go there', async (_what, moved) => {
    server.groups = (_asked, response) =>
      json(response, { value: [], '@odata.nextLink': moved(`${server.url}/v1.0/next`) });
    await expect(directory().groupsOf(dana)).rejects.toMatchObject({
      code: 'issuer-unreachable',
      detail: 'the next page is at another place than the first',
    });
    expect(server.asked).toHaveLength(2);
  });

  it.each([undefined, 7, '', 'dana@acme.com', `${OID}/../x`])(
    'need an oid that is one, not %s',
    async (oid) => {
      const asked = directory().groupsOf({ subject: OID, claims: { oid } });
      await expect(asked).rejects.toMatchObject({
        code: 'token-invalid',
        hint: expect.stringContaining('profile'),
      });
      expect(server.asked).toEqual([]);
    },
  );

  it.each([
    ['nothing', {}],
    ['values that are no list', { value: {} }],
    ['a group without an id', { value: [{ '@odata.type': GROUP }] }],
    ['things of no kind', { value: [{ id: ONE }] }],
  ])('are never none because of %s', async (_what, body) => {
    server.groups = (_asked, response) => json(response, body);
    await expect(directory().groupsOf(dana)).rejects.toMatchObject({
      code: 'issuer-unreachable',
      detail: 'the answer is no list of groups',
    });
  });

  it.each([
    ['a certificate without a key', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
    ['a key without a certificate', '-----BEGIN PRIVATE KEY-----\nSECRETWORDS\n-----END PRIVATE KEY-----'],
  ])('cannot be had with %s, which is not told', async (_what, given) => {
    secret = given;
    const error = await directory()
      .groupsOf(dana)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'issuer-unreachable' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/SECRETWORDS|AAAA/);
    expect(server.asked).toEqual([]);
  });

  it('say what Microsoft says of a credential that is not taken, without its description', async () => {
    server.token = (_asked, response) =>
      json(response, { error: 'invalid_client', error_description: 'AADSTS7000215 very-secret~value' }, 401);
    const error = await directory()
      .groupsOf(dana)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'issuer-unreachable',
      detail: 'no access token: 401 invalid_client',
    });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('very-secret');
  });
});
