import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/clients.ts';
import { answerJson } from '#test/support/issuer.ts';
import { type Ran, runProgram, SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { makeSshKey } from '#test/support/sshd.ts';

const HELLO = { code: 0, stdout: Buffer.from('hello\n') };

describe.runIf(hasOpenSsh())('the way in by SSH', () => {
  let gateway: SshGateway;
  beforeAll(async () => {
    gateway = await SshGateway.start({
      args: ['--login-ms', '3000'],
      rules: '  - { name: nobody-there, groups: [nobody], targets: [web], allow: [connect] }',
    });
  });
  afterAll(() => gateway?.stop());

  /** A key of nobody's, in a folder of its own. */
  function newKey(type?: string): string {
    const file = join(mkdtempSync(join(gateway.folder, 'key-')), 'id');
    makeSshKey(file, type);
    return file;
  }

  /** `ssh` that shows this key, and its certificate where there is one, and nothing else. */
  function withKey(file: string, options: readonly string[] = []): Promise<Ran> {
    const only = ['-o', 'PreferredAuthentications=publickey', '-o', 'IdentitiesOnly=yes', '-i', file];
    return gateway.ssh(['echo', 'hello'], { options: [...only, ...options] });
  }

  it('lets OpenSSH in with a token as the password, and records who it was, without the token', async () => {
    const before = (await gateway.sessions()).length;
    expect(await gateway.ssh(['echo', 'hello'])).toMatchObject(HELLO);
    const session = await gateway.lastSession(before);
    expect(session).toMatchObject({ principal: { subject: 'dana' }, target: 'web', protocol: 'ssh' });
    expect((await gateway.verify(session.id)).findings.map(({ code }) => code)).toEqual([]);
    const said = await gateway.messages(session.id, 'client');
    const password = said.find((message) => message[0] === 50 && message.includes('password'))!;
    expect(password.subarray(password.indexOf('password') + 8).every((byte) => byte === 0)).toBe(true);
    expect(Buffer.concat(said).includes('eyJ')).toBe(false);
    expect(await gateway.notes(session.id)).toContainEqual(
      expect.objectContaining({ note: 'ssh-login', by: 'token', user: `${gateway.sshd.login}+web` }),
    );
  });

  it.each(['LOGIN+web', 'LOGIN@web', 'web'])('takes the user name %s', async (user) => {
    const name = user.replace('LOGIN', gateway.sshd.login);
    expect(await gateway.ssh(['echo', 'hello'], { user: name })).toMatchObject(HELLO);
  });

  it('says what is wrong and what to do next, to a person and in the end of the connection', async () => {
    const { code, stderr } = await gateway.ssh(['true'], { token: 'nonsense' });
    expect(code).toBe(255);
    expect(stderr).toMatch(/^custody: the token/m);
    expect(stderr).toMatch(/Received disconnect from .*the token/);
  });

  it('security case 14: a target that is not there is refused as one that may not be entered', async () => {
    const token = await gateway.token({ groups: ['others'] });
    const refusals = await Promise.all(
      ['web', 'wob'].map((target) => gateway.ssh(['true'], { user: `root+${target}`, token })),
    );
    const [known, unknown] = refusals.map(({ stderr }) => stderr.replaceAll(/w[eo]b/g, 'TARGET'));
    expect(known).toContain('custody: ');
    expect(known).toBe(unknown);
  });

  it('refuses a login that the target does not have, once it is known who asks', async () => {
    const { code, stderr } = await gateway.ssh(['true'], { user: 'nobody+web' });
    expect(code).toBe(255);
    expect(stderr).toMatch(/custody: .*nobody/);
  });

  it('says how to name a target to whoever names none', async () => {
    const { stderr } = await gateway.ssh(['true'], { user: 'root+' });
    expect(stderr).toContain('ssh deploy+web-1@GATEWAY');
  });

  it('security case 3: a key alone lets nobody in, whoever it is of', async () => {
    expect(await withKey(newKey())).toMatchObject({ code: 255, stdout: Buffer.alloc(0) });
    expect(await withKey(gateway.sshd.keyFile)).toMatchObject({ code: 255, stdout: Buffer.alloc(0) });
  });

  it.each(['ed25519', 'ecdsa', 'rsa'])('lets a certificate of an %s key in', async (type) => {
    const [file, before] = [newKey(type), (await gateway.sessions()).length];
    await gateway.certify(file);
    expect(await withKey(file)).toMatchObject(HELLO);
    const session = await gateway.lastSession(before);
    expect(session.principal.subject).toBe('dana');
    expect(await gateway.notes(session.id)).toContainEqual(
      expect.objectContaining({ note: 'ssh-login', by: 'certificate' }),
    );
  });

  it('security case 1: no certificate passes that another CA signed, whatever else it says', async () => {
    const [file, ca] = [newKey(), newKey()];
    await gateway.certify(file);
    const names = ['-I', 'dana', '-n', 'custody', '-V', '+1h', `${file}.pub`];
    await runProgram('ssh-keygen', ['-q', '-s', ca, ...names]);
    const { code, stderr } = await withKey(file);
    expect(code).toBe(255);
    expect(stderr).toContain('signed by a CA that is not known here');
  });

  it('security case 1: a certificate from an address that it is not for is refused', async () => {
    const file = newKey();
    await gateway.certify(file, { sourceAddress: '192.0.2.0/24' });
    const { code, stderr } = await withKey(file);
    expect(code).toBe(255);
    expect(stderr).toContain('not good from the address 127.0.0.1');
  });

  it('security case 2: a certificate whose key the client does not have lets nobody in', async () => {
    const [mine, theirs] = [newKey(), newKey()];
    await gateway.certify(theirs);
    const ran = await withKey(mine, ['-o', `CertificateFile=${theirs}-cert.pub`]);
    expect(ran).toMatchObject({ code: 255, stdout: Buffer.alloc(0) });
  });

  describe('with a login confirmed in a browser', () => {
    let answer: () => Promise<{ readonly status: number; readonly body: object }>;
    beforeAll(() => {
      const { issuer } = gateway;
      issuer.answers.set('/.well-known/openid-configuration', (_, response) =>
        answerJson(response, {
          issuer: issuer.url,
          jwks_uri: `${issuer.url}/jwks`,
          token_endpoint: `${issuer.url}/token`,
          device_authorization_endpoint: `${issuer.url}/device`,
        }),
      );
      issuer.answers.set('/device', (_, response) =>
        answerJson(response, {
          device_code: 'd',
          user_code: 'ABCD-EFGH',
          verification_uri: `${issuer.url}/here`,
          expires_in: 60,
          interval: 0.8,
        }),
      );
      issuer.answers.set('/token', (_, response) => {
        void answer().then(({ status, body }) =>
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
        );
      });
    });
    const browser = ['-o', 'PreferredAuthentications=keyboard-interactive,password'];

    it('shows the address and the code, waits longer than a login may take, and lets them in', async () => {
      let asked = 0;
      answer = async () => {
        asked += 1;
        if (asked < 3) return { status: 400, body: { error: 'authorization_pending' } };
        return {
          status: 200,
          body: { id_token: await gateway.token(), access_token: 'a', token_type: 'Bearer' },
        };
      };
      const ran = await gateway.ssh(['echo', 'hello'], { options: browser });
      expect(ran).toMatchObject(HELLO);
      expect(ran.stderr).toContain(`${gateway.issuer.url}/here`);
      expect(ran.stderr).toContain('ABCD-EFGH');
    });

    it('says so when they refuse', async () => {
      answer = async () => ({ status: 400, body: { error: 'access_denied' } });
      const { code, stderr } = await gateway.ssh(['true'], { options: browser });
      expect(code).toBe(255);
      expect(stderr).toContain('refused in the browser');
    });

    it('goes on to the password where the issuer does not know such logins', async () => {
      gateway.issuer.answers.set('/device', (_, response) =>
        response
          .writeHead(400, { 'content-type': 'application/json' })
          .end('{"error":"unauthorized_client"}'),
      );
      expect(await gateway.ssh(['echo', 'hello'], { options: browser })).toMatchObject(HELLO);
    });
  });

  /** All that the gateway says to these bytes, until it closes. */
  function answerTo(bytes: string | Uint8Array, ms = 10_000): Promise<{ said: Buffer; after: number }> {
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const socket = connect(gateway.port, '127.0.0.1', () => socket.write(bytes));
      const said: Buffer[] = [];
      const late = setTimeout(() => reject(new Error('the gateway does not close')), ms);
      socket.on('data', (chunk: Buffer) => said.push(chunk));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearTimeout(late);
        resolve({ said: Buffer.concat(said), after: performance.now() - began });
      });
    });
  }

  it('does not mind a look at the port, and says no to what is no SSH', async () => {
    const before = gateway.said.length;
    connect(gateway.port, '127.0.0.1').once('connect', function (this: { destroy(): void }) {
      this.destroy();
    });
    const { said } = await answerTo('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(said.toString('latin1')).toMatch(/^SSH-2\.0-Custody/);
    const logged = await eventually('a refusal', () => {
      const found = gateway.said.slice(before).filter(({ event }) => event === 'peer-refused');
      return found.length > 0 ? found : undefined;
    });
    expect(logged).toHaveLength(1);
    expect(gateway.said.slice(before).filter(({ event }) => event === 'session-error')).toEqual([]);
  });

  it('security case 16: a peer that says nothing, or a packet of any length, has to go', async () => {
    const silent = answerTo('SSH-2.0-slow\r\n');
    const huge = await answerTo(Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), Buffer.alloc(8, 0xff)]));
    expect(huge.after).toBeLessThan(2_000);
    expect((await silent).after).toBeLessThan(8_000);
    expect(await gateway.ssh(['echo', 'hello'])).toMatchObject(HELLO);
  });
});
