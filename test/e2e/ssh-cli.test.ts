import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CUSTODY } from '#test/cli/support.ts';
import { hasClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

describe.runIf(hasOpenSsh())('ssh and what is built on it, as the CLI sets them up', () => {
  let local: LocalGateway;
  let folder: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    // A space and a percent sign, which every program on the way has to take as part of the name.
    folder = mkdtempSync(join(tmpdir(), 'custody 100% '));
    local = await startLocalGateway({ args: ['--demo-ssh'] });
    env = await environment();
    await run('ssh-config', '--install');
  });
  afterAll(async () => {
    await local?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function environment(home = 'home'): Promise<Record<string, string>> {
    const custody = await local.cliEnvironment('developer', join(folder, home));
    return { ...custody, PATH: process.env['PATH']!, HOME: folder };
  }

  /** A program to its end, as the developer. */
  async function program(file: string, args: readonly string[], more: { input?: string; env?: object } = {}) {
    const child: ChildProcess = spawn(file, args, { env: { ...env, ...more.env }, cwd: folder });
    child.stdin!.on('error', () => undefined).end(more.input ?? '');
    const code = new Promise<number | null>((done) => child.once('close', done));
    const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
    return { code: await code, stdout, stderr };
  }

  const run = (...args: string[]) => program(CUSTODY, args);
  const ssh = (...args: string[]) => program('ssh', ['-F', join(folder, '.ssh/config'), ...args]);

  test('the command of the issue: custody connect web-1 -- ssh, and its code', async () => {
    const ran = await run('connect', 'web-1', '--', 'ssh', 'echo hello; exit 3');
    expect(ran).toMatchObject({ code: 3, stdout: 'hello\n' });
  });

  test('ssh web-1 as with any host, and a script on its input', async () => {
    expect(await ssh('web-1', 'echo hello; exit 3')).toMatchObject({ code: 3, stdout: 'hello\n' });
    const script = await program('ssh', ['-F', join(folder, '.ssh/config'), 'web-1', 'sh', '-s'], {
      input: 'echo one\necho two >&2\nexit 4\n',
    });
    expect(script).toMatchObject({ code: 4, stdout: 'one\n', stderr: 'two\n' });
  });

  test('many sessions over one connection (ControlMaster)', async () => {
    const master = ['-o', 'ControlMaster=auto', '-o', `ControlPath=${mkdtempSync(join(tmpdir(), 'cm-'))}/s`];
    const kept = [...master, '-o', 'ControlPersist=30'];
    const both = await Promise.all(['first', 'second'].map((word) => ssh(...kept, 'web-1', 'echo', word)));
    expect(both.map(({ stdout }) => stdout)).toEqual(['first\n', 'second\n']);
    await ssh(...kept, '-O', 'exit', 'web-1');
  });

  test('scp and sftp, there and back', async () => {
    const there = (await ssh('web-1', 'mktemp -d')).stdout.trim();
    const bytes = 'x'.repeat(300_000);
    writeFileSync(join(folder, 'up'), bytes);
    const config = ['-F', join(folder, '.ssh/config')];
    expect(await program('scp', [...config, 'up', `web-1:${there}/a`])).toMatchObject({ code: 0 });
    expect(await program('scp', [...config, `web-1:${there}/a`, 'down'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'down'), 'utf8')).toBe(bytes);
    const batch = `get ${there}/a again\nbye\n`;
    const ran = await program(CUSTODY, ['connect', 'web-1', '--', 'sftp', '-b', '-'], { input: batch });
    expect(ran).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'again'), 'utf8')).toBe(bytes);
  });

  test.skipIf(!hasClient('rsync'))('rsync and git, by their variables', async () => {
    const there = (await ssh('web-1', 'mktemp -d')).stdout.trim();
    writeFileSync(join(folder, 'up'), 'rsync');
    const rsync = await run('connect', 'web-1', '--', 'rsync', '-a', 'up', `web-1:${there}/b`);
    expect(rsync).toMatchObject({ code: 0, stderr: '' });
    expect((await ssh('web-1', 'cat', `${there}/b`)).stdout).toBe('rsync');
    await ssh('web-1', `git init -q --bare ${there}/repo`);
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', join(folder, 'work'), ...args], { stdio: 'pipe', encoding: 'utf8' });
    execFileSync('git', ['init', '-q', join(folder, 'work')]);
    git('-c', 'user.name=d', '-c', 'user.email=d@example.com', 'commit', '-q', '--allow-empty', '-m', 'one');
    const push = ['push', '-q', `web-1:${there}/repo`, 'HEAD:refs/heads/main'];
    expect(await run('connect', 'web-1', '--', 'git', '-C', 'work', ...push)).toMatchObject({ code: 0 });
    const clone = ['clone', '-q', '-b', 'main', `web-1:${there}/repo`, 'cloned'];
    expect(await run('connect', 'web-1', '--', 'git', ...clone)).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'cloned/.git/HEAD'), 'utf8')).toContain('main');
  });

  test('a certificate that is over is renewed silently, before ssh looks at it', async () => {
    writeFileSync(join(env['CUSTODY_HOME']!, 'ssh_cert.pub'), '');
    expect(await ssh('web-1', 'echo renewed')).toEqual({ code: 0, stdout: 'renewed\n', stderr: '' });
  });

  test.skipIf(!hasClient('ansible'))('Ansible: a ping, and a playbook with pipelining', async () => {
    // Ansible itself cannot have a percent sign in its home.
    const home = mkdtempSync(join(tmpdir(), 'ansible-'));
    const ansible = {
      HOME: home,
      ANSIBLE_PIPELINING: 'true',
      ANSIBLE_HOST_KEY_CHECKING: 'true',
      ANSIBLE_NOCOLOR: '1',
    };
    const quiet = { ...ansible, ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3', LC_ALL: 'C.UTF-8' };
    const connect = ['connect', 'web-1', '--'];
    const ping = await program(CUSTODY, [...connect, 'ansible', 'web-1', '-m', 'ping'], { env: quiet });
    expect(ping).toMatchObject({ code: 0, stdout: expect.stringContaining('"ping": "pong"') as string });
    const play = '- hosts: all\n  gather_facts: false\n  tasks: [{ command: echo played }]\n';
    writeFileSync(join(folder, 'play.yaml'), play);
    const played = await program(CUSTODY, [...connect, 'ansible-playbook', 'play.yaml'], { env: quiet });
    expect(played.stdout).toMatch(/web-1 +: ok=1 +changed=1 +unreachable=0 +failed=0/);
  });

  test('a certificate that was revoked: ssh is refused, and a new one is one command away', async () => {
    const { serial } = JSON.parse((await run('ssh-login', '--json')).stdout) as { serial: string };
    expect(await run('ssh-certificates', 'revoke', serial)).toMatchObject({ code: 0 });
    expect((await run('ssh-certificates')).stdout).toMatch(new RegExp(`^${serial} .* revoked `, 'm'));
    const refused = await ssh('-o', 'BatchMode=yes', 'web-1', 'true');
    expect(refused).toMatchObject({ code: 255, stdout: '' });
    expect(refused.stderr).toContain('the SSH certificate was revoked; get a new one: custody ssh-login');
  });

  test("a device is registered by the key's signature, listed and revoked", async () => {
    await run('ssh-login', '--new');
    expect(await ssh('-o', 'BatchMode=yes', 'web-1', 'true')).toMatchObject({ code: 0 });
    const device = JSON.parse((await run('devices', 'register', '--name', 'laptop', '--json')).stdout) as {
      id: string;
    };
    expect((await run('devices')).stdout).toMatch(/^SHA256:\S+ +laptop .* registered /m);
    expect(await run('devices', 'revoke', device.id, '--reason', 'lost')).toMatchObject({ code: 0 });
    expect((await run('devices', '--state', 'revoked')).stdout).toContain(device.id);
    const refused = await ssh('-o', 'BatchMode=yes', 'web-1', 'true');
    expect(refused).toMatchObject({ code: 255, stdout: '' });
    expect(refused.stderr).toContain(
      'the key of this device was revoked; register a new one: custody devices',
    );
  });
});
