import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { custody } from '#test/cli/support.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

describe.skipIf(!hasOpenSsh())('web-1 of npm start, with real ssh', () => {
  const home = mkdtempSync(join(tmpdir(), 'custody-web-1-'));
  let local: LocalGateway;
  let env: Record<string, string>;
  beforeAll(async () => {
    local = await startLocalGateway({ args: ['--demo-ssh', '--drain-ms', '2000'] });
    env = await local.cliEnvironment('developer', home);
  });
  afterAll(async () => {
    await local.stop();
    rmSync(home, { recursive: true });
  });

  const run = (...args: readonly string[]) => custody(args, { env });

  async function sealed(): Promise<readonly { id: string; target: string; login: string }[]> {
    const { stdout } = await run('sessions', '--json');
    const { sessions } = JSON.parse(stdout) as {
      sessions: { id: string; state: string; target: string; login: string }[];
    };
    expect(sessions.map(({ state }) => state)).toEqual(sessions.map(() => 'closed'));
    return sessions;
  }

  it('runs a command, gives its exit code, and what happened is listed, played and verified', async () => {
    const { code, stdout } = await run('connect', 'web-1', '--', 'ssh', 'echo hello; exit 3');
    expect({ code, stdout }).toEqual({ code: 3, stdout: 'hello\n' });
    const [session] = await vi.waitFor(sealed, 20_000);
    expect(session).toMatchObject({ target: 'web-1', login: local.addresses.web!.login });
    const evidence = join(home, 'evidence');
    expect(await run('pull', session!.id, '--out', evidence)).toMatchObject({ code: 0 });
    const played = await run('play', session!.id, '--json');
    expect(played.code, played.stderr).toBe(0);
    expect(played.stdout).toContain('echo hello; exit 3');
    expect(await run('verify', evidence)).toMatchObject({ code: 0 });
  }, 60_000);

  it('takes a file by scp', async () => {
    const file = join(home, 'note.txt');
    writeFileSync(file, 'from here\n');
    const copied = await run('connect', 'web-1', '--', 'scp', file, 'web-1:/tmp/custody-note.txt');
    expect(copied.code, copied.stderr).toBe(0);
    const { stdout } = await run(
      'connect',
      'web-1',
      '--',
      'ssh',
      'cat /tmp/custody-note.txt; rm /tmp/custody-note.txt',
    );
    expect(stdout).toBe('from here\n');
  }, 60_000);

  it('lets in nobody whom no rule lets in', async () => {
    const auditor = await local.cliEnvironment('auditor', home);
    const refused = await custody(['connect', 'web-1', '--', 'ssh', 'true'], { env: auditor });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('there is no target web-1 that you may connect to');
  }, 60_000);

  it('is started again when it dies, and is the same after a restart', async () => {
    process.kill(local.addresses.pids.web!, 'SIGKILL');
    await vi.waitFor(() => expect(local.said).toContain('the demo SSH server is back'), 20_000);
    expect((await run('connect', 'web-1', '--', 'ssh', 'echo back')).stdout).toBe('back\n');
    const key = readFileSync(join(local.dataDir, 'ssh', 'host_ed25519'));
    await local.restart();
    env = await local.cliEnvironment('developer', home);
    expect(readFileSync(join(local.dataDir, 'ssh', 'host_ed25519'))).toEqual(key);
    expect((await run('connect', 'web-1', '--', 'ssh', 'echo again')).stdout).toBe('again\n');
  }, 90_000);

  it('leaves no secret to others', () => {
    for (const name of [
      'ssh/host_ed25519',
      'ssh/user-ca.key',
      'ssh/target-ca.key',
      'secrets/web-1',
      'web-1/host_ed25519',
    ])
      expect([name, statSync(join(local.dataDir, name)).mode & 0o077]).toEqual([name, 0]);
  });

  it('ends with npm start', async () => {
    const { pid } = { pid: local.addresses.pids.web! };
    expect(await local.terminate()).toBe(0);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  }, 60_000);
});

describe('npm start without the demo SSH server', () => {
  it('has no target for it, and says how to get one', async () => {
    const local = await startLocalGateway({ args: ['--no-demo-ssh'] });
    try {
      expect(local.addresses).not.toHaveProperty('web');
      expect(readFileSync(local.addresses.config, 'utf8')).not.toContain('web-1');
    } finally {
      await local.stop();
    }
  }, 60_000);
});
