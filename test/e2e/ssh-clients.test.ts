import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasClient } from '#test/support/clients.ts';
import { runProgram, SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh, hasSshTools, sshTool } from '#test/support/ssh-tools.ts';

const PYTHON = fileURLToPath(new URL('../support/ssh-clients.py', import.meta.url));
const COMMAND = 'echo hello; exit 3';
const HELLO = { code: 3, stdout: Buffer.from('hello\n') };

describe.runIf(hasOpenSsh() && hasSshTools())('other SSH clients than OpenSSH', () => {
  let gateway: SshGateway;
  let token: string;
  beforeAll(async () => {
    gateway = await SshGateway.start();
    token = await gateway.token();
  });
  afterAll(() => gateway?.stop());

  /** The gateway's host key, as a line. */
  function hostKey(): string {
    return readFileSync(gateway.knownHosts, 'utf8').trim().split(' ').slice(1).join(' ');
  }

  it.each(['paramiko', 'asyncssh'])('%s runs a command with a token as the password', async (library) => {
    const args = [PYTHON, library, String(gateway.port), `${gateway.sshd.login}+web`, hostKey(), COMMAND];
    const ran = await runProgram(sshTool('python'), args, { env: { CUSTODY_TEST_TOKEN: token } });
    expect(ran, ran.stderr).toMatchObject(HELLO);
  });

  it.skipIf(!hasClient('dbclient'))('dbclient runs a command with a token as the password', async () => {
    const args = ['-y', '-y', '-p', String(gateway.port), `${gateway.sshd.login}+web@127.0.0.1`, COMMAND];
    const ran = await runProgram('dbclient', args, { env: { DROPBEAR_PASSWORD: token } });
    expect(ran, ran.stderr).toMatchObject(HELLO);
  });

  it('security case 17: ssh-audit finds nothing to fail', async () => {
    const args = ['-p', String(gateway.port), '--skip-rate-test', '-b', '127.0.0.1'];
    const ran = await runProgram(sshTool('ssh-audit'), args);
    expect(ran.stdout.toString()).not.toMatch(/\[fail\]/);
    expect(ran.stdout.toString()).toContain('mlkem768x25519-sha256');
  });
});
