import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { decodeJwt, UnsecuredJWT } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startDemoIssuer } from '#local/issuer/issuer.ts';
import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { custody, type FakeApi, fakeApi, idToken, startCustody, temporary } from './support.ts';

interface Gateway {
  readonly api: FakeApi;
  readonly issuer: string;
  readonly dataDir: string;
  readonly env: { readonly CUSTODY_HOME: string };
  readonly stopIssuer: () => Promise<void>;
}

/** A real OIDC provider, and an API that gives what it is told to. */
async function gateway(): Promise<Gateway> {
  const api = await fakeApi(pem(makeSigner()).toString());
  api.answers.set('/v1/targets', { targets: [] });
  const dataDir = temporary();
  const server = await startDemoIssuer(dataDir, await freePort());
  let closing: Promise<void> | undefined;
  const stopIssuer = (): Promise<void> => (closing ??= server.close());
  onTestFinished(stopIssuer);
  return { api, issuer: server.url, dataDir, env: { CUSTODY_HOME: join(temporary(), 'home') }, stopIssuer };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A browser without a screen: keeps cookies, follows redirects, and is Dana when asked. Gives the last page. */
class Browser {
  readonly #cookies = new Map<string, string>();

  async visit(url: string, form?: Record<string, string>): Promise<string> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      this.#cookies.set(name!, value!);
    }
    const location = response.headers.get('location');
    if (location !== null) return this.visit(new URL(location, url).href);
    const page = await response.text();
    return page.includes('name="person"') ? this.visit(url, { person: 'dev-1' }) : page;
  }
}

/** The address that custody says to log in at. */
async function loginAddress(running: ReturnType<typeof startCustody>): Promise<string> {
  for (;;) {
    const found = /log in here: (\S+)\n/.exec(running.output.stderr)?.[1];
    if (found !== undefined) return found;
    const ended = running.ended.then(({ stderr }) => {
      throw new Error(`it ended: ${stderr}`);
    });
    await Promise.race([once(running.child.stderr, 'data'), ended]);
  }
}

async function login({ api, issuer, env }: Gateway): Promise<void> {
  const running = startCustody(['login', '--no-browser', '--issuer', issuer, '--api', api.url], { env });
  const page = await new Browser().visit(await loginAddress(running));
  expect(page).toContain('go back to the terminal');
  const { code, stderr } = await running.ended;
  expect(stderr).toContain('logged in as dana@example.com');
  expect(code).toBe(0);
}

describe('login', () => {
  test('in a browser leaves tokens that are for the owner alone, and the API address', async () => {
    const here = await gateway();
    await login(here);
    const { CUSTODY_HOME: home } = here.env;
    expect(statSync(home).mode & 0o777).toBe(0o700);
    expect(readdirSync(home).sort()).toEqual(['api.txt', 'signer.pem', 'tokens.guard', 'tokens.json']);
    for (const name of readdirSync(home)) expect(statSync(join(home, name)).mode & 0o777).toBe(0o600);
    const who = await custody(['whoami', '--json'], { env: here.env });
    expect(JSON.parse(who.stdout)).toMatchObject({ email: 'dana@example.com', issuer: here.issuer });
    expect(await custody(['targets', '--json'], { env: here.env })).toMatchObject({
      stdout: '{"targets":[]}\n',
    });
  });

  test('with a device code', async () => {
    const { api, issuer, env } = await gateway();
    const running = startCustody(['login', '--device', '--issuer', issuer, '--api', api.url], { env });
    const browser = new Browser();
    const address = await loginAddress(running);
    const page = await browser.visit(address);
    const [, xsrf] = /name="xsrf" value="(\w+)"/.exec(page)!;
    const code = new URL(address).searchParams.get('user_code')!;
    await browser.visit(`${issuer}/device`, { xsrf: xsrf!, user_code: code, confirm: 'yes' });
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(await custody(['whoami'], { env })).toMatchObject({ code: 0 });
  });

  test('takes no callback but that of its own login', async () => {
    const here = await gateway();
    const args = ['login', '--no-browser', '--issuer', here.issuer, '--api', here.api.url];
    const running = startCustody(args, { env: here.env });
    const address = new URL(await loginAddress(running));
    const callback = address.searchParams.get('redirect_uri')!;
    const forged = await fetch(`${callback}?code=stolen&state=guessed`);
    expect(forged.status).toBe(404);
    await new Browser().visit(address.href);
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  test('refuses a gateway whose signing key is not the pinned one, before anybody logs in', async () => {
    const here = await gateway();
    await login(here);
    here.api.answers.set('/v1/signer', { pem: pem(makeSigner()).toString() });
    const ran = await custody(['login', '--issuer', here.issuer], { env: here.env });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('SIGNING KEY OF THE GATEWAY HAS CHANGED');
    expect(ran.stderr).not.toContain('log in here');
  });

  test('says which identity provider does not answer', async () => {
    const { api, env } = await gateway();
    const ran = await custody(['login', '--issuer', 'http://127.0.0.1:9', '--api', api.url], { env });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(
      /custody: cannot use the identity provider http:\/\/127\.0\.0\.1:9: .*\nhint: .*\n$/,
    );
  });
});

describe('whoami', () => {
  const SEEN = {
    issuer: 'https://id.example',
    subject: 'dana',
    groups: ['ops', 'dba'],
    groupsClaim: 'roles',
    mfa: true,
    expiresAt: '2026-11-23T10:00:00.000Z',
  };
  const env = (api: FakeApi) => ({
    CUSTODY_HOME: join(temporary(), 'home'),
    CUSTODY_API: api.url,
    CUSTODY_TOKEN: idToken(),
  });

  test('is what the gateway sees, by whatever claim names groups there', async () => {
    const api = await fakeApi(pem(makeSigner()).toString());
    api.answers.set('/v1/whoami', SEEN);
    const { stdout } = await custody(['whoami'], { env: env(api) });
    expect(stdout).toMatch(/^groups +ops, dba$/m);
    expect(stdout).not.toContain('developers');
    const json = await custody(['whoami', '--json'], { env: env(api) });
    expect(JSON.parse(json.stdout)).toEqual({ ...SEEN, api: `${api.url}/` });
    api.answers.set('/v1/whoami', { ...SEEN, groups: [] });
    const none = await custody(['whoami'], { env: env(api) });
    expect(none.stdout).toMatch(/^groups +none in the token's claim roles$/m);
  });

  test('says which issuer, what rules look at, and who acts', async () => {
    const api = await fakeApi(pem(makeSigner()).toString());
    const actors = [{ issuer: 'https://ci.example', subject: 'agent-7' }];
    const claims = { ref: 'refs/heads/main', roles: ['a', 'b'], none: [] };
    api.answers.set('/v1/whoami', { ...SEEN, issuerName: 'okta', kind: 'workload', claims, actors });
    const { stdout } = await custody(['whoami'], { env: env(api) });
    expect(stdout).toMatch(/^who +agent-7 for dana$/m);
    expect(stdout).toMatch(/^actor +agent-7 at https:\/\/ci\.example$/m);
    expect(stdout).toMatch(/^kind +a machine$/m);
    expect(stdout).toMatch(/^claims +ref=refs\/heads\/main; roles=a, b$/m);
    expect(stdout).toMatch(/^issuer +https:\/\/id\.example \(okta\)$/m);
  });

  test('says nothing of groups where the gateway cannot be asked, and says so', async () => {
    const api = await fakeApi(pem(makeSigner()).toString());
    const ran = await custody(['whoami'], { env: { ...env(api), CUSTODY_API: 'http://127.0.0.1:2' } });
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(/^who +dana@example\.com$/m);
    expect(ran.stdout).not.toMatch(/groups|developers/);
    expect(ran.stderr).toContain('the gateway could not be asked: cannot reach http://127.0.0.1:2: nothing');
  });
});

describe('a token that ran out', () => {
  test('is refreshed silently, once for two at a time', async () => {
    const here = await gateway();
    await login(here);
    expire(here);
    const both = await Promise.all([1, 2].map(() => custody(['targets'], { env: here.env })));
    expect(both).toMatchObject([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ]);
    expire(here);
    expect(await custody(['targets'], { env: here.env })).toMatchObject({ code: 0, stderr: '' });
    expect(statSync(join(here.env.CUSTODY_HOME, 'tokens.json')).mode & 0o777).toBe(0o600);
  });

  test('and cannot be refreshed asks for a new login', async () => {
    const here = await gateway();
    await login(here);
    expire(here, { refreshToken: 'revoked' });
    const ran = await custody(['targets'], { env: here.env });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(
      /^custody: your login is over: the identity provider does not accept this login any more.*\nhint: run custody login/,
    );
    // What the issuer called worth nothing is not sent again: to some that is a theft.
    expect(stored(here.env).logins[0]).not.toHaveProperty('refreshToken');
    const again = await custody(['targets'], { env: here.env });
    expect(again.stderr).toMatch(/^custody: your login has expired\n/);
  });

  test('soon serves on while the identity provider is away', async () => {
    const here = await gateway();
    await login(here);
    expire(here, {}, Math.floor(Date.now() / 1000) + 55);
    await here.stopIssuer();
    expect(await custody(['targets'], { env: here.env })).toMatchObject({ code: 0, stderr: '' });
    expire(here);
    const ran = await custody(['targets'], { env: here.env });
    expect(ran.stderr).toContain('your login has expired and cannot be refreshed: cannot use the identity');
    expect(stored(here.env).logins[0]).toHaveProperty('refreshToken');
  });
});

/** Makes the stored ID token an old one. */
function expire({ env }: Gateway, change: object = {}, exp = 1): void {
  const { logins, path } = stored(env);
  const { iss, sub } = decodeJwt(String(logins[0]!['token']));
  const token = new UnsecuredJWT({ iss: iss!, sub: sub!, exp }).encode();
  writeFileSync(path, JSON.stringify({ logins: [{ ...logins[0], token, ...change }, ...logins.slice(1)] }));
}

function stored({ CUSTODY_HOME }: Gateway['env']): { path: string; logins: Record<string, unknown>[] } {
  const path = join(CUSTODY_HOME, 'tokens.json');
  return { path, ...(JSON.parse(readFileSync(path, 'utf8')) as { logins: Record<string, unknown>[] }) };
}

describe('the stored login', () => {
  test('of a custody that knew one login only is still good, for the API of that login', async () => {
    const here = await gateway();
    await login(here);
    const { path, logins } = stored(here.env);
    const { issuer, clientId, token: idToken, refreshToken } = logins[0]!;
    writeFileSync(path, JSON.stringify({ issuer, clientId, idToken, refreshToken }));
    expect(await custody(['targets'], { env: here.env })).toMatchObject({ code: 0 });
    const env = { ...here.env, CUSTODY_API: 'http://127.0.0.1:2' };
    expect((await custody(['targets'], { env })).stderr).toMatch(
      /not logged in to http:\/\/127\.0\.0\.1:2\//,
    );
  });

  test('that cannot be read any more is forgotten by a logout', async () => {
    const env = { CUSTODY_HOME: temporary(), CUSTODY_API: 'http://127.0.0.1:2' };
    const path = join(env.CUSTODY_HOME, 'tokens.json');
    writeFileSync(path, 'cut off', { mode: 0o600 });
    expect((await custody(['targets'], { env })).stderr).toContain('hint: log in again: custody logout');
    expect(await custody(['logout'], { env })).toMatchObject({ code: 0 });
    expect(existsSync(path)).toBe(false);
  });

  test('goes to no other API than that which it was for', async () => {
    const here = await gateway();
    const other = await fakeApi(pem(makeSigner()).toString());
    await login(here);
    const ran = await custody(['targets'], { env: { ...here.env, CUSTODY_API: other.url } });
    expect(ran.stderr).toContain(`you are not logged in to ${other.url}/`);
    expect(other.requests).toEqual([]);
  });

  test('of somebody else is refused', async (context) => {
    if (process.getuid!() !== 0) return context.skip('only root can make such a file');
    const here = await gateway();
    await login(here);
    chownSync(join(here.env.CUSTODY_HOME, 'tokens.json'), 12_345, 12_345);
    expect((await custody(['whoami'], { env: here.env })).stderr).toContain('belongs to somebody else');
  });

  test('is gone after logout', async () => {
    const here = await gateway();
    await login(here);
    expect(await custody(['logout'], { env: here.env })).toMatchObject({ code: 0, stderr: 'logged out\n' });
    expect(readdirSync(here.env.CUSTODY_HOME)).not.toContain('tokens.json');
    expect(await custody(['whoami'], { env: here.env })).toMatchObject({ code: 1 });
  });

  test('that others may read is refused', async () => {
    const here = await gateway();
    await login(here);
    chmodSync(join(here.env.CUSTODY_HOME, 'tokens.json'), 0o644);
    const ran = await custody(['whoami'], { env: here.env });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/others may read it\nhint: run: chmod 600 /);
  });
});

describe('demo token', () => {
  test('is an ID token of a demo person, and nothing else is printed', async () => {
    const { dataDir, env } = await gateway();
    const { stdout } = await custody(['demo', 'token', 'auditor', '--data-dir', dataDir]);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(decodeJwt(stdout.trim())['groups']).toEqual(['auditors']);
    expect(await custody(['whoami'], { env: { ...env, CUSTODY_TOKEN: stdout } })).toMatchObject({ code: 0 });
  });

  test('without a local gateway says what to start', async () => {
    const ran = await custody(['demo', 'token', 'developer', '--data-dir', temporary()]);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(
      /^custody: there is no demo identity provider.*\nhint: start the local gateway/,
    );
  });
});
