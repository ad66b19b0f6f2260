import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { custody, type FakeApi, temporary } from '../support.ts';
import { keyLine, sshApi, WEB } from './support.ts';

const PRINT_ENV = 'console.log(JSON.stringify(process.env))';

function asked(api: FakeApi): unknown[] {
  return api.requests.filter(({ path, method }) => method === 'POST' && path === '/v1/ssh/certificates');
}

function keygen(...args: string[]): string {
  return execFileSync('ssh-keygen', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A key of the person's own. */
function ownKey(passphrase = ''): string {
  const file = join(temporary(), 'id');
  keygen('-q', '-t', 'ed25519', '-N', passphrase, '-C', 'mine', '-f', file);
  return file;
}

/** An agent that ends with the test. */
async function agent(): Promise<{ SSH_AUTH_SOCK: string }> {
  const socket = join(temporary(), 'agent');
  const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill());
  await once(child.stdout, 'data');
  return { SSH_AUTH_SOCK: socket };
}

describe.skipIf(!hasOpenSsh())('ssh-login', () => {
  test('makes a key and gets a certificate for it, which ssh-keygen can read; nobody else can', async () => {
    const { api, env } = await sshApi();
    const ran = await custody(['ssh-login'], { env });
    expect(ran).toMatchObject({ code: 0, stdout: `${join(env.CUSTODY_HOME, 'ssh_cert.pub')}\n` });
    const key = join(env.CUSTODY_HOME, 'ssh_key');
    expect(statSync(key).mode & 0o777).toBe(0o600);
    const fingerprint = keygen('-lf', `${key}.pub`).split(' ')[1]!;
    expect(keygen('-L', '-f', join(env.CUSTODY_HOME, 'ssh_cert.pub'))).toContain(fingerprint);
    expect(asked(api)).toMatchObject([{ body: { publicKey: expect.stringMatching(/^ssh-ed25519 \S+$/) } }]);
  });

  test('--if-needed asks the API once, says nothing, and again where less than a minute is left', async () => {
    const { api, env, times } = await sshApi();
    const quiet = { code: 0, stdout: '' };
    expect(await custody(['ssh-login', '--if-needed', 'web-1'], { env })).toMatchObject(quiet);
    const before = api.requests.length;
    expect(await custody(['ssh-login', '--if-needed', 'web-1'], { env })).toEqual({ ...quiet, stderr: '' });
    expect(api.requests.length).toBe(before);
    times.validMs = 30_000;
    await custody(['ssh-login'], { env });
    await custody(['ssh-login', '--if-needed', 'web-1'], { env });
    expect(asked(api)).toHaveLength(3);
  });

  test('passes on what the certificate is to be good for', async () => {
    const { api, env } = await sshApi();
    const terms = ['--for', '30m', '--source-address', '192.0.2.0/24', '--force-command', 'uptime'];
    expect(await custody(['ssh-login', 'web-1', ...terms], { env })).toMatchObject({ code: 0 });
    expect(asked(api)).toMatchObject([
      {
        body: { target: 'web-1', validSeconds: 1800, sourceAddress: '192.0.2.0/24', forceCommand: 'uptime' },
      },
    ]);
    expect(readFileSync(join(env.CUSTODY_HOME, 'ssh_cert-web-1.pub'), 'utf8')).toMatch(/-cert-v01@/);
  });

  test("--key takes the person's own, and remembers it", async () => {
    const { api, env } = await sshApi();
    const key = ownKey();
    await custody(['ssh-login', '--key', key], { env });
    await custody(['ssh-login'], { env });
    const publicKey = readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    expect(asked(api)).toMatchObject([{ body: { publicKey } }, { body: { publicKey } }]);
  });

  test('--from-agent takes one that no file has', async () => {
    const { api, env } = await sshApi();
    const inAgent = { ...env, ...(await agent()) };
    const none = await custody(['ssh-login', '--from-agent'], { env: inAgent });
    expect(none.stderr).toContain('ssh-agent has no key');
    const key = ownKey();
    execFileSync('ssh-add', ['-q', key], { env: { ...process.env, ...inAgent } });
    expect(await custody(['ssh-login', '--from-agent', 'mine'], { env: inAgent })).toMatchObject({ code: 0 });
    const publicKey = readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    expect(asked(api)).toMatchObject([{ body: { publicKey } }]);
    const other = await custody(['ssh-login', '--from-agent', 'other'], { env: inAgent });
    expect(other.stderr).toContain('no single key called other');
    expect(other.stderr).toContain('hint: name one of: mine');
  });

  test('--agent gives key and certificate to ssh-agent, and they end with the certificate', async () => {
    const { env } = await sshApi();
    const inAgent = { ...env, ...(await agent()) };
    expect(await custody(['ssh-login', '--agent'], { env: inAgent })).toMatchObject({ code: 0 });
    const list = execFileSync('ssh-add', ['-l'], { env: { ...process.env, ...inAgent }, encoding: 'utf8' });
    expect(list).toContain('(ED25519-CERT)');
  });

  test.each<[string[], RegExp]>([
    [['--key', '/no/such/key'], /there is no key \/no\/such\/key\nhint: /],
    [['--new', '--fido'], /give one of --key/],
    [['web-2'], /there is no target web-2/],
  ])('says what is wrong with %j', async (args, words) => {
    const { env } = await sshApi();
    const ran = await custody(['ssh-login', ...args], { env });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(words);
  });

  test('a certificate is not taken for the key of somebody else', async () => {
    const { api, env } = await sshApi();
    await custody(['ssh-login'], { env });
    await custody(['ssh-login', '--new'], { env });
    writeFileSync(join(env.CUSTODY_HOME, 'ssh_cert.pub'), `${keyLine()}\n`);
    await custody(['ssh-login', '--if-needed'], { env });
    expect(asked(api)).toHaveLength(3);
  });

  test('logout forgets certificates', async () => {
    const { env } = await sshApi();
    await custody(['ssh-login'], { env });
    await custody(['logout'], { env });
    expect(() => statSync(join(env.CUSTODY_HOME, 'ssh_cert.pub'))).toThrow('ENOENT');
  });
});

describe.skipIf(!hasOpenSsh())('ssh-config', () => {
  test('writes what ssh reads, with the gateway as a known host, and puts one line into ~/.ssh/config', async () => {
    const { env, hostKeys } = await sshApi();
    const home = temporary();
    mkdirSync(join(home, '.ssh'));
    writeFileSync(join(home, '.ssh/config'), 'Host *\n    User nobody\n');
    const options = { env: { ...env, HOME: home } };
    const ran = await custody(['ssh-config', '--install'], options);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).toContain(`1 host in ${join(env.CUSTODY_HOME, 'ssh_config')}: web-1`);
    await custody(['ssh-config', '--install'], options);
    const config = readFileSync(join(home, '.ssh/config'), 'utf8');
    expect(config).toBe(`Include "${join(env.CUSTODY_HOME, 'ssh_config')}"\n\nHost *\n    User nobody\n`);
    const known = readFileSync(join(env.CUSTODY_HOME, 'ssh_known_hosts'), 'utf8');
    expect(known).toBe(`[127.0.0.1]:7422 ${hostKeys[0]}\n`);
    const seen = execFileSync('ssh', ['-F', join(home, '.ssh/config'), '-G', 'web-1'], { encoding: 'utf8' });
    expect(seen).toContain('user deploy+web-1\n');
  });

  test('ssh has the certificate renewed before it connects', async () => {
    const { api, env } = await sshApi();
    await custody(['ssh-config'], { env });
    expect(asked(api)).toHaveLength(0);
    const child = spawn('ssh', ['-F', join(env.CUSTODY_HOME, 'ssh_config'), '-G', 'web-1'], {
      env: { PATH: process.env['PATH'], HOME: temporary(), CUSTODY_TOKEN: env.CUSTODY_TOKEN },
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(asked(api)).toHaveLength(1);
  });

  test('a host key that was not there before is told, and refused until it is accepted', async () => {
    const { api, env } = await sshApi();
    await custody(['ssh-config'], { env });
    const before = readFileSync(join(env.CUSTODY_HOME, 'ssh_known_hosts'), 'utf8');
    const other = keyLine();
    api.answers.set('/v1/ssh', { host: WEB.host, port: WEB.port, hostKeys: [other] });
    for (const args of [['ssh-config'], ['env', 'web-1'], ['connect', 'web-1', '--', 'true']]) {
      const ran = await custody(args, { env });
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toMatch(/THE HOST KEY OF THE GATEWAY HAS CHANGED.*\nhint: .*--accept-new-host-key/);
    }
    expect(readFileSync(join(env.CUSTODY_HOME, 'ssh_known_hosts'), 'utf8')).toBe(before);
    expect(await custody(['ssh-config', '--accept-new-host-key'], { env })).toMatchObject({ code: 0 });
    expect(readFileSync(join(env.CUSTODY_HOME, 'ssh_known_hosts'), 'utf8')).toContain(other);
    expect(await custody(['env', 'web-1'], { env })).toMatchObject({ code: 0 });
  });
});

describe.skipIf(!hasOpenSsh())('connect and env for an SSH target', () => {
  test('give git, rsync and Ansible what they need, in a folder with a space, and no token', async () => {
    const { env } = await sshApi();
    const spaced = { ...env, CUSTODY_HOME: join(temporary(), 'my home') };
    const ran = await custody(['connect', 'web-1', '--', 'node', '-e', PRINT_ENV], { env: spaced });
    const seen = JSON.parse(ran.stdout) as Record<string, string>;
    const config = join(spaced.CUSTODY_HOME, 'ssh_config');
    expect(seen).toMatchObject({
      GIT_SSH_COMMAND: `ssh -F '${config}'`,
      RSYNC_RSH: `ssh -F '${config}'`,
      ANSIBLE_SSH_ARGS: expect.stringContaining(`-F '${config}'`) as string,
      ANSIBLE_INVENTORY: join(spaced.CUSTODY_HOME, 'ansible-web-1'),
    });
    const lines = await custody(['env', 'web-1'], { env: spaced });
    expect(lines.stdout).toContain('export GIT_SSH_COMMAND=');
    expect(lines.stdout).not.toContain(env.CUSTODY_TOKEN);
  });

  test('a reason has no place in ssh, and is not dropped silently', async () => {
    const { env } = await sshApi();
    const ran = await custody(['connect', '--reason', 'why', 'web-1', '--', 'true'], { env });
    expect(ran.stderr).toMatch(/no place for a reason.*\nhint: ask first: custody request web-1/);
    expect((await custody(['env', '--libpq', 'web-1'], { env })).stderr).toContain(
      '--libpq is for databases',
    );
  });
});
