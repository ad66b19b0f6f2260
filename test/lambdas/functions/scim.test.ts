import { PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type TableName, tables } from '#adapters/aws/tables.ts';
import type { AuthorizerAnswer } from '#lambdas/authorizer/handler.ts';
import type { ApiEvent, HttpHandler } from '#lambdas/http.ts';
import { contextFor } from '#test/support/api-gateway.ts';
import { entra, okta } from '#test/support/directory-calls.ts';
import { makeKey, signToken, startIssuer, type TestIssuer, type TestKey } from '#test/support/issuer.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

const SECRET = 'the-secret-of-the-directory';
const config = (issuer: string): string => `version: 1
identity:
  issuer: '${issuer}'
  audience: custody
  scim: { secret: custody/directory, userClaim: oid, groups: also-as-groups }
targets: {}
`;

type Authorize = (event: never, context: Context) => Promise<AuthorizerAnswer>;

describe.runIf(hasMoto())('the functions scim and authorizer', () => {
  let moto: Moto;
  let issuer: TestIssuer;
  let key: TestKey;
  let scim: HttpHandler;
  let authorize: Authorize;
  beforeAll(async () => {
    [moto, issuer, key] = await Promise.all([startMoto(), startIssuer(), makeKey('k1')]);
    issuer.keys = [key.jwk];
    const bucket = await moto.bucket();
    const Body = config(issuer.url);
    await moto.clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'custody.yaml', Body }));
    const secret = new CreateSecretCommand({ Name: 'custody/directory', SecretString: `${SECRET}\n` });
    await moto.clients.secrets.send(secret);
    const names = Object.keys(tables) as TableName[];
    const made = await Promise.all(names.map(async (name) => [name, await moto.table(name)] as const));
    const environment = {
      ...moto.environment,
      ...Object.fromEntries(made.map(([name, table]) => [`CUSTODY_TABLE_${name.toUpperCase()}`, table])),
      CUSTODY_BUCKET: bucket,
      CUSTODY_CONFIG_BUCKET: bucket,
      CUSTODY_SIGNING_KEY: 'none',
      CUSTODY_LEDGER_ORIGIN: 'ledger.example/custody',
      CUSTODY_API_URL: 'https://api.example',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
      POWERTOOLS_METRICS_DISABLED: 'true',
    };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    ({ handler: scim } = await import('#lambdas/functions/scim.ts'));
    ({ handler: authorize } = await import('#lambdas/functions/authorizer.ts'));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await Promise.all([moto?.stop(), issuer?.close()]);
  });

  async function tell(method: string, proxy: string, body?: unknown, secret = SECRET) {
    const event = {
      rawPath: `/v1/scim/default/v2/${proxy}`,
      rawQueryString: '',
      pathParameters: { issuer: 'default', proxy },
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/scim+json' },
      requestContext: { http: { method, sourceIp: '192.0.2.1' } },
      body: JSON.stringify(body),
      isBase64Encoded: false,
    } as unknown as ApiEvent;
    const { statusCode, body: answered } = await scim(event, contextFor());
    const { id } = JSON.parse(answered === '' ? '{}' : answered!) as { readonly id: string };
    return { id, status: statusCode };
  }

  async function come(oid: string | undefined): Promise<AuthorizerAnswer> {
    const token = await signToken(issuer, key, { sub: 'pairwise', oid });
    const headers = { authorization: `Bearer ${token}` };
    return authorize(
      { headers, requestContext: { http: { sourceIp: '203.0.113.7' } } } as never,
      contextFor(),
    );
  }

  it('let a directory say by its secret who is let in, and in which groups they are', async () => {
    expect((await tell('GET', 'Users', undefined, 'not-the-secret-of-it')).status).toBe(401);
    const { id, status } = await tell('POST', 'Users', entra.create('oid-1', 'dana@example.com'));
    expect(status).toBe(201);
    const group = await tell('POST', 'Groups', okta.createGroup('dbas'));
    await tell('PATCH', `Groups/${group.id}`, entra.addMember(id));
    const seen = await come('oid-1');
    expect(seen.isAuthorized && JSON.parse(seen.context.principal)).toMatchObject({
      subject: 'pairwise',
      directoryId: 'oid-1',
      groups: ['developers', 'dbas'],
    });
    expect((await tell('PATCH', `Users/${id}`, entra.textActive('False'))).status).toBe(200);
    expect(await come('oid-1')).toMatchObject({ isAuthorized: false, context: { code: 'access-revoked' } });
    expect(await come('oid-2')).toMatchObject({ isAuthorized: true });
    await tell('PATCH', `Users/${id}`, entra.textActive('True'));
    expect(await come('oid-1')).toMatchObject({ isAuthorized: true });
  });

  it('let nobody in of whom no directory could tell: a token without the claim', async () => {
    expect(await come(undefined)).toMatchObject({
      isAuthorized: false,
      context: { code: 'token-invalid', message: expect.stringContaining('no claim "oid"') as string },
    });
  });
});
