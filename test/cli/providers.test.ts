import { readFileSync, writeFileSync } from 'node:fs';
import { UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { issuersVerifier } from '#adapters/oidc/issuers-verifier.ts';
import { groupsOfDana, type ProviderName, providerShapes } from '#test/support/providers/shapes.ts';
import { login, stand, stored, tokensOf } from './login-support.ts';
import { custody } from './support.ts';

const names = Object.keys(providerShapes) as ProviderName[];

describe.each(names)('%s', (name) => {
  test('with what is recommended: a login, its groups, and one that goes on by itself', async () => {
    const here = await stand(name);
    expect(await login(here)).toMatchObject({ code: 0 });
    const verifier = issuersVerifier(here.config.issuers);
    const principal = await verifier.verify(stored(here).token);
    expect(principal).toMatchObject({ subject: 'dana', email: 'dana@acme.example' });
    expect(principal.groups).toEqual(groupsOfDana[name]);
    const { iss, sub } = { iss: here.config.issuers[0]!.issuer, sub: 'dana' };
    const [old, first] = [new UnsecuredJWT({ iss, sub, exp: 1 }).encode(), stored(here)];
    const file = readFileSync(tokensOf(here.env), 'utf8');
    writeFileSync(tokensOf(here.env), file.replace(first.token, old));
    expect(await custody(['targets'], { env: here.env })).toMatchObject({ code: 0, stderr: '' });
    const renewed = stored(here);
    await verifier.verify(renewed.token);
    expect(renewed.refreshToken === first.refreshToken).toBe(!providerShapes[name].rotates);
    expect(await custody(['logout'], { env: here.env })).toMatchObject({ stderr: 'logged out\n' });
  });

  test('with an address that is not registered: its page refuses, and custody says what to register', async () => {
    const here = await stand(name, (block) => `${block}\n      redirectPath: /elsewhere`);
    const { page, redirect, code } = await login(here);
    expect(page).toBe(providerShapes[name].redirectError);
    expect(code).toBeUndefined();
    expect(new URL(redirect).pathname).toBe('/elsewhere');
  });
});

describe('a port', () => {
  test.each(['okta', 'auth0', 'cognito', 'dex'] as const)(
    'of its own at %s is refused there',
    async (name) => {
      const here = await stand(name);
      const { page, redirect } = await login(here, '--port', '18299');
      expect(page).toBe(providerShapes[name].redirectError);
      expect(redirect).toMatch(/:18299\/callback$/);
    },
  );

  test.each(['google', 'entra', 'keycloak'] as const)('of its own at %s is as good as any', async (name) => {
    expect(await login(await stand(name), '--port', '18298')).toMatchObject({ code: 0 });
  });
});

describe('what does not work says why', () => {
  test('offline_access at Cognito, and nothing said at all works', async () => {
    const here = await stand('cognito');
    const { code, stderr } = await login(here, '--scope', 'openid email offline_access');
    expect(code).toBe(1);
    expect(stderr).toContain('does not give this client what it asks for (unknown: offline_access)');
    expect(stderr).toContain(
      'hint: it was asked for "openid email offline_access": in custody.yaml, login.scopes',
    );
    const silent = await stand('cognito', (block) => block.replace(/\n +scopes:.*/, ''));
    expect(await login(silent)).toMatchObject({ code: 0 });
  });

  test('a code for another machine at Cognito', async () => {
    const { args, env } = await stand('cognito');
    const { code, stderr } = await custody([...args, '--device'], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(/has no way to log in with a code\nhint: .*ssh -L 18271:127\.0\.0\.1:18271/);
  });

  test('a desktop client of Google without what Google does not take for a secret', async () => {
    const here = await stand('google', (block) => block.replace(/\n +clientSecret:.*/, ''));
    const { code, stderr } = await login(here);
    expect(code).toBe(1);
    expect(stderr).toContain('hint: the client custody-cli is one with a secret');
    expect(stderr).toContain('login.clientSecret');
  });

  test('consent at Entra of somebody who may not', async () => {
    const here = await stand('entra', (block) => `${block}\n      prompt: consent`);
    const { code, stderr } = await login(here);
    expect(code).toBe(1);
    expect(stderr).toContain('AADSTS65004');
    expect(stderr).toContain('hint: where people may not consent, let an administrator do it for all');
  });

  test('Dex without the scope for groups lets in, without groups', async () => {
    const here = await stand('dex', (block) => block.replace('email, groups,', 'email,'));
    expect(await login(here)).toMatchObject({ code: 0 });
    const principal = await issuersVerifier(here.config.issuers).verify(stored(here).token);
    expect(principal.groups).toEqual([]);
  });
});
