import { execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CustodyError } from '#core/errors.ts';
import type { Owner } from '#local/database/owner.ts';
import { ownerForPostgres } from '#local/database/owner.ts';
import { prepareDemoSsh, sshdConfig } from '#local/ssh/demo-files.ts';
import { type DemoLogin, demoLogin } from '#local/ssh/demo-login.ts';
import { type DemoSshd, type DemoSshdOptions, endLeftover, startDemoSshd } from '#local/ssh/demo-sshd.ts';
import { freePortBase, temporaryFolder } from '#test/support/local-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const run = promisify(execFile);

describe.skipIf(!hasOpenSsh())('the demo SSH server', () => {
  const root = temporaryFolder();
  const files = { folder: join(root, 'web-1'), keyFile: join(root, 'secrets', 'web-1') };
  const said: string[] = [];
  const givenUp: CustodyError[] = [];
  let owner: Owner;
  let login: DemoLogin;
  let hostKey: string;
  let options: DemoSshdOptions;
  let server: DemoSshd;
  beforeAll(async () => {
    owner = ownerForPostgres(join(root, 'postgres'), '/usr/sbin');
    login = demoLogin(owner) as DemoLogin;
    hostKey = prepareDemoSsh(files, owner);
    options = {
      folder: files.folder,
      port: (await freePortBase()) + 23,
      login,
      say: (line) => said.push(line),
      onGivenUp: (error) => givenUp.push(error),
      now: () => 0,
    };
    server = await startDemoSshd(options);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(root, { recursive: true });
  });

  function args(user: string, keyFile = files.keyFile): string[] {
    const known = join(root, 'known_hosts');
    writeFileSync(known, `[127.0.0.1]:${options.port} ${hostKey}\n`);
    const set = {
      UserKnownHostsFile: known,
      StrictHostKeyChecking: 'yes',
      IdentitiesOnly: 'yes',
      BatchMode: 'yes',
    };
    const flags = Object.entries(set).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    return ['-F', '/dev/null', ...flags, '-i', keyFile, '-p', String(options.port), `${user}@127.0.0.1`];
  }
  const ssh = (command: string, user = login.user) => run('ssh', [...args(user), command]);

  it('is known by its host key, and opens one login with the key of the gateway', async () => {
    const { stdout } = await ssh('id -un; echo "$PATH"; env | grep CUSTODY_REQUIRE_CLIENTS || echo none');
    expect(stdout).toMatch(new RegExp(`^${login.user}\\n/.*\\nnone\\n$`));
    await expect(ssh('exit 3')).rejects.toMatchObject({ code: 3 });
  }, 20_000);

  it.runIf(process.getuid?.() === 0)(
    'runs as somebody who is not root, and reads no key of the gateway',
    async () => {
      expect(Number((await ssh('id -u')).stdout)).toBe(owner.uid);
      await expect(ssh(`cat ${files.keyFile}`)).rejects.toThrow('Permission denied');
    },
  );

  it('gives terminals, also where /dev/pts belongs to no group', async () => {
    const { stdout } = await run('ssh', ['-tt', ...args(login.user), 'tty; echo "$TERM"'], {
      env: { ...process.env, TERM: 'xterm' },
    });
    expect(stdout).toMatch(/^\/dev\/\S+\r\nxterm\r\n$/);
  });

  it('hides its keys from others', () => {
    expect(statSync(files.folder).mode & 0o077).toBe(0);
    expect(statSync(files.keyFile).mode & 0o077).toBe(0);
  });

  it('opens to no other user and no other key', async () => {
    await expect(ssh('true', 'root')).rejects.toThrow('Permission denied');
    const other = join(root, 'other');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
    await expect(run('ssh', [...args(login.user, other), 'true'])).rejects.toThrow('Permission denied');
  });

  it('keeps its keys from start to start', async () => {
    await server.stop();
    expect(prepareDemoSsh(files, owner)).toBe(hostKey);
    server = await startDemoSshd(options);
    expect((await ssh('echo again')).stdout).toBe('again\n');
  });

  it('is started again when it dies', async () => {
    process.kill(server.pid, 'SIGKILL');
    await vi.waitFor(() => expect(said.join()).toContain('is back'), 20_000);
    expect((await ssh('echo back')).stdout).toBe('back\n');
  });

  it('ends what runs in its sessions', async () => {
    const session = spawn('ssh', [...args(login.user), 'echo $$; exec sleep 1000']);
    const pid = await new Promise<number>((done) =>
      session.stdout.once('data', (text) => done(Number(text))),
    );
    await server.stop();
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000);
    session.kill();
    server = await startDemoSshd(options);
  });

  it('of a killed start is ended by the next one, which gets its port', async () => {
    await server.stop();
    const config = sshdConfig(files.folder);
    const left = spawn(login.sshd, ['-D', '-f', config], {
      ...owner,
      cwd: '/',
      stdio: 'ignore',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    });
    await vi.waitFor(() => ssh('true'), 10_000);
    server = await startDemoSshd(options);
    expect(left.signalCode).toBe('SIGKILL');
    expect((await ssh('echo next')).stdout).toBe('next\n');
    await endLeftover(sshdConfig(join(root, 'nobody')));
    expect((await ssh('echo still')).stdout).toBe('still\n');
  });

  it('says why it does not start', async () => {
    const folder = join(root, 'broken');
    mkdirSync(folder, { mode: 0o711 });
    prepareDemoSsh({ folder, keyFile: files.keyFile }, owner);
    writeFileSync(join(folder, 'host_ed25519'), 'no key');
    const starting = startDemoSshd({ ...options, folder, port: options.port + 1 });
    await expect(starting).rejects.toMatchObject({ code: 'state-damaged' });
    await expect(starting).rejects.toThrow(/no hostkeys available/);
  });

  it('is refused where a half of a key is gone', () => {
    const folder = join(root, 'half');
    prepareDemoSsh({ folder, keyFile: files.keyFile }, owner);
    expect(readFileSync(join(folder, 'host_ed25519.pub'), 'utf8')).toMatch(/^ssh-ed25519 /);
    rmSync(join(folder, 'host_ed25519.pub'));
    expect(() => prepareDemoSsh({ folder, keyFile: files.keyFile }, owner)).toThrow('host_ed25519.pub');
  });
});

describe('where the demo SSH server cannot be', () => {
  it('is said why: a user without a name here, or without a shell', () => {
    expect(demoLogin({ uid: 4_000_000, gid: 4_000_000 })).toEqual({
      leftOut: 'user 4000000 has no name here',
    });
    const daemon = demoLogin({ uid: 1, gid: 1 });
    expect(daemon).toEqual({ leftOut: expect.stringContaining('has no shell here') as string });
  });
});
