import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoToken } from '#adapters/local/demo-issuer.ts';
import { keptKeys, signedBy, workloadKeys } from '#adapters/local/demo-keys.ts';
import { agentToken, demoWorkloads, jobRequestToken, jobRequestUrl } from '#adapters/local/demo-workloads.ts';
import { type DemoIssuerServer, startDemoIssuer } from '#local/issuer/issuer.ts';
import { freePortBase } from '#test/support/local-gateway.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';

let dataDir: string;
let server: DemoIssuerServer;
let issuer: string;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'custody-workloads-'));
  server = await startDemoIssuer(dataDir, (await freePortBase()) + 1);
  issuer = `${server.url}/workloads`;
});
afterAll(async () => {
  await server.close();
  rmSync(dataDir, { recursive: true });
});

const keys = () => keptKeys(dataDir, workloadKeys);

async function get(url: string, bearer?: string) {
  const headers = bearer === undefined ? {} : { authorization: `bearer ${bearer}` };
  const response = await fetch(url, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('the issuer of workloads', () => {
  it('is one that OpenID Connect discovery finds, with the public half of a key of its own', async () => {
    const { body: discovery } = await get(`${issuer}/.well-known/openid-configuration`);
    expect(discovery).toMatchObject({ issuer, jwks_uri: `${issuer}/jwks` });
    const { body: own } = await get(`${issuer}/jwks`);
    expect(own).toEqual({
      keys: [
        { kty: 'RSA', kid: expect.any(String), use: 'sig', alg: 'RS256', n: expect.any(String), e: 'AQAB' },
      ],
    });
    const { body: people } = await get(`${server.url}/jwks`);
    expect(JSON.stringify(people)).not.toContain((own['keys'] as { kid: string }[])[0]!.kid);
  });

  it('gives a job a token of the form of GitHub Actions, for the audience that it asks for', async () => {
    const request = await jobRequestToken(keys(), issuer, demoWorkloads.deploy, Date.now());
    const { status, body } = await get(`${jobRequestUrl(issuer)}&audience=custody`, request);
    expect(status).toBe(200);
    const { payload } = await jwtVerify(
      String(body['value']),
      createRemoteJWKSet(new URL(`${issuer}/jwks`)),
      { issuer, audience: 'custody', algorithms: ['RS256'] },
    );
    expect(payload).toMatchObject({
      sub: 'repo:acme/shop:ref:refs/heads/main',
      repository: 'acme/shop',
      repository_owner: 'acme',
      ref: 'refs/heads/main',
      workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
    });
    expect([payload.exp! - payload.iat!, payload.iat! - payload.nbf!]).toEqual([300, 600]);
  });

  it('gives one for the owner where no audience is asked for, as GitHub does', async () => {
    const request = await jobRequestToken(keys(), issuer, demoWorkloads.deploy, Date.now());
    const { body } = await get(jobRequestUrl(issuer), request);
    expect(decodeJwt(String(body['value'])).aud).toBe('https://github.com/acme');
  });

  it.each<[what: string, token: () => Promise<string | undefined>]>([
    ['nothing', async () => undefined],
    ['a token of a person', () => demoToken(dataDir, 'developer', Date.now())],
    [
      'a token that it gave a job',
      async () => {
        const request = await jobRequestToken(keys(), issuer, demoWorkloads.deploy, Date.now());
        return String((await get(`${jobRequestUrl(issuer)}&audience=custody`, request)).body['value']);
      },
    ],
    [
      'a token of its own for something else',
      () => signedBy(keys(), { iss: issuer, aud: 'custody', job: demoWorkloads.deploy, exp: 2 ** 32 }),
    ],
    [
      'a request token that never expires',
      () => signedBy(keys(), { iss: issuer, aud: jobRequestUrl(issuer), job: demoWorkloads.deploy }),
    ],
    [
      'a request token of another issuer',
      () =>
        signedBy(keys(), {
          iss: server.url,
          aud: jobRequestUrl(issuer),
          job: demoWorkloads.deploy,
          exp: 2 ** 32,
        }),
    ],
    ['a request token of a job that is over', () => jobRequestToken(keys(), issuer, demoWorkloads.deploy, 0)],
  ])('gives no token for %s', async (_, token) => {
    const { status, body } = await get(`${jobRequestUrl(issuer)}&audience=custody`, await token());
    expect([status, body]).toEqual([401, { message: 'the request token is not valid' }]);
  });

  it.each(['', '/', '/constructor', '/actions', '/jwks/x'])('has nothing at "%s"', async (path) => {
    expect((await fetch(issuer + path)).status).toBe(404);
  });

  it('is for this machine’s own name alone (DNS rebinding)', async () => {
    const response = await fetch(`${issuer.replace('127.0.0.1', '127.1.0.1')}/jwks`).catch(() => undefined);
    expect(response).toBeUndefined();
  });
});

describe('token exchange over HTTP', () => {
  async function exchange(more: Record<string, string | undefined> = {}) {
    const form = {
      grant_type: EXCHANGE,
      client_id: 'custody-agent',
      subject_token: await demoToken(dataDir, 'developer', Date.now()),
      subject_token_type: ID_TOKEN,
      actor_token: await agentToken(keys(), issuer, server.url, 'agent-7', Date.now()),
      actor_token_type: JWT,
      ...more,
    };
    const given = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const { token_endpoint: endpoint } = (await get(`${server.url}/.well-known/openid-configuration`)).body;
    const response = await fetch(String(endpoint), { method: 'POST', body: new URLSearchParams(given) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  it('is what discovery says that the provider does', async () => {
    const { body } = await get(`${server.url}/.well-known/openid-configuration`);
    expect(body['grant_types_supported']).toContain(EXCHANGE);
  });

  it('answers with an ID token of the person, with the agent that acts', async () => {
    const { status, body } = await exchange();
    expect([status, body]).toEqual([
      200,
      {
        access_token: expect.any(String),
        issued_token_type: ID_TOKEN,
        token_type: 'N_A',
        expires_in: expect.any(Number),
      },
    ]);
    const jwks = createRemoteJWKSet(new URL(`${server.url}/jwks`));
    const { payload } = await jwtVerify(String(body['access_token']), jwks, {
      issuer: server.url,
      audience: 'custody',
    });
    expect(payload).toMatchObject({ sub: 'dev-1', act: { sub: 'agent-7', iss: issuer } });
  });

  it.each<[what: string, more: Record<string, string | undefined>, error: string]>([
    ['without an actor (impersonation)', { actor_token: undefined }, 'invalid_request'],
    ['without a subject', { subject_token: undefined }, 'invalid_request'],
    ['of a token that is none', { subject_token: 'x.y.z' }, 'invalid_request'],
    ['of a type that is not known', { subject_token_type: 'urn:example:x' }, 'invalid_request'],
    ['without the type of the actor token', { actor_token_type: undefined }, 'invalid_request'],
    [
      'for an access token',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
      'invalid_request',
    ],
    ['for another audience', { audience: 'elsewhere' }, 'invalid_target'],
    ['by the client that people log in with', { client_id: 'custody' }, 'invalid_request'],
    ['by a client that nobody knows', { client_id: 'somebody' }, 'invalid_client'],
  ])('is refused %s', async (_, more, error) => {
    const { status, body } = await exchange(more);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body['error']).toBe(error);
    expect(body).not.toHaveProperty('access_token');
  });
});
