import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/clients.ts';
import { SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { freePort, makeSshKey, type Sshd, startSshd } from '#test/support/sshd.ts';

const HELLO = { code: 0, stdout: Buffer.from('hello\n') };

describe.runIf(hasOpenSsh())('the way to an SSH target', () => {
  let folder: string;
  let gateway: SshGateway;
  let old: Sshd;
  let six: Sshd;
  let certified: Sshd;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'custody-dial-'));
    chmodSync(folder, 0o711);
    const place = (name: string): string => join(folder, name);
    old = await startSshd(place('old'), {
      lines: [
        'KexAlgorithms diffie-hellman-group14-sha256',
        'Ciphers aes128-ctr',
        'MACs hmac-sha2-256',
        'HostKeyAlgorithms rsa-sha2-512',
      ],
      hostKeyType: 'rsa',
    });
    six = await startSshd(place('six'), { host: '::1' });
    makeSshKey(place('host-ca'));
    certified = await startSshd(place('certified'), {
      lines: [`TrustedUserCAKeys ${place('target-ca.pub')}`, 'AuthorizedKeysFile none', 'LogLevel VERBOSE'],
      certified: { ca: place('host-ca'), names: '*.internal' },
    });
    gateway = await SshGateway.start({ targets: targetsOf });
    copyFileSync(join(gateway.dataDir, 'ssh', 'target-ca.pub'), place('target-ca.pub'));
  });
  afterAll(async () => {
    await Promise.all([old, six, certified].map((one) => one?.stop()));
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The lines of targets, as custody.yaml has them. */
  function targetsOf(web: Sshd): string {
    const ca = readFileSync(join(folder, 'host-ca.pub'), 'utf8').trim();
    const login = (one: Sshd): string => `logins: { ${one.login}: { keyFile: "${one.keyFile}" } }`;
    const hostKey = (one: Sshd): string => `hostKeys: ["${one.hostKey}"]`;
    const at = (port: number, host = '127.0.0.1'): string => `protocol: ssh, address: "${host}:${port}"`;
    const lines = {
      old: `${at(old.port)}, ${hostKey(old)}, ${login(old)}`,
      'old-allowed': `${at(old.port)}, ${hostKey(old)}, ${login(old)}, older: [dh-group14-sha256, aes-ctr, hmac-sha2]`,
      six: `${at(six.port, '[::1]')}, ${hostKey(six)}, ${login(six)}`,
      'other-key': `${at(web.port)}, ${hostKey(six)}, ${login(web)}`,
      'wrong-login': `${at(web.port)}, ${hostKey(web)}, ${login(six)}`,
      'by-ca': `${at(certified.port)}, hostCa: { keys: ["${ca}"], names: [db.internal] }, logins: { ${certified.login}: { certificate: true } }`,
      'by-other-name': `${at(certified.port)}, hostCa: { keys: ["${ca}"] }, logins: { ${certified.login}: { certificate: true } }`,
      nobody: `${at(1)}, ${hostKey(web)}, ${login(web)}`,
    };
    return Object.entries(lines)
      .map(([name, target]) => `  ${name}: { ${target} }`)
      .join('\n');
  }

  function hello(target: string) {
    return gateway.ssh(['echo', 'hello'], { user: target });
  }

  /** What the operator's log says of the newest session to this target that was refused. */
  function logged(target: string): Promise<string> {
    return eventually(`a refusal for ${target}`, () => {
      const found = gateway.said.findLast((line) => line.event === 'refused' && line['target'] === target);
      return found === undefined ? undefined : String(found['detail']);
    });
  }

  it('is over IPv6 where the address is one', async () => {
    expect(await hello('six')).toMatchObject(HELLO);
  });

  it('takes older algorithms where the target says so, and nowhere else', async () => {
    expect(await hello('old-allowed')).toMatchObject(HELLO);
    const { code, stderr } = await hello('old');
    expect(code).toBe(255);
    expect(stderr).toContain('the target "old" cannot be reached');
    expect(await logged('old')).toMatch(/no cipher in common.*older/);
  });

  it('security cases 10 and 17: a target with another host key is sent nothing, and nobody is let through', async () => {
    const before = gateway.sshd.log();
    const { code, stdout, stderr } = await hello('other-key');
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 255, stdout: '' });
    expect(stderr).toContain('what answers for the target "other-key" is not known');
    expect(stderr).not.toContain('SHA256:');
    const detail = await logged('other-key');
    expect(detail).toContain(gateway.sshd.hostKey);
    expect(detail).toMatch(/it has the key SHA256:.* where custody.yaml has SHA256:/);
    expect(gateway.sshd.log().slice(before.length)).not.toMatch(/Accepted|Failed/);
  });

  it('security case 10: a target is known by a CA of hosts, for the names that the configuration gives', async () => {
    expect(await hello('by-ca')).toMatchObject(HELLO);
    const { code } = await hello('by-other-name');
    expect(code).toBe(255);
    expect(await logged('by-other-name')).toContain('is not for 127.0.0.1');
  });

  it('logs in with a certificate made for the session, which says in the log of the target whose it is', async () => {
    const before = (await gateway.sessions()).length;
    await hello('by-ca');
    const { id } = await gateway.lastSession(before);
    expect(certified.log()).toContain(`custody session ${id} of`);
  });

  it('says to the client that the target took the login for none, and leaves no session open', async () => {
    const before = (await gateway.sessions()).length;
    const { code, stderr } = await hello('wrong-login');
    expect(code).toBe(255);
    expect(stderr).toContain("did not take the gateway's key");
    expect((await gateway.lastSession(before)).outcome?.reason).toBe('target-refused');
  });

  it('says that a target is down', async () => {
    const { code, stderr } = await hello('nobody');
    expect(code).toBe(255);
    expect(stderr).toContain('the target "nobody" cannot be reached');
  });

  it('security case 9: the user name chooses none but a target of the configuration', async () => {
    const port = await freePort();
    const names = [`root+127.0.0.1:${port}`, 'root+169.254.169.254', `web@[::1]:${six.port}`, 'web+../six'];
    for (const user of names) {
      const { code, stderr } = await gateway.ssh(['true'], { user });
      expect(code).toBe(255);
      expect(stderr).toMatch(/^custody: /m);
    }
  });
});
