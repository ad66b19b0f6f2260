import { PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dynamoLogouts } from '#adapters/aws/logouts.ts';
import { markedLogout } from '#core/identity/logouts.ts';
import type { AuthorizerAnswer } from '#lambdas/authorizer/handler.ts';
import { contextFor } from '#test/support/api-gateway.ts';
import { json, startDirectory, type TestDirectory } from '#test/support/directory.ts';
import { makeKey, signToken, startIssuer, type TestIssuer, type TestKey } from '#test/support/issuer.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';
import { restCall } from '#test/support/rest-event.ts';

const OID = '87d349ed-44d7-43e1-9a83-5f2406dee5bd';
const config = (issuer: string, entra: string, graph: string): string => `version: 1
identity:
  - { issuer: '${issuer}', audience: custody, backchannelLogout: true }
  - issuer: '${entra}'
    name: entra
    audience: custody
    groupsPrefix: 'entra:'
    directory: { kind: microsoft, tenant: acme.com, clientId: ${OID}, secret: custody/graph, when: always,
      graphUrl: '${graph}', loginUrl: '${graph}' }
targets: {}
rules: []
`;

type Handler = (event: never, context: Context) => Promise<AuthorizerAnswer>;

describe.runIf(hasMoto())('the function authorizer', () => {
  let moto: Moto;
  let issuer: TestIssuer;
  let entra: TestIssuer;
  let key: TestKey;
  let directory: TestDirectory;
  let handler: Handler;
  let access: string;
  const told: string[] = [];
  const later = (ms: number): void => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
  beforeAll(async () => {
    [moto, issuer, key] = await Promise.all([startMoto(), startIssuer(), makeKey('k1')]);
    [entra, directory] = await Promise.all([startIssuer(), startDirectory()]);
    entra.keys = [key.jwk];
    const secret = { Name: 'custody/graph', SecretString: 'very-secret' };
    await moto.clients.secrets.send(new CreateSecretCommand(secret));
    issuer.keys = [key.jwk];
    const bucket = await moto.bucket();
    const Body = config(issuer.url, entra.url, directory.url);
    await moto.clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'custody.yaml', Body }));
    access = await moto.table('access');
    const tables = ['SESSIONS', 'JOURNAL', 'COORDINATION', 'ACCESS', 'RUNS', 'DELIVERIES'];
    const environment = {
      ...moto.environment,
      ...Object.fromEntries(tables.map((name) => [`CUSTODY_TABLE_${name}`, 'none'])),
      CUSTODY_TABLE_ACCESS: access,
      CUSTODY_BUCKET: bucket,
      CUSTODY_CONFIG_BUCKET: bucket,
      CUSTODY_SIGNING_KEY: 'none',
      CUSTODY_LEDGER_ORIGIN: 'ledger.example/custody',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
      // Metrics go through the console, where a test can hear them.
      POWERTOOLS_DEV: 'true',
      POWERTOOLS_METRICS_DISABLED: 'false',
    };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    vi.spyOn(console, 'log').mockImplementation((line: unknown) => void told.push(String(line)));
    ({ handler } = await import('#lambdas/functions/authorizer.ts'));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    vi.useRealTimers();
    await Promise.all([moto?.stop(), issuer?.close(), entra?.close(), directory?.close()]);
  });

  async function authorize(token?: string): Promise<AuthorizerAnswer> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const event = { headers, requestContext: { http: { sourceIp: '203.0.113.7' } } };
    return handler(event as never, contextFor());
  }

  it('refuses who has no token', async () => {
    expect(await authorize()).toMatchObject({ isAuthorized: false, context: { code: 'token-missing' } });
  });

  it('fails where it cannot tell, so that an alarm hears of it and nobody is told that the token is bad', async () => {
    issuer.down = true;
    const token = await signToken(issuer, key, { sub: 'dana' });
    await expect(authorize(token)).rejects.toMatchObject({ code: 'issuer-unreachable' });
  });

  it('lets a token in that it can verify', async () => {
    issuer.down = false;
    later(1_000);
    expect(await authorize(await signToken(issuer, key, { sub: 'dana' }))).toMatchObject({
      isAuthorized: true,
    });
  });

  it('answers a private API in its own form, for this one call', async () => {
    const token = await signToken(issuer, key, { sub: 'dana' });
    const call = (value: string) => restCall('GET', '/v1/sessions', { headers: { Authorization: [value] } });
    const answerTo = (value: string) =>
      handler(call(value) as never, contextFor()) as unknown as Promise<object>;
    const statement = { Action: 'execute-api:Invoke', Resource: call('').methodArn };
    expect(await answerTo(`Bearer ${token}`)).toMatchObject({
      policyDocument: { Statement: [{ ...statement, Effect: 'Allow' }] },
      context: { address: '10.1.2.3', principal: expect.stringContaining('"subject":"dana"') as string },
    });
    expect(await answerTo('Bearer x')).toMatchObject({
      policyDocument: { Statement: [{ ...statement, Effect: 'Deny' }] },
    });
  });

  it('adds groups of the directory, which it asks with the secret that the file names', async () => {
    const group = { '@odata.type': '#microsoft.graph.group', id: OID };
    directory.groups = (_asked, response) => json(response, { value: [group] });
    const answer = await authorize(await signToken(entra, key, { oid: OID }));
    const { principal } = answer.context as { readonly principal: string };
    expect(JSON.parse(principal)).toMatchObject({ issuerName: 'entra', groups: [`entra:${OID}`] });
    expect(directory.asked[0]!.form.get('client_secret')).toBe('very-secret');
  });

  it('fails where the directory cannot say, as where the issuer is away', async () => {
    directory.groups = (_asked, response) => response.writeHead(503).end();
    const token = await signToken(entra, key, { oid: OID, sub: 'somebody-else' });
    await expect(authorize(token)).rejects.toMatchObject({ code: 'issuer-unreachable' });
  });

  it('refuses one of somebody who was logged out since, with words that help (security case 12)', async () => {
    const now = () => new Date();
    const logout = { issuer: issuer.url, subject: 'eve', at: now(), token: 'a'.repeat(64) };
    const token = await signToken(issuer, key, { sub: 'eve' });
    expect(await authorize(token)).toMatchObject({ isAuthorized: true });
    await dynamoLogouts({ dynamo: moto.clients.dynamo, table: access, now }).take(markedLogout(logout));
    expect(await authorize(token)).toEqual({
      isAuthorized: false,
      context: {
        code: 'access-revoked',
        message: 'you were logged out at the identity provider',
        hint: 'log in again: custody login',
      },
    });
  });

  it('goes on with the last keys of an issuer that is away, and tells of it from ten minutes on', async () => {
    issuer.down = true;
    const token = await signToken(issuer, key, { sub: 'dana' });
    for (const [ms, isTold] of [
      [9 * 60_000, false],
      [60_000, true],
    ] as const) {
      later(ms);
      told.length = 0;
      expect(await authorize(token)).toMatchObject({ isAuthorized: true });
      expect(told.some((line) => line.includes('"IssuersAway":1'))).toBe(isTold);
    }
  });
});
