import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { sessionPrefix } from '#core/recording/layout.ts';
import { SoftwareAuthenticator } from '#test/support/software-authenticator.ts';
import { type Agent, startAgent, startTouchingAgent } from '#test/support/ssh-agents.ts';
import { keyOfFile, SshDesk } from '#test/support/ssh-desk.ts';
import { type Ran, SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { makeSshKey } from '#test/support/sshd.ts';

const HELLO = { code: 0, stdout: Buffer.from('hello\n') };
const EMPTY = Buffer.alloc(0);
const WITHIN_MS = 5_000;
const COLLEAGUE = { sub: 'eve', email: 'eve@example.com' };
const REVIEWER = { sub: 'rui', email: 'rui@example.com', groups: ['leads'] };

describe.runIf(hasOpenSsh())('devices and approvals, with real ssh', () => {
  let gateway: SshGateway;
  let desk: SshDesk;
  const agents: Agent[] = [];
  beforeAll(async () => {
    gateway = await SshGateway.start({
      rule: 'when: { device: registered }',
      targets: ({ port, hostKey, login, keyFile }) => {
        const place = `protocol: ssh, address: "127.0.0.1:${port}", hostKeys: ["${hostKey}"]`;
        const logins = `logins: { ${login}: { keyFile: "${keyFile}" } }`;
        const names = ['verified', 'touched', 'asked'];
        return names.map((name) => `  ${name}: { ${place}, ${logins} }`).join('\n');
      },
      rules: `
  - { name: with-a-pin, groups: [admins], targets: [verified], allow: [connect], when: { device: verified } }
  - { name: with-a-touch, groups: [admins], targets: [touched], allow: [connect], ssh: { touch: required } }
  - { name: by-approval, groups: [askers], targets: [asked], allow: [connect],
      approval: { reviewers: { any: [leads] }, maxDuration: 1h, reason: optional, wait: 30s } }`,
    });
    desk = new SshDesk(gateway);
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) await agent.stop();
  });
  afterAll(async () => {
    desk?.close();
    await gateway?.stop();
  });

  function newKey(): string {
    const file = join(mkdtempSync(join(gateway.folder, 'key-')), 'id');
    makeSshKey(file);
    return file;
  }

  const WITH_KEY = ['-o', 'PreferredAuthentications=publickey,password'];

  function keyAndToken(file: string): string[] {
    return [...WITH_KEY, '-o', 'IdentitiesOnly=yes', '-i', file];
  }

  function withKey(file: string): Promise<Ran> {
    return gateway.ssh(['echo', 'hello'], { options: keyAndToken(file) });
  }

  async function opened(id: string): Promise<Readonly<Record<string, unknown>>> {
    const bytes = await directoryStore(join(gateway.dataDir, 'store')).get(`${sessionPrefix(id)}open.json`);
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as never;
  }

  it('security case 3: a token alone opens nothing, and whoever has it reads what to do', async () => {
    const { code, stdout, stderr } = await gateway.ssh(['echo', 'hello']);
    expect({ code, stdout }).toEqual({ code: 255, stdout: EMPTY });
    expect(stderr).toContain('did not prove the key of a registered device of yours');
    expect(stderr).toContain('custody devices register');
  });

  it('lets a token in behind a registered key, and the open statement names device and proof', async () => {
    const [file, before] = [newKey(), (await gateway.sessions()).length];
    await desk.register(keyOfFile(file));
    expect(await withKey(file)).toMatchObject(HELLO);
    const { id } = await gateway.lastSession(before);
    const { fingerprint } = parsePublicKeyLine(keyOfFile(file).line);
    expect((await opened(id))['device']).toEqual({
      key: fingerprint,
      proof: 'ssh-key',
      name: 'notebook',
      attested: false,
    });
    expect((await gateway.verify(id)).findings.map(({ code }) => code)).toEqual([]);
  });

  it('security case 2: nobody comes in with a key that is not registered, is a colleague’s, or was revoked', async () => {
    const [unknown, others, revoked] = [newKey(), newKey(), newKey()];
    await desk.register(keyOfFile(others), COLLEAGUE);
    await desk.revoke(await desk.register(keyOfFile(revoked)));
    for (const file of [unknown, others, revoked]) {
      const { code, stdout, stderr } = await withKey(file);
      expect({ code, stdout }).toEqual({ code: 255, stdout: EMPTY });
      expect(stderr).toContain('did not prove the key of a registered device of yours');
    }
  });

  it('security case 12: a session ends within 5 s when its device is revoked, and says why', async () => {
    const [file, before] = [newKey(), (await gateway.sessions()).length];
    const device = await desk.register(keyOfFile(file));
    const where = ['-p', String(gateway.port), '-l', 'web', '127.0.0.1', 'echo hello; sleep 60'];
    const env = { ...process.env, ...(await gateway.askpass()) };
    const child = spawn('ssh', [...gateway.options(keyAndToken(file)), ...where], { env, stdio: 'pipe' });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const over = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
    await new Promise((data) => child.stdout.once('data', data));
    const start = performance.now();
    await desk.revoke(device);
    expect(await over).toBe(255);
    const took = performance.now() - start;
    expect(took).toBeLessThan(WITHIN_MS);
    expect(said).toContain('the key of this device was revoked');
    process.stderr.write(`from the revocation to the end: ${Math.round(took)} ms\n${said}`);
    expect((await gateway.lastSession(before)).outcome?.reason).toBe('revoked');
  });

  it.each(['ed25519', 'ecdsa'] as const)('wants the user verified where a rule does (%s)', async (kind) => {
    const authenticator = new SoftwareAuthenticator(kind);
    await desk.register(authenticator);
    const token = await gateway.token({ groups: ['admins'] });
    for (const [flags, code] of [
      [1, 255],
      [5, 0],
    ] as const) {
      const path = join(gateway.folder, `sk-${kind}-${flags}`);
      const agent = await startTouchingAgent(path, authenticator, flags);
      agents.push(agent);
      const options = [...WITH_KEY, '-o', `IdentityAgent=${agent.path}`];
      for (const user of ['verified', 'touched']) {
        const ran = await gateway.ssh(['echo', 'hello'], { user, options, token });
        const saw = { user, flags, code: ran.code, told: ran.stderr.includes('FIDO key') };
        expect(saw).toEqual({ user, flags, code, told: code !== 0 });
      }
    }
  });

  it('takes an agent with eight keys, of which the last is the registered one', async () => {
    const files = Array.from({ length: 8 }, newKey);
    await desk.register(keyOfFile(files.at(-1)!));
    const agent = await startAgent(join(gateway.folder, 'agent'), files);
    agents.push(agent);
    const options = [...WITH_KEY, '-o', `IdentityAgent=${agent.path}`];
    expect(await gateway.ssh(['echo', 'hello'], { options })).toMatchObject(HELLO);
  });

  it('security case 16: nobody offers keys without end', async () => {
    const files = Array.from({ length: 40 }, newKey);
    const agent = await startAgent(join(gateway.folder, 'large-agent'), files);
    agents.push(agent);
    const { code, stderr } = await gateway.ssh(['true'], {
      options: [...WITH_KEY, '-o', `IdentityAgent=${agent.path}`],
    });
    expect(code).toBe(255);
    expect(stderr).toContain('too many attempts to log in');
  });

  describe('a rule with a wait for reviewers', () => {
    const asker = { groups: ['askers'] };
    const echo = async () =>
      gateway.ssh(['echo', 'hello'], { user: 'asked', token: await gateway.token(asker) });

    it('tells whoever waits what for, and goes on when a reviewer approves', async () => {
      const ran = echo();
      const id = await desk.decide('approved', REVIEWER);
      const { code, stdout, stderr } = await ran;
      expect({ code, stdout, stderr }).toEqual({ ...HELLO, stderr: expect.any(String) });
      expect(stderr).toContain(`access to "asked" needs an approval: request ${id} waits for reviewers`);
      expect(stderr).toContain(`custody approve ${id}`);
    });

    it('says so when a reviewer denies', async () => {
      const ran = gateway.ssh(['echo', 'hello'], {
        user: 'asked',
        token: await gateway.token({ ...asker, ...COLLEAGUE }),
      });
      const id = await desk.decide('denied', REVIEWER);
      const { code, stderr } = await ran;
      expect(code).toBe(255);
      expect(stderr).toContain(`the request ${id} was denied`);
    });
  });
});
