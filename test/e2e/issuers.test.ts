import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { prepareFolder } from '#test/chaos/stand.ts';
import { makeKey, signToken, startIssuer, type TestIssuer } from '#test/support/issuer.ts';
import {
  freePortBase,
  type LocalGateway,
  startLocalGateway,
  temporaryFolder,
} from '#test/support/local-gateway.ts';
import { OwnGateway } from '#test/support/own-gateway.ts';

const key = await makeKey('key-1');
const folder = temporaryFolder();
let local: LocalGateway;
let issuer: TestIssuer;
let gateway: OwnGateway;
let port: number;

beforeAll(async () => {
  [local, issuer] = await Promise.all([startLocalGateway(), startIssuer()]);
  issuer.keys = [key.jwk];
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  prepareFolder(local, dataDir);
  const file = join(dataDir, 'custody.yaml');
  const config = parseDocument(readFileSync(file, 'utf8'));
  config.setIn(['identity'], { issuer: issuer.url, audience: 'custody', leeway: '30s' });
  writeFileSync(file, String(config));
  port = (await freePortBase()) + 1;
  gateway = new OwnGateway(local, dataDir, port);
  await gateway.start();
});
afterAll(async () => {
  await gateway?.stop();
  await Promise.all([local?.stop(), issuer?.close()]);
  rmSync(folder, { recursive: true, force: true });
});

const now = (): number => Math.floor(Date.now() / 1000);

/** What somebody with this token reads: an answer, or the words of a refusal. */
async function login(password: string): Promise<string> {
  const ssl = { ca: readFileSync(local.addresses.ca, 'utf8'), servername: 'localhost' };
  const who = { user: 'dana', database: 'windowed', password };
  const client = new pg.Client({ host: '127.0.0.1', port, ...who, ssl });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ answer: number }>('select 42 as answer');
    return String(rows[0]!.answer);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return `${code} ${message}`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

describe('a gateway with an identity provider of its own', () => {
  it('takes a token that is late by less than the leeway, and no later one (security case 12)', async () => {
    expect(await login(await signToken(issuer, key, { exp: now() - 5 }))).toBe('42');
    expect(await login(await signToken(issuer, key, { nbf: now() + 20 }))).toBe('42');
    expect(await login(await signToken(issuer, key, { exp: now() - 200 }))).toBe(
      '28P01 the token is not valid here: it expired 3 min ago',
    );
    expect(await login(await signToken(issuer, key, { aud: 'other' }))).toBe(
      '28P01 the token is not valid here: it is for another audience',
    );
  });

  it('lets nobody be shut out by a pool of expired or forged tokens behind the same address', async () => {
    const good = await signToken(issuer, key);
    const old = await signToken(issuer, key, { sub: 'pool', exp: now() - 3_700 });
    const expired = await Promise.all(Array.from({ length: 40 }, () => login(old)));
    expect(new Set(expired)).toEqual(new Set(['28P01 the token is not valid here: it expired 1 h ago']));
    const forged = await signToken(issuer, await makeKey('key-1'), { sub: 'pool' });
    const refused = new Map<string, number>();
    for (let n = 0; n < 30; n += 1) {
      const words = await login(forged);
      refused.set(words, (refused.get(words) ?? 0) + 1);
    }
    expect(Object.fromEntries(refused)).toEqual({
      '28P01 the token is not valid here': 20,
      '53400 too many tokens from this address were not valid': 10,
    });
    expect(await login(good)).toBe('42');
  });

  it('goes on with the keys that it has while the provider is away', async () => {
    issuer.down = true;
    expect(await login(await signToken(issuer, key))).toBe('42');
    const next = await makeKey('key-2');
    expect(await login(await signToken(issuer, next))).toBe(
      '08001 the identity provider cannot be reached to check the token',
    );
    expect(await login(await signToken(issuer, key))).toBe('42');
    expect(gateway.said.filter(({ event }) => event === 'issuer-away')).toEqual([]);
  });
});
