import { rmSync } from 'node:fs';
import { request } from 'node:http';
import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  initiateDeviceAuthorization,
  None,
  pollDeviceAuthorizationGrant,
  randomPKCECodeVerifier,
  refreshTokenGrant,
} from 'openid-client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type DemoPerson, demoPeople, demoToken } from '#adapters/local/demo-issuer.ts';
import { type DemoIssuerServer, startDemoIssuer } from '#local/issuer/issuer.ts';
import { Browser, choose } from '#test/support/browser.ts';
import { freePortBase, temporaryFolder } from '#test/support/local-gateway.ts';

const CALLBACK = 'http://127.0.0.1:51234/callback';

describe('the demo identity provider', () => {
  const dataDir = temporaryFolder();
  let issuer: DemoIssuerServer;
  let client: Configuration;
  beforeAll(async () => {
    issuer = await startDemoIssuer(dataDir, (await freePortBase()) + 1);
    client = await discovery(new URL(issuer.url), 'custody', undefined, None(), {
      execute: [allowInsecureRequests],
    });
  });
  afterAll(async () => {
    await issuer.close();
    rmSync(dataDir, { recursive: true });
  });

  async function codeLogin(person: DemoPerson, browser = new Browser()) {
    const verifier = randomPKCECodeVerifier();
    const url = buildAuthorizationUrl(client, {
      redirect_uri: CALLBACK,
      scope: 'openid',
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const callback = await choose(browser, url, person);
    return authorizationCodeGrant(client, callback, { pkceCodeVerifier: verifier });
  }

  test.each(Object.values(demoPeople))('logs $name in with a code and PKCE', async (person) => {
    const { id_token: token } = await codeLogin(person);
    const keys = createRemoteJWKSet(new URL(client.serverMetadata().jwks_uri!));
    const { payload } = await jwtVerify(token!, keys, { issuer: issuer.url, audience: 'custody' });
    expect(payload).toMatchObject({
      sub: person.subject,
      email: person.email,
      groups: person.groups,
    });
  });

  test('asks who it is at every login, also of a browser that it knows', async () => {
    const browser = new Browser();
    await codeLogin(demoPeople.developer, browser);
    const second = await codeLogin(demoPeople.auditor, browser);
    expect(decodeJwt(second.id_token!)['email']).toBe(demoPeople.auditor.email);
  });

  test('gives no code without PKCE', async () => {
    const url = buildAuthorizationUrl(client, { redirect_uri: CALLBACK, scope: 'openid' });
    const { location } = await new Browser().get(url);
    expect(location?.searchParams.get('error')).toBe('invalid_request');
  });

  test('gives no token for a code with another verifier', async () => {
    const url = buildAuthorizationUrl(client, {
      redirect_uri: CALLBACK,
      scope: 'openid',
      code_challenge: await calculatePKCECodeChallenge(randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
    });
    const callback = await choose(new Browser(), url, demoPeople.developer);
    const grant = authorizationCodeGrant(client, callback, { pkceCodeVerifier: randomPKCECodeVerifier() });
    await expect(grant).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test('sends a code to this machine alone', async () => {
    const url = buildAuthorizationUrl(client, {
      redirect_uri: 'http://elsewhere.example/callback',
      scope: 'openid',
      code_challenge: await calculatePKCECodeChallenge(randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
    });
    const { location, status } = await new Browser().get(url);
    expect({ location, status }).toEqual({ location: undefined, status: 400 });
  });

  test('takes nobody whom it does not know', async () => {
    const verifier = await calculatePKCECodeChallenge(randomPKCECodeVerifier());
    const url = buildAuthorizationUrl(client, {
      redirect_uri: CALLBACK,
      scope: 'openid',
      code_challenge: verifier,
      code_challenge_method: 'S256',
    });
    await expect(choose(new Browser(), url, { ...demoPeople.developer, subject: 'admin' })).rejects.toThrow(
      'Who are you today?',
    );
  });

  test('logs in by a device code', async () => {
    const device = await initiateDeviceAuthorization(client, { scope: 'openid' });
    const person = demoPeople.auditor;
    const browser = new Browser();
    const done = await choose(browser, new URL(device.verification_uri), person, device.user_code);
    expect(done.pathname).toMatch(/^\/device\//);
    const { id_token: token } = await pollDeviceAuthorizationGrant(client, { ...device, interval: 0.01 });
    expect(decodeJwt(token!)).toMatchObject({ aud: 'custody', email: person.email, groups: person.groups });
  });

  test('a refresh token and the signing keys outlive a restart', async () => {
    const before = await codeLogin(demoPeople.developer);
    const port = Number(new URL(issuer.url).port);
    await issuer.close();
    issuer = await startDemoIssuer(dataDir, port);
    // The HTTP client still has connections to the one that is gone; each attempt throws one away.
    await vi.waitFor(() => fetch(client.serverMetadata().jwks_uri!), 20_000);
    const after = await refreshTokenGrant(client, before.refresh_token!);
    const response = await fetch(client.serverMetadata().jwks_uri!);
    const keys = createLocalJWKSet((await response.json()) as Parameters<typeof createLocalJWKSet>[0]);
    for (const token of [before.id_token!, after.id_token!]) {
      const { payload } = await jwtVerify(token, keys, { audience: 'custody' });
      expect(payload['email']).toBe('dana@example.com');
    }
  });

  test('a refresh token that was used already ends the login', async () => {
    const { refresh_token: first } = await codeLogin(demoPeople.developer);
    const { refresh_token: second } = await refreshTokenGrant(client, first!);
    await expect(refreshTokenGrant(client, first!)).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(refreshTokenGrant(client, second!)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test('a demo token is as good as one of a login', async () => {
    const token = await demoToken(dataDir, 'reviewer', Date.now());
    const keys = createRemoteJWKSet(new URL(client.serverMetadata().jwks_uri!));
    const { payload } = await jwtVerify(token, keys, { issuer: issuer.url, audience: 'custody' });
    expect(payload).toMatchObject({ email: 'rui@example.com', groups: ['reviewers'] });
  });

  // Security case 19: a page elsewhere whose name was pointed at this machine.
  test('answers to its own address only', async () => {
    const status = await new Promise((done) => {
      const headers = { host: 'elsewhere.example' };
      request(issuer.url, { headers }, (response) => done(response.resume().statusCode)).end();
    });
    expect(status).toBe(421);
  });
});
