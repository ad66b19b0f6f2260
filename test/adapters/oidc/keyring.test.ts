import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { parseConfigFile } from '#adapters/local/config-file.ts';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { Keyring } from '#adapters/oidc/keyring.ts';
import { type IssuerConfig, parseConfig } from '#core/access/config.ts';
import { DISCOVERY, JWKS, makeKey, signToken, startIssuer, type TestIssuer } from '#test/support/issuer.ts';

const MINUTE = 60_000;
const key = await makeKey('key-1');

let one: TestIssuer;
let other: TestIssuer;
let clock = 0;

beforeEach(async () => {
  clock = Date.now();
  [one, other] = await Promise.all([startIssuer(), startIssuer()]);
  one.keys = other.keys = [key.jwk];
});
afterEach(() => Promise.all([one.close(), other.close()]));

const text = (identity: string): string => `version: 1\nidentity: ${identity}\ntargets: {}\n`;
const issuersOf = (identity: string): readonly IssuerConfig[] =>
  parseConfig(text(identity), 'custody.yaml').issuers;

describe('the keys of all issuers', () => {
  const both = (more = ''): string => `
  - { name: one, issuer: '${one.url}', audience: custody, groupsPrefix: 'one:'${more} }
  - { name: other, issuer: '${other.url}', audience: custody }`;

  it('outlive a change of the configuration while an issuer is away', async () => {
    let issuers = issuersOf(both());
    const verifier = currentVerifier(() => issuers, new Keyring(() => clock));
    const token = await signToken(one, key);
    await verifier().verify(token);
    one.down = true;
    issuers = issuersOf(both(', leeway: 10s, keysLastFor: 2d'));
    expect(await verifier().verify(token)).toMatchObject({ issuerName: 'one', groups: ['one:developers'] });
  });

  it('are forgotten with their issuer', async () => {
    let issuers = issuersOf(both());
    const verifier = currentVerifier(() => issuers, new Keyring(() => clock));
    await verifier().verify(await signToken(one, key));
    issuers = issuersOf(`{ issuer: '${other.url}', audience: custody }`);
    await expect(verifier().verify(await signToken(one, key))).rejects.toMatchObject({
      code: 'token-invalid',
    });
    issuers = issuersOf(both());
    await verifier().verify(await signToken(one, key));
    expect(one.asked).toEqual([DISCOVERY, JWKS, DISCOVERY, JWKS]);
  });

  it('are fetched once for several entries of one issuer', async () => {
    const url = one.url;
    const issuers = issuersOf(`
  - { name: people, issuer: '${url}', audience: custody, match: { groups: developers } }
  - { name: ci, issuer: '${url}', audience: ci, kind: workload, match: { sub: '*' } }`);
    const verifier = currentVerifier(() => issuers, new Keyring(() => clock));
    await verifier().verify(await signToken(one, key));
    expect(await verifier().verify(await signToken(one, key, { aud: 'ci' }))).toMatchObject({
      issuerName: 'ci',
    });
    expect(one.asked).toEqual([DISCOVERY, JWKS]);
  });

  it('of one that hangs delay nobody of another (security case 16)', async () => {
    one.answers.set(DISCOVERY, () => undefined);
    const verifier = currentVerifier(() => issuersOf(both()), new Keyring(() => clock));
    const hanging = verifier().verify(await signToken(one, key));
    hanging.catch(() => undefined);
    const first = await Promise.race([
      hanging.catch(() => 'the one that hangs'),
      verifier()
        .verify(await signToken(other, key))
        .then(({ issuerName }) => issuerName),
    ]);
    expect(first).toBe('other');
  });

  it('tell which of them are away', async () => {
    const keyring = new Keyring(() => clock);
    currentVerifier(() => issuersOf(both()), keyring)();
    one.down = true;
    await keyring.refresh();
    clock += 10 * MINUTE;
    await keyring.refresh();
    expect(keyring.away()).toMatchObject([{ issuer: one.url, ms: 10 * MINUTE }]);
  });
});

describe('a verifier for the issuers of the moment', () => {
  it('looks at the file’s list once, however often somebody comes with junk, and at the next one again', async () => {
    let looked = 0;
    const listOf = (name: string): readonly IssuerConfig[] => {
      const list = issuersOf(`[{ name: ${name}, issuer: '${one.url}', audience: custody }]`);
      return Object.assign([...list], { toJSON: () => [(looked += 1), list] });
    };
    let issuers = listOf('before');
    const verifier = currentVerifier(() => issuers, new Keyring(() => clock));
    for (let n = 0; n < 5; n += 1)
      await expect(verifier().verify('x')).rejects.toMatchObject({ code: 'token-invalid' });
    expect(looked).toBe(1);
    issuers = listOf('after');
    expect(await verifier().verify(await signToken(one, key))).toMatchObject({ issuerName: 'after' });
    expect(looked).toBe(2);
  });
});

describe('keys in a file', () => {
  it('lie beside custody.yaml, and count within ten minutes when they change (security case 12)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'custody-keys-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const put = (keys: unknown): void => writeFileSync(join(folder, 'keys.json'), JSON.stringify({ keys }));
    put([key.jwk]);
    const file = join(folder, 'custody.yaml');
    writeFileSync(
      file,
      text("{ issuer: 'https://nowhere.example', audience: custody, jwksFile: keys.json }"),
    );
    const keyring = new Keyring(() => clock);
    const verifier = currentVerifier(() => parseConfigFile(file).issuers, keyring);
    const token = await signToken({ url: 'https://nowhere.example' }, key);
    expect(await verifier().verify(token)).toMatchObject({ subject: 'dana' });
    rmSync(join(folder, 'keys.json'));
    clock += 10 * MINUTE;
    expect(await verifier().verify(token)).toMatchObject({ subject: 'dana' });
    expect(keyring.away()).toMatchObject([{ why: expect.stringContaining('ENOENT') as string }]);
    put([(await makeKey('key-2')).jwk]);
    clock += 10 * MINUTE;
    await expect(verifier().verify(token)).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it.each([
    ['a pipe, which nobody writes into', (path: string) => execFileSync('mkfifo', [path])],
    ['a folder', (path: string) => mkdirSync(path)],
    ['a device', (path: string) => symlinkSync('/dev/zero', path)],
  ])('are not %s: nobody waits for it', async (_what, make) => {
    const folder = mkdtempSync(join(tmpdir(), 'custody-keys-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const jwksFile = join(folder, 'keys.json');
    make(jwksFile);
    const issuers = issuersOf(`{ issuer: '${one.url}', audience: custody, jwksFile: '${jwksFile}' }`);
    const verifier = currentVerifier(() => issuers, new Keyring(() => clock));
    await expect(verifier().verify(await signToken(one, key))).rejects.toMatchObject({
      code: 'issuer-unreachable',
      detail: 'it is not a file',
    });
  });

  it('are no more than an issuer may answer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'custody-keys-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const jwksFile = join(folder, 'keys.json');
    writeFileSync(jwksFile, JSON.stringify({ keys: [key.jwk], filler: 'x'.repeat(256 << 10) }));
    const issuers = issuersOf(`{ issuer: '${one.url}', audience: custody, jwksFile: '${jwksFile}' }`);
    const verifier = currentVerifier(() => issuers, new Keyring(() => clock));
    await expect(verifier().verify(await signToken(one, key))).rejects.toMatchObject({
      code: 'issuer-unreachable',
      detail: expect.stringContaining('more than 262144') as string,
    });
  });
});
