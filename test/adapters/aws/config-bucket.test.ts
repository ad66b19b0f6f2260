import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ConfigBucket } from '#adapters/aws/config-bucket.ts';
import { gatewayCa } from '#adapters/aws/gateway-ca.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

const file = (credential: string, tls = 'caFile: ca.pem', more = ''): string => `version: 1
identity: { issuer: 'https://id.example', audience: custody }
targets:
  orders-db:
    protocol: postgres
    address: db.internal:5432
    database: orders
    credential: { user: app, ${credential} }
    tls: { mode: verify-full, ${tls} }
${more}`;

describe.runIf(hasMoto())('the configuration in its bucket', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  async function stand(objects: Readonly<Record<string, string>>) {
    const bucket = await moto.bucket();
    const folder = mkdtempSync(join(tmpdir(), 'custody-config-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const put = async (Key: string, Body: string): Promise<void> =>
      void (await moto.clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body })));
    for (const [key, text] of Object.entries(objects)) await put(key, text);
    const config = new ConfigBucket({ s3: moto.clients.s3, bucket, key: 'live/custody.yaml', folder });
    return { config, put, place: { s3: moto.clients.s3, bucket, key: 'live/custody.yaml' } };
  }

  it('is read with the certificates beside it, and read again when it changes', async () => {
    const { config, put } = await stand({
      'live/custody.yaml': file('secret: orders'),
      'live/ca.pem': 'a certificate',
    });
    const first = await config.read();
    const { tls } = first.config.targets.get('orders-db') as PostgresTarget;
    expect(readFileSync((tls as { caFile: string }).caFile, 'utf8')).toBe('a certificate');
    expect(await config.read()).toBe(first);
    await put('live/custody.yaml', file('rdsIam: true'));
    const second = await config.read();
    expect((second.config.targets.get('orders-db') as PostgresTarget).credential).toMatchObject({
      rdsIam: true,
    });
    expect(second.config.version).not.toBe(first.config.version);
  });

  it('has the keys of issuers beside it, each change of which is taken without one of its own', async () => {
    const text = file('secret: orders').replace(
      'audience: custody',
      'audience: custody, jwksFile: keys.json',
    );
    const { config, put } = await stand({
      ...{ 'live/custody.yaml': text, 'live/ca.pem': 'x', 'live/keys.json': '{"keys":[1]}' },
    });
    const [issuer] = (await config.read()).config.issuers;
    const read = (): string => readFileSync(issuer!.jwksFile!, 'utf8');
    expect(read()).toBe('{"keys":[1]}');
    await put('live/keys.json', '{"keys":[2]}');
    expect((await config.read()).config.issuers[0]).toBe(issuer);
    expect(read()).toBe('{"keys":[2]}');
    const changed = statSync(issuer!.jwksFile!).ino;
    await config.read();
    expect(statSync(issuer!.jwksFile!).ino).toBe(changed);
    await put('live/keys.json', 'x'.repeat((256 << 10) + 1));
    await expect(config.read()).rejects.toMatchObject({ code: 'config-invalid' });
    expect(read()).toBe('{"keys":[2]}');
  });

  it("has the CA of the gateway's certificate beside it, or none", async () => {
    const { put, place } = await stand({ 'gateway-ca.pem': 'not this one' });
    expect(await gatewayCa(place)).toEqual({});
    await put('live/gateway-ca.pem', 'a CA');
    expect(await gatewayCa(place)).toEqual({ caPem: 'a CA' });
    await put('live/gateway-ca.pem', 'x'.repeat((64 << 10) + 1));
    await expect(gatewayCa(place)).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(gatewayCa({ ...place, bucket: 'no-such-bucket' })).rejects.toMatchObject({
      code: 'store-unavailable',
    });
  });

  it.each([
    ['a password in a file', file('passwordFile: p'), 'the target "orders-db" has its secret in a file'],
    [
      'two credentials',
      file('secret: a, rdsIam: true'),
      'expected one of passwordFile, secret, rdsIam: true',
    ],
    [
      'a secret of a webhook in a file',
      file(
        'secret: a',
        'caFile: ca.pem',
        'webhooks: [{ name: w, url: "https://w.example/", secretFile: s }]\n',
      ),
      'the webhook "w" has its secret in a file',
    ],
    [
      "a directory's secret in a file",
      file('secret: a').replace(
        'audience: custody }',
        'audience: custody, directory: { kind: google, admin: a@b.example, secretFile: s } }',
      ),
      'the directory of groups of "default" has its secret in a file',
    ],
    [
      "a directory's own secret in a file",
      file('secret: a').replace('audience: custody', 'audience: custody, scim: { tokenFile: s }'),
      'the directory of "default" has its secret in a file',
    ],
    ['a certificate that is not there', file('secret: a', 'caFile: none.pem'), 'none.pem is not there'],
    [
      'keys that are not there',
      file('secret: a').replace('audience: custody', 'audience: custody, jwksFile: none.json'),
      'none.json is not there',
    ],
    ['something else', 'version: 2', 's3://'],
  ])('with %s is refused', async (_what, text, why) => {
    const { config } = await stand({ 'live/custody.yaml': text, 'live/ca.pem': 'x' });
    await expect(config.read()).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining(why) as string,
    });
  });

  it('that is not there says what to do', async () => {
    const { config } = await stand({});
    await expect(config.read()).rejects.toMatchObject({
      code: 'config-invalid',
      hint: expect.stringContaining('deploy') as string,
    });
  });
});
