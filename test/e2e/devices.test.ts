import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reconfigure } from '#test/support/access-story.ts';
import { eventually, hasClient, libpqEnvironment, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { sessions } from '#test/support/recorded.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const WITHIN_MS = 5_000;

describe.skipIf(!hasClient('psql') || !hasOpenSsh())('a rule for registered devices, with psql', () => {
  let local: LocalGateway;
  let token: string;
  const folder = mkdtempSync(join(tmpdir(), 'custody-device-'));
  beforeAll(async () => {
    local = await startLocalGateway();
    token = await local.token('developer');
    await reconfigure(local, (text) =>
      text.replace(/name: developers-work\n/, '$&    when: { device: registered }\n'),
    );
  });
  afterAll(async () => {
    await local?.stop();
    rmSync(folder, { recursive: true });
  });

  /** A key that OpenSSH signs with and libpq shows, in a certificate that signs itself. */
  function keyOf(name: string) {
    const run = (program: string, args: readonly string[], input?: string) =>
      execFileSync(program, args, {
        cwd: folder,
        encoding: 'utf8',
        stdio: 'pipe',
        ...(input === undefined ? {} : { input }),
      });
    run('ssh-keygen', ['-q', '-t', 'ecdsa', '-m', 'PEM', '-N', '', '-f', name]);
    run('openssl', [
      'req',
      '-x509',
      '-new',
      '-key',
      name,
      '-subj',
      `/CN=${name}`,
      '-days',
      '1',
      '-out',
      `${name}.crt`,
    ]);
    return {
      publicKey: readFileSync(join(folder, `${name}.pub`), 'utf8'),
      sign: (text: string) =>
        run('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'custody-device', '-f', name], text),
      env: { PGSSLCERT: join(folder, `${name}.crt`), PGSSLKEY: join(folder, name) },
    };
  }

  async function post(path: string, body: unknown = {}, as = token) {
    const headers = { authorization: `Bearer ${as}`, 'content-type': 'application/json' };
    const url = `${local.addresses.api}/v1/devices${path}`;
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, unknown>;
  }

  async function register({ publicKey, sign }: ReturnType<typeof keyOf>, as = token): Promise<string> {
    const challenge = (await post('/challenge', {}, as))['challenge'] as string;
    const device = await post('', { name: 'notebook', publicKey, challenge, signature: sign(challenge) }, as);
    expect(device).toMatchObject({ state: 'registered' });
    return Buffer.from((device['id'] as string).slice(7), 'base64').toString('hex');
  }

  const psql = (sql: string, env: Readonly<Record<string, string>> = {}) =>
    startClient('psql', ['-XAtq', '-c', sql], { ...libpqEnvironment(local, token), ...env });

  it('security cases 2 and 3: a stolen token alone, or with a key that is not theirs, opens nothing; with the device it does', async () => {
    const [own, stranger, others] = [keyOf('own'), keyOf('stranger'), keyOf('others')];
    await register(own);
    await register(others, await local.token('reviewer'));
    for (const env of [{}, stranger.env, others.env]) {
      const { stderr, code } = await psql('select 1', env).done;
      expect([code, stderr]).toEqual([2, expect.stringContaining('key of a registered device of yours')]);
    }
    expect(await psql('select 1', own.env).done).toMatchObject({ code: 0, stdout: '1\n' });
  });

  it('security case 12: the session ends within 5 s when its device is revoked, and no other begins', async () => {
    const key = keyOf('lost');
    const id = await register(key);
    const before = new Set((await sessions(local)).map((one) => one.id));
    const client = psql('select pg_sleep(60)', key.env);
    await eventually('a session to begin', async () =>
      (await sessions(local)).find((one) => !before.has(one.id)),
    );
    const start = performance.now();
    expect(await post(`/${id}/revoke`)).toMatchObject({ state: 'revoked' });
    const { stderr, code } = await client.done;
    const took = performance.now() - start;
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('FATAL:  the key of this device was revoked'),
    ]);
    expect(took).toBeLessThan(WITHIN_MS);
    process.stderr.write(`from the revocation to FATAL: ${Math.round(took)} ms\n`);
    const again = await psql('select 1', key.env).done;
    expect([again.code, again.stderr]).toEqual([
      2,
      expect.stringContaining('the key of this device was revoked'),
    ]);
  });
});
