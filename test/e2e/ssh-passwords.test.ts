import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/clients.ts';
import { SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh, hasSshTools, sshTool } from '#test/support/ssh-tools.ts';
import { makeSshKey } from '#test/support/sshd.ts';

const SERVER = fileURLToPath(new URL('../support/ssh-passwords.py', import.meta.url));
const PASSWORD = 'correct horse 7!';
const HELLO = { code: 0, stdout: Buffer.from('hello\n') };

describe.runIf(hasOpenSsh() && hasSshTools())('a target that takes a password', () => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-passwords-'));
  const [hostKey, right, wrong] = ['host', 'right', 'wrong'].map((name) => join(folder, name));
  const children: ChildProcess[] = [];
  let gateway: SshGateway;
  beforeAll(async () => {
    makeSshKey(hostKey!);
    writeFileSync(right!, `${PASSWORD}\n`, { mode: 0o600 });
    writeFileSync(wrong!, 'incorrect horse\n', { mode: 0o600 });
    const line = readFileSync(`${hostKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    const methods = ['password', 'keyboard-interactive'] as const;
    const ports = await Promise.all(methods.map(startServer));
    gateway = await SshGateway.start({
      targets: () =>
        methods
          .flatMap((method, i) => {
            const place = `protocol: ssh, address: "127.0.0.1:${ports[i]}", hostKeys: ["${line}"]`;
            const target = (file: string): string =>
              `{ ${place}, logins: { operator: { passwordFile: "${file}" } } }`;
            return [`  ${method}: ${target(right!)}`, `  ${method}-wrong: ${target(wrong!)}`];
          })
          .join('\n'),
    });
  }, 60_000);
  afterAll(async () => {
    for (const child of children) child.kill();
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Resolves with its port. */
  function startServer(method: string): Promise<number> {
    const child = spawn(sshTool('python'), [SERVER, hostKey!, PASSWORD, method], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return new Promise((resolve, reject) => {
      child.stdout.once('data', (said: Buffer) => resolve(Number(said)));
      child.once('close', () => reject(new Error('the server ended')));
    });
  }

  it.each(['password', 'keyboard-interactive'])('is logged in to by %s', async (target) => {
    const before = (await gateway.sessions()).length;
    expect(await gateway.ssh(['echo', 'hello'], { user: target })).toMatchObject(HELLO);
    const { id } = await gateway.lastSession(before);
    const said = Buffer.concat((await gateway.frames(id)).map(({ payload }) => Buffer.from(payload)));
    expect(said.includes(PASSWORD)).toBe(false);
    expect(said.includes('hello')).toBe(true);
  });

  it.each(['password', 'keyboard-interactive'])('says so where its %s is another', async (method) => {
    const { code, stderr } = await gateway.ssh(['true'], { user: `${method}-wrong` });
    expect(code).toBe(255);
    expect(stderr).toContain("the target did not take the gateway's password");
    expect(stderr).not.toContain('horse');
    const logged = await eventually('a refusal', () =>
      gateway.said.find((line) => line.event === 'refused' && line['target'] === `${method}-wrong`),
    );
    expect(JSON.stringify(logged)).not.toContain('horse');
  });
});
