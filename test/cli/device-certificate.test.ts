import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { deviceOf } from '#proxy/wire/tls-device.ts';
import { selfSigned } from '#test/support/self-signed.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { sshApi } from './ssh/support.ts';
import { custody, temporary } from './support.ts';

const ORDERS = { name: 'orders-db', protocol: 'postgres', host: '127.0.0.1', port: 7432, database: 'orders' };

async function gateway() {
  const made = await sshApi();
  made.api.answers.set('/v1/targets', { targets: [ORDERS] });
  return made;
}

function keyOf(type: string, passphrase = ''): string {
  const file = join(temporary(), 'id');
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-f', file]);
  return file;
}

async function variables(env: Record<string, string>): Promise<Record<string, string>> {
  const ran = await custody(['env', 'orders-db', '--json'], { env });
  return JSON.parse(ran.stdout) as Record<string, string>;
}

/** What a listener of the gateway sees of a client with these files. */
async function proved(cert: string, key: string): Promise<ReturnType<typeof deviceOf>> {
  const server = createServer({
    ...(await selfSigned('gateway')),
    requestCert: true,
    rejectUnauthorized: false,
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const [[secure]] = await Promise.all([
    once(server, 'secureConnection') as Promise<[TLSSocket]>,
    new Promise<void>((done) => {
      const options = { cert: readFileSync(cert), key: readFileSync(key), rejectUnauthorized: false };
      const client = connect(port, '127.0.0.1', options, () => done());
      onTestFinished(() => void client.destroy());
    }),
  ]);
  return deviceOf(secure);
}

describe.skipIf(!hasOpenSsh())("the device's key for TLS", () => {
  test.each(['ed25519', 'ecdsa', 'rsa'])(
    'an %s key is the same device for a database as for ssh',
    async (type) => {
      const { env } = await gateway();
      const file = keyOf(type);
      await custody(['ssh-login', '--key', file], { env });
      const { PGSSLCERT: cert = '', PGSSLKEY: key = '' } = await variables(env);
      expect(statSync(key).mode & 0o777).toBe(0o600);
      const fingerprint = execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).split(' ')[1];
      expect((await proved(cert, key))?.key).toBe(fingerprint);
      const before = readFileSync(cert, 'utf8');
      await variables(env);
      expect(readFileSync(cert, 'utf8')).toBe(before);
    },
  );

  test('is none where there is no key, where it has a passphrase, and where the person has another', async () => {
    const { env } = await gateway();
    expect(await variables(env)).not.toHaveProperty('PGSSLCERT');
    await custody(['ssh-login', '--key', keyOf('ed25519', 'secret')], { env });
    expect(await variables(env)).not.toHaveProperty('PGSSLCERT');
    await custody(['ssh-login', '--new'], { env });
    expect(await variables({ ...env, PGSSLCERT: '/mine' })).not.toHaveProperty('PGSSLCERT');
    expect(await variables(env)).toHaveProperty('PGSSLCERT');
  });
});
