import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnsecuredJWT } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { issuersVerifier } from '#adapters/oidc/issuers-verifier.ts';
import { type Config, parseConfig } from '#core/access/config.ts';
import { loginHandler } from '#lambdas/login/handler.ts';
import { call } from '#test/lambdas/support.ts';
import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { CLIENT, startProvider } from '#test/support/providers/server.ts';
import { groupsOfDana, type ProviderName, providerShapes } from '#test/support/providers/shapes.ts';
import { custody, fakeApi, startCustody, temporary } from './support.ts';

const names = Object.keys(providerShapes) as ProviderName[];

interface Stand {
  readonly config: Config;
  readonly args: readonly string[];
  readonly env: { readonly CUSTODY_HOME: string };
}

/** A gateway whose only issuer is shaped so, with the block that the documents recommend, or another. */
async function stand(name: ProviderName, edit: (block: string) => string = (block) => block): Promise<Stand> {
  const shape = providerShapes[name];
  const provider = await startProvider(shape);
  onTestFinished(() => provider.close());
  const head = `  - name: ${name}\n    issuer: ${provider.issuer}\n    audience: ${CLIENT}`;
  const file = `version: 1\nidentity:\n${head}${edit(shape.recommended)}\ntargets: {}\n`;
  const config = parseConfig(file, 'custody.yaml');
  const api = await fakeApi(pem(makeSigner()).toString());
  const served = await call(loginHandler({ policy: () => config, log: () => undefined }), '/v1/login');
  api.answers.set('/v1/login', served.body);
  api.answers.set('/v1/targets', { targets: [] });
  const env = { CUSTODY_HOME: join(temporary(), 'home') };
  return { config, args: ['login', '--no-browser', '--api', api.url], env };
}

/** Follows redirects with cookies, and gives the last page. */
async function visit(start: string): Promise<string> {
  const cookies = new Map<string, string>();
  for (let url = start; ; ) {
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const response = await fetch(url, { redirect: 'manual', headers });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      cookies.set(name!, value!);
    }
    const location = response.headers.get('location');
    if (location === null) return response.text();
    url = new URL(location, url).href;
  }
}

async function said(running: ReturnType<typeof startCustody>, pattern: RegExp): Promise<string> {
  const ended = running.ended.then(({ stderr }) => {
    throw new Error(`it ended: ${stderr}`);
  });
  ended.catch(() => undefined);
  for (;;) {
    const found = pattern.exec(running.output.stderr)?.[1];
    if (found !== undefined) return found;
    await Promise.race([once(running.child.stderr, 'data'), ended]);
  }
}

/** Logs in as far as it goes; the last page, and what custody said. */
async function login({ args, env }: Stand, ...more: readonly string[]) {
  const running = startCustody([...args, ...more], { env });
  const page = await visit(await said(running, /log in here: (\S+)\n/));
  if (!page.includes('go back to the terminal')) {
    const redirect = await said(running, /it comes back to (\S+), which has to be registered with \S+\n/);
    running.child.kill('SIGTERM');
    await running.ended;
    return { page, redirect, code: undefined, stderr: running.output.stderr };
  }
  return { page, redirect: '', ...(await running.ended) };
}

const tokensOf = (env: Stand['env']) => join(env.CUSTODY_HOME, 'tokens.json');

function stored({ env }: Stand): { token: string; refreshToken?: string } {
  const { logins } = JSON.parse(readFileSync(tokensOf(env), 'utf8')) as { logins: [{ token: string }] };
  return logins[0];
}

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
