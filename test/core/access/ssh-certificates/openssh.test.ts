/** Certificates of ours, read and taken by OpenSSH. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type TargetCredential,
  targetCertificate,
} from '#core/access/ssh-certificates/target-certificate.ts';
import { caKeyOf } from '#core/protocols/ssh/keys/certificate-make.ts';
import { formatKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { SshWriter } from '#core/protocols/ssh/wire.ts';
import { Keygen } from '#test/core/protocols/ssh/keys/keygen.ts';
import { memorySigner } from '#test/support/memory-ports.ts';
import { hasOpenSsh, SSHD } from '#test/support/ssh-tools.ts';
import { DANA, issue, later } from './support.ts';

describe.runIf(hasOpenSsh())('OpenSSH', () => {
  const keygen = new Keygen();
  const ca = memorySigner();
  const user = userInfo().username;
  let sshd: ChildProcess;
  let port = 0;

  beforeAll(async () => {
    mkdirSync('/run/sshd', { recursive: true });
    keygen.key('host', 'ed25519');
    writeFileSync(keygen.path('ca.pub'), `${formatKeyLine(caKeyOf(ca.der).blob)}\n`);
    port = await freePort();
    const options = [
      'PidFile=none',
      `TrustedUserCAKeys=${keygen.path('ca.pub')}`,
      'LogLevel=VERBOSE',
      'StrictModes=no',
    ];
    const args = ['-D', '-e', '-f', '/dev/null', '-p', String(port), '-h', keygen.path('host')];
    sshd = spawn(SSHD, [...args, ...options.flatMap((one) => ['-o', one])], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    sshd.stderr!.setEncoding('utf8').on('data', (text: string) => (log += text));
    await once(sshd.stderr!, 'data');
  });
  let log = '';
  afterAll(() => {
    sshd.kill();
    keygen.end();
  });

  it('reads what a certificate for a person says', async () => {
    const wish = { forceCommand: 'uptime', sourceAddress: '10.0.0.0/8', validMs: 600_000 };
    const { certificate } = await issue(wish, { serial: 18446744073709551615n });
    writeFileSync(keygen.path('person-cert.pub'), `${formatKeyLine(certificate)}\n`);
    const said = keygen.run('-L', '-f', 'person-cert.pub').replaceAll(/ +/g, ' ');
    for (const line of [
      'Type: ssh-ed25519-cert-v01@openssh.com user certificate',
      'Key ID: "dana@example.com"',
      'Serial: 18446744073709551615',
      'force-command uptime',
      'source-address 10.0.0.0/8',
      'permit-pty',
      'identity@custody UNKNOWN OPTION',
    ])
      expect(said).toContain(line);
    expect(said).toMatch(/Principals: \n\s+custody\n/);
    expect(Date.parse(`${/to (\S+)/.exec(said)![1]}Z`)).toBe(later(600).getTime());
  });

  it('lets the gateway into a target by a certificate of the CA for targets, and writes whose session it is', async () => {
    const made = await credential({});
    expect(login(made)).toMatchObject({ status: 0, stdout: 'in\n' });
    await expect.poll(() => log).toContain('custody session s-1 of dana@example.com at web-1');
  });

  it.each([
    ['for another login', { login: 'somebody-else' }, ca],
    ['that is over', { now: new Date(Date.now() - 6 * 60_000) }, ca],
    ['of another CA, such as that for people', {}, memorySigner()],
  ])('lets nobody in by one %s', async (_, change, signer) => {
    expect(login(await credential(change, signer))).toMatchObject({ status: 255, stdout: '' });
  });

  function credential(change: { login?: string; now?: Date }, signer = ca): Promise<TargetCredential> {
    const whole = { login: user, target: 'web-1', session: 's-1', person: DANA, now: new Date() };
    return targetCertificate({ ...whole, ...change }, signer);
  }

  function login({ certificate, key }: TargetCredential) {
    writeFileSync(keygen.path('session'), openSshKey(key.key.export({ format: 'jwk' })), { mode: 0o600 });
    writeFileSync(keygen.path('session-cert.pub'), `${formatKeyLine(certificate)}\n`);
    const options = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'BatchMode=yes',
      'IdentitiesOnly=yes',
    ];
    const args = ['-F', '/dev/null', '-q', '-p', String(port), '-i', keygen.path('session')];
    const command = [...args, ...options.flatMap((one) => ['-o', one]), `${user}@127.0.0.1`, 'echo in'];
    return spawnSync('ssh', command, { encoding: 'utf8', env: { PATH: process.env['PATH'] } });
  }
});

/** OpenSSH's PROTOCOL.key, without a passphrase. */
function openSshKey({ x, d }: { readonly x?: string; readonly d?: string }): string {
  const [half, seed] = [x, d].map((part) => Buffer.from(part!, 'base64url')) as [Buffer, Buffer];
  const publicPart = new SshWriter().string('ssh-ed25519').string(half).done();
  const secret = new SshWriter()
    .uint32(7)
    .uint32(7)
    .raw(publicPart)
    .string(Buffer.concat([seed, half]))
    .string('')
    .done();
  const padding = Uint8Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, n) => n + 1);
  const file = new SshWriter()
    .raw(Buffer.from('openssh-key-v1\0'))
    .string('none')
    .string('none')
    .string('')
    .uint32(1)
    .string(publicPart)
    .string(Buffer.concat([secret, padding]))
    .done();
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${Buffer.from(file).toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
