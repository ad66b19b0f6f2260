import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UnsecuredJWT } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemKeychain } from '#cli/keychain.ts';
import { parseConfig } from '#core/access/config.ts';
import { hasClient } from '#test/support/clients.ts';
import { apiOf } from './login-support.ts';
import { CUSTODY, custody, temporary } from './support.ts';

const run = promisify(execFile);
const hasKeychain = ['dbus-run-session', 'gnome-keyring-daemon'].every(hasClient);

const CONFIG = parseConfig(
  `version: 1
identity: { name: ci, kind: workload, issuer: "https://ci.example", audience: custody, match: { team: acme } }
targets: {}
`,
  'custody.yaml',
);

/** A machine that logs in by a file; what is stored of it names that file. */
async function stand() {
  const api = await apiOf(CONFIG);
  const [home, token] = [temporary(), join(temporary(), 'token')];
  const exp = Math.floor(Date.now() / 1000) + 600;
  writeFileSync(
    token,
    new UnsecuredJWT({ iss: 'https://ci.example', aud: 'custody', sub: 's', exp }).encode(),
  );
  const env = { PATH: process.env['PATH']!, HOME: home, CUSTODY_API: api.url };
  const stored = join(home, '.config', 'custody', 'tokens.json');
  /** Commands of custody in a session of their own, whose keychain is unlocked by a password. */
  const inSession = async (...commands: readonly string[]): Promise<string> => {
    const unlock = `printf secret | gnome-keyring-daemon --unlock --components=secrets >&2`;
    const script = [unlock, ...commands.map((command) => `'${CUSTODY}' ${command} 2>&1 || echo failed`)].join(
      '\n',
    );
    const session = { ...env, XDG_RUNTIME_DIR: home };
    return (await run('dbus-run-session', ['--', 'sh', '-c', script], { env: session })).stdout;
  };
  return { env, token, stored, inSession, login: `login --token-file ${token}` };
}

describe.runIf(hasKeychain)('a keychain', () => {
  test('holds the key of what is stored, across sessions, until the logout', async () => {
    const { stored, inSession, login } = await stand();
    expect(await inSession(login)).toContain('logged in as s\n');
    expect(JSON.parse(readFileSync(stored, 'utf8'))).toEqual({
      sealed: {
        nonce: expect.any(String) as string,
        tag: expect.any(String) as string,
        text: expect.any(String) as string,
      },
    });
    expect(readFileSync(stored, 'utf8')).not.toMatch(/ci\.example|custody|token"/);
    expect(await inSession('targets', 'logout')).toMatch(/^TARGET .*\nlogged out\n$/);
    expect(existsSync(stored)).toBe(false);
    expect(existsSync(stored.replace('tokens.json', 'keychain.txt'))).toBe(false);
    expect(await inSession('targets')).toContain('you are not logged in\n');
  });

  test('that is locked or gone is said, and a new login to a file gets over it', async () => {
    const { env, token, stored, inSession, login } = await stand();
    await inSession(`${login} --store keychain`);
    const locked = await custody(['targets'], { env });
    expect(locked.code).toBe(1);
    expect(locked.stderr).toMatch(
      /sealed with a key of the keychain, which does not open it: .*\nhint: unlock/,
    );
    expect(await custody(['login', '--token-file', token, '--store', 'file'], { env })).toMatchObject({
      code: 0,
    });
    expect(readFileSync(stored, 'utf8')).toContain('ci.example');
    expect(await custody(['targets'], { env })).toMatchObject({ code: 0 });
  });

  test('that seals text which was changed does not open it', async () => {
    const { stored, inSession, login } = await stand();
    await inSession(login);
    const { sealed } = JSON.parse(readFileSync(stored, 'utf8')) as { sealed: { text: string } };
    const text = Buffer.from(sealed.text, 'base64');
    text[3]! ^= 1;
    writeFileSync(stored, JSON.stringify({ sealed: { ...sealed, text: text.toString('base64') } }));
    expect(await inSession('targets')).toContain('which does not open it');
  });
});

describe('without a keychain', () => {
  test('that answers nobody waits longer than was said', async () => {
    const folder = temporary();
    const path = join(folder, 'bus');
    const server = createServer().listen(path);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const env = { PATH: process.env['PATH'], HOME: folder, DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` };
    const connected = once(server, 'connection');
    const asked = systemKeychain({ env }, 5_000).get('/a');
    await expect(asked).rejects.toThrow('it does not answer');
    const [socket] = (await connected) as [Socket];
    socket.destroy();
  });

  test('a login is in a file for its owner, unless a keychain is wanted', async () => {
    const { env, token, stored } = await stand();
    const wanted = await custody(['login', '--token-file', token, '--store', 'keychain'], { env });
    expect(wanted.code).toBe(1);
    expect(wanted.stderr).toMatch(/the keychain cannot be used: .*\nhint: .*custody login --store file\n$/);
    expect(await custody(['login', '--token-file', token], { env })).toMatchObject({ code: 0 });
    expect(readFileSync(stored, 'utf8')).toContain('ci.example');
    expect(existsSync(stored.replace('tokens.json', 'keychain.txt'))).toBe(false);
  });
});
