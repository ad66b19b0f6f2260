import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfigFile } from '#adapters/local/config-file.ts';
import { localLogouts } from '#adapters/local/logouts.ts';
import { userCa } from '#adapters/local/ssh/cas.ts';
import { type CertificateWish, issueCertificate } from '#core/access/ssh-certificates/issue.ts';
import { revocationMark } from '#core/access/ssh-certificates/revocation.ts';
import { formatKeyLine, parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { Keygen } from '#test/core/protocols/ssh/keys/keygen.ts';
import { eventually } from '#test/support/clients.ts';
import { runProgram, SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

describe.runIf(hasOpenSsh())('ssh with a certificate', () => {
  const keygen = new Keygen();
  const folder = mkdtempSync(join(tmpdir(), 'custody-target-ca-'));
  const trusted = join(folder, 'ca.pub');
  let gateway: SshGateway;
  beforeAll(async () => {
    gateway = await SshGateway.start({
      sshd: { lines: [`TrustedUserCAKeys ${trusted}`, 'LogLevel VERBOSE'] },
      targets: ({ port, login, hostKey }) =>
        `  by-ca: { protocol: ssh, address: "127.0.0.1:${port}", hostKeys: ["${hostKey}"], logins: { ${login}: { certificate: true } } }`,
      rules:
        '  - { name: short, groups: [oncall], targets: [web], allow: [connect], session: { endsWithToken: true } }',
    });
    copyFileSync(join(gateway.dataDir, 'ssh', 'target-ca.pub'), trusted);
    keygen.key('id', 'ed25519');
    keygen.key('other', 'ed25519');
  });
  afterAll(async () => {
    await gateway?.stop();
    keygen.end();
    rmSync(folder, { recursive: true });
  });

  /** As the API makes one, for somebody of `group`. */
  async function certify(name: string, wish: Partial<CertificateWish> = {}, group = 'developers') {
    const policy = parseConfigFile(join(gateway.dataDir, 'custody.yaml'));
    const now = new Date();
    const { issuer, name: issuerName } = policy.issuers[0]!;
    const principal = {
      issuer,
      issuerName,
      subject: 'dana',
      groups: [group],
      issuedAt: now,
      expiresAt: new Date(now.getTime() + 3_600_000),
    };
    const key = parsePublicKeyLine(keygen.read('id.pub'));
    const serial = BigInt(Math.floor(Math.random() * 2 ** 48));
    const made = await issueCertificate(
      { key, ...wish },
      principal,
      { policy, now, serial },
      userCa(gateway.dataDir),
    );
    writeFileSync(keygen.path(name), `${formatKeyLine(made.certificate)}\n`);
    return made.issued;
  }

  function ssh(certificate: string, command: readonly string[], { key = 'id', target = 'web' } = {}) {
    const known = [
      '-F',
      'none',
      '-o',
      `UserKnownHostsFile=${gateway.knownHosts}`,
      '-o',
      'StrictHostKeyChecking=yes',
    ];
    const shown = [
      '-o',
      'IdentityAgent=none',
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      'BatchMode=yes',
      '-i',
      keygen.path(key),
    ];
    const where = [
      '-p',
      String(gateway.port),
      '-l',
      `${gateway.sshd.login}+${target}`,
      '127.0.0.1',
      ...command,
    ];
    return runProgram('ssh', [
      ...known,
      ...shown,
      '-o',
      `CertificateFile=${keygen.path(certificate)}`,
      ...where,
    ]);
  }

  it('needs no token, and the session is the person’s', async () => {
    await certify('good');
    expect(await ssh('good', ['echo', 'in'])).toMatchObject({ code: 0, stdout: Buffer.from('in\n') });
    const { id, principal } = await gateway.lastSession();
    expect(principal).toMatchObject({ issuer: gateway.issuer.url, subject: 'dana' });
    expect((await gateway.verify(id)).verdict).toBe('verified');
  });

  it('is refused where it is from elsewhere, over, or for another target, in words', async () => {
    await certify('elsewhere', { sourceAddress: '192.0.2.0/24' });
    const elsewhere = await ssh('elsewhere', ['echo', 'in']);
    expect(elsewhere.code).toBe(255);
    expect(elsewhere.stderr).toContain('is not good from the address 127.0.0.1');
    await certify('target', { target: 'by-ca' });
    const another = await ssh('target', ['echo', 'in']);
    expect(another.code).toBe(255);
    expect(another.stderr).toContain('the SSH certificate is for another target');
  });

  it('without its key is nothing (security cases 2, 3)', async () => {
    await certify('stolen');
    const stolen = await ssh('stolen', ['echo', 'in'], { key: 'other' });
    expect(stolen).toMatchObject({ code: 255, stdout: Buffer.alloc(0) });
  });

  it('of another CA is refused (security case 1)', async () => {
    keygen.key('forger', 'ecdsa');
    keygen.certify('forger', 'id', '-n', 'custody', '-O', 'extension:identity@custody={"version":1}');
    expect(await ssh('id-cert.pub', ['echo', 'in'])).toMatchObject({ code: 255, stdout: Buffer.alloc(0) });
  });

  it('runs its one command, whatever is asked for', async () => {
    await certify('forced', { forceCommand: 'echo forced "$SSH_ORIGINAL_COMMAND"' });
    const ran = await ssh('forced', ['echo', 'mine']);
    expect(ran.stdout.toString()).toMatch(/^forced/);
    const { id } = await gateway.lastSession();
    expect((await gateway.notes(id)).map(({ note }) => note)).toContain('ssh-forced-command');
  });

  it('that is revoked ends its session, and opens none (security case 12)', async () => {
    const before = (await gateway.sessions()).length;
    const { serial } = await certify('revoked');
    const running = ssh('revoked', ['sleep', '60']);
    await eventually(
      'the session to run',
      async () => (await gateway.sessions()).length > before || undefined,
    );
    const logouts = localLogouts(gateway.dataDir);
    await logouts.take(revocationMark({ kind: 'serial', serial }, new Date()));
    logouts.close();
    const ended = await running;
    expect(ended.code).toBe(255);
    expect(ended.stderr).toContain('the SSH certificate was revoked');
    expect((await gateway.lastSession(before)).outcome?.reason).toBe('revoked');
    const again = await ssh('revoked', ['echo', 'in']);
    expect(again).toMatchObject({ code: 255, stdout: Buffer.alloc(0) });
  });

  it('that expires in mid-session ends it where the rule says so (security case 12)', async () => {
    await certify('short', { validMs: 4_000 }, 'oncall');
    const ended = await ssh('short', ['sleep', '60']);
    expect(ended.code).toBe(255);
    expect(ended.stderr).toContain('has expired');
    expect((await gateway.lastSession()).outcome?.reason).toBe('expired');
  });

  it('leads on to a target that trusts the CA for targets, which logs whose session it is', async () => {
    await certify('good');
    const ran = await ssh('good', ['echo', 'there'], { target: 'by-ca' });
    expect(ran).toMatchObject({ code: 0, stdout: Buffer.from('there\n') });
    const { id } = await gateway.lastSession();
    await expect.poll(gateway.sshd.log).toContain(`custody session ${id} of dana at by-ca`);
    expect(readFileSync(trusted, 'utf8')).toContain('custody target CA');
  });
});
