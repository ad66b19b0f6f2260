import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listenOnLoopback } from '#cli/oidc/loopback.ts';
import { parseConfig } from '#core/access/config.ts';
import { hasClient } from '#test/support/clients.ts';
import { startProvider } from '#test/support/providers/server.ts';
import { providerShapes } from '#test/support/providers/shapes.ts';
import { apiOf, login, said, stand, stored, visit } from './login-support.ts';
import { CUSTODY, custody, startCustody, temporary } from './support.ts';

/** A port that is taken until the test ends, on one of this machine's addresses. */
async function taken(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function free(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const at = { redirectHost: '127.0.0.1', redirectPath: '/callback' } as const;

describe('the address that a browser comes back to', () => {
  test('is on the first port that is free', async () => {
    const [busy, good] = [await taken(), await free()];
    const loopback = await listenOnLoopback({ ...at, ports: [busy, good] });
    onTestFinished(() => loopback.close());
    expect(loopback.redirect).toBe(`http://127.0.0.1:${good}/callback`);
  });

  test('is on no port at all where all are taken', async () => {
    const ports = [await taken(), await taken()];
    await expect(listenOnLoopback({ ...at, ports })).rejects.toThrow(
      `ports ${ports.join(', ')} are taken on this machine`,
    );
  });

  test('called localhost is ours by both of its addresses, or is another', async () => {
    const busy = await taken('::1');
    const ports = [busy, await free()];
    const loopback = await listenOnLoopback({ ...at, redirectHost: 'localhost', ports });
    onTestFinished(() => loopback.close());
    const { redirect } = loopback;
    expect(redirect).toBe(`http://localhost:${ports[1]}/callback`);
    const arrival = loopback.arrival('s');
    const address = redirect.replace('localhost', '[::1]');
    expect((await fetch(`${address}?state=other`)).status).toBe(404);
    expect((await fetch(`${address}?state=s&code=c`)).status).toBe(200);
    expect((await arrival).searchParams.get('code')).toBe('c');
  });
});

describe('a gateway with several issuers', () => {
  const two = async () => {
    const [okta, google] = [
      await startProvider(providerShapes.okta),
      await startProvider(providerShapes.google),
    ];
    onTestFinished(async () => void (await Promise.all([okta.close(), google.close()])));
    const config = parseConfig(
      `version: 1
identity:
  - { name: okta, issuer: "${okta.issuer}", audience: custody-cli, groupsPrefix: "okta:",
      login: { scopes: [openid, email, groups, offline_access], ports: [18271, 18272, 18273] } }
  - { name: google, issuer: "${google.issuer}", audience: custody-cli, groupsPrefix: "google:",
      login: { clientSecret: GOCSPX-not-taken-for-a-secret, scopes: [openid, email] } }
  - { name: ci, kind: workload, issuer: "https://ci.example", audience: custody, match: { team: acme } }
targets: {}
`,
      'custody.yaml',
    );
    const api = await apiOf(config);
    const env = { CUSTODY_HOME: join(temporary(), 'home') };
    return { config, api, args: ['login', '--no-browser', '--api', api.url], env };
  };

  test('asks which where nobody can choose, and never offers machines', async () => {
    const { args, env } = await two();
    const ran = await custody(args, { env });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(
      /several identity providers\nhint: .*--issuer okta, custody login --issuer google\n$/,
    );
  });

  describe.runIf(hasClient('script'))('at a terminal', () => {
    const begin = async () => {
      const { args, env, config } = await two();
      const command = [CUSTODY, ...args].join(' ');
      const terminal = spawn('script', ['-qec', command, '/dev/null'], {
        env: { PATH: process.env['PATH'], HOME: temporary(), ...env },
      });
      onTestFinished(() => void terminal.kill());
      let seen = '';
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text));
      const shown = async (pattern: RegExp): Promise<string> => {
        while (!pattern.test(seen)) await once(terminal.stdout, 'data');
        return seen;
      };
      await shown(/1 {2}okta {2}http.*\r\n2 {2}google {2}http.*\r\n.*which one\? \[1-2\] /);
      return { terminal, shown, config };
    };

    test('lets a person choose', async () => {
      const { terminal, shown, config } = await begin();
      terminal.stdin.write('3\n');
      await shown(/(?:which one.*){2}/s);
      terminal.stdin.write('2\n');
      const { issuer } = config.issuers[1]!;
      expect(await shown(/log in here: \S+\r\n/)).toContain(`log in here: ${issuer}/auth?`);
    });

    test.each([
      ['Ctrl-D', '\u0004'],
      ['Ctrl-C', '\u0003'],
    ])('ends at %s', async (_, key) => {
      const { terminal, shown } = await begin();
      const ended = once(terminal, 'close');
      terminal.stdin.write(key);
      await shown(/hint: say which: custody login --issuer okta/);
      expect(await ended).toEqual([1, null]);
    });
  });

  test('takes one by its name; a login at another does not replace it, and the newest counts', async () => {
    const here = await two();
    expect(await login(here, '--issuer', 'okta')).toMatchObject({ code: 0 });
    expect(await login(here, '--issuer', here.config.issuers[1]!.issuer)).toMatchObject({ code: 0 });
    const file = JSON.parse(readFileSync(join(here.env.CUSTODY_HOME, 'tokens.json'), 'utf8')) as {
      logins: { issuer: string; clientSecret?: string }[];
    };
    const [google, okta] = file.logins;
    expect([google!.issuer, okta!.issuer]).toEqual([
      here.config.issuers[1]!.issuer,
      here.config.issuers[0]!.issuer,
    ]);
    expect([google!.clientSecret, okta!.clientSecret]).toEqual(['GOCSPX-not-taken-for-a-secret', undefined]);
    expect((await custody(['logout'], { env: here.env })).stderr).toContain('logged out\n');
    expect((await custody(['targets'], { env: here.env })).stderr).toContain('you are not logged in');
  });

  test('says what there is where the name is another', async () => {
    const { args, env } = await two();
    const said = async (...more: string[]) => (await custody([...args, ...more], { env })).stderr;
    expect(await said('--issuer', 'oktta')).toContain(
      'no issuer oktta for people\nhint: there are: okta, google\n',
    );
    expect(await said('--issuer', 'ci')).toContain(
      'no issuer ci for people\nhint: ci is for machines: custody login --workload --issuer ci\n',
    );
    expect(await said('--workload', 'gitlab', '--issuer', 'okta')).toContain(
      'no issuer okta for machines\nhint: okta is for people: custody login --issuer okta\n',
    );
  });
});

describe('what is asked for', () => {
  test.each([
    [[], { scope: 'openid email', prompt: null, client_id: 'custody-cli' }],
    [['--scope', 'openid,groups'], { scope: 'openid groups' }],
    [['--prompt', 'login'], { prompt: 'login' }],
    [['--client-id', 'other'], { client_id: 'other' }],
  ])('with %j', async (more, wanted) => {
    const { args, env } = await stand('google', (block) => block.replace(/\n +scopes:.*/, ''));
    const running = startCustody([...args, ...more], { env });
    const { searchParams } = new URL(await said(running, /log in here: (\S+)\n/));
    running.child.kill('SIGTERM');
    await running.ended;
    for (const [name, value] of Object.entries(wanted)) expect(searchParams.get(name)).toBe(value);
    expect(searchParams.get('access_type')).toBe('offline');
    expect(searchParams.get('code_challenge_method')).toBe('S256');
  });

  test('once: the API is remembered, and its login used for the next command', async () => {
    const here = await stand('keycloak');
    expect(await login(here)).toMatchObject({ code: 0 });
    const again = { ...here, args: ['login', '--no-browser'] };
    expect(await login(again)).toMatchObject({ code: 0 });
    const { stdout } = await custody(['token'], { env: here.env });
    expect(stdout).toBe(`${stored(here).token}\n`);
  });
});

test('an answer that names another issuer is refused (RFC 9207)', async () => {
  const { args, env } = await stand('okta');
  const running = startCustody(args, { env });
  const asked = new URL(await said(running, /log in here: (\S+)\n/)).searchParams;
  const answer = new URLSearchParams({ code: 'c', state: asked.get('state')!, iss: 'https://evil.example' });
  await fetch(`${asked.get('redirect_uri')}?${answer.toString()}`);
  const { code, stderr } = await running.ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/the login failed: .*"iss"/);
});

test('a code that is confirmed elsewhere, at Dex', async () => {
  const { args, env, config } = await stand('dex');
  const running = startCustody([...args, '--device'], { env });
  const address = await said(running, /log in here: (\S+)\n/);
  const cookies = new Map<string, string>();
  const [, xsrf] = /name="xsrf" value="(\w+)"/.exec(await visit(address, cookies))!;
  const code = new URL(address).searchParams.get('user_code')!;
  const form = { xsrf: xsrf!, user_code: code, confirm: 'yes' };
  await visit(`${config.issuers[0]!.issuer}/device`, cookies, form);
  expect(await running.ended).toMatchObject({ code: 0 });
});
