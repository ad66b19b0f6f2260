import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { compressed } from '../../../console/build/compressed.ts';
import { consoleHeaders } from '../../../console/build/headers.ts';
import { type Served, type Site, serve } from '../../../console/build/serving.ts';

const PAGE = '<!doctype html>'.repeat(50);
const files = [
  { path: '/index.html', type: 'text/html', bytes: Buffer.from(PAGE), isImmutable: false },
  { path: '/assets/main-AAAAAAAA.js', type: 'text/javascript', bytes: Buffer.from('1'), isImmutable: true },
].map((file) => [file.path, compressed(file, 4)] as const);
const site: Site = (path) => new Map(files).get(path);
const CONNECT = ['https://id.example', 'https://id.example'];

async function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Served> {
  return (await serve(site, { path, headers }, { connect: CONNECT }))!;
}
const bytesOf = ({ body }: Served): Buffer => Buffer.from(body, 'base64');

describe('a file of the console', () => {
  test.each([
    ['', undefined],
    ['br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, GZIP;q=0.5', 'gzip'],
    ['br;q=0.000', undefined],
    ['br;q=0.1', 'br'],
    ['identity', undefined],
  ])('to whoever takes %j is sent as %s', async (accepted, encoding) => {
    const served = await get('/', { 'accept-encoding': accepted });
    expect(served.headers['content-encoding']).toBe(encoding);
    expect(served.headers['vary']).toBe('accept-encoding');
    const decode =
      { br: brotliDecompressSync, gzip: gunzipSync }[encoding ?? ''] ?? ((bytes: Buffer) => bytes);
    expect(decode(bytesOf(served)).toString()).toBe(PAGE);
    const most = encoding === undefined ? PAGE.length : PAGE.length / 4;
    expect(bytesOf(served).byteLength).toBeLessThanOrEqual(most);
  });

  test('is sent once to whoever keeps it', async () => {
    const { headers, statusCode } = await get('/sessions');
    expect([statusCode, headers['cache-control']]).toEqual([200, 'no-cache']);
    const etag = headers['etag']!;
    for (const given of [etag, `"other", ${etag}`, etag.replace('W/', '')]) {
      const again = await get('/requests/1', { 'if-none-match': given });
      expect([again.statusCode, again.body]).toEqual([304, '']);
      expect(again.headers).toMatchObject({ etag, ...consoleHeaders(CONNECT) });
    }
    expect((await get('/', { 'if-none-match': 'W/"other"' })).statusCode).toBe(200);
    const asset = await get('/assets/main-AAAAAAAA.js');
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(asset.headers['etag']).not.toBe(etag);
  });

  test('of another build is missing, under the same policy', async () => {
    const served = await get('/assets/main-BBBBBBBB.js');
    expect(served.statusCode).toBe(404);
    expect(served.headers).toMatchObject(consoleHeaders(CONNECT));
    expect(served.headers['cache-control']).toBe('no-store');
  });

  test.each(['/v1/sessions', '/x', '/sessions/..', '/index.html', '/objects/x'])(
    '%s is none',
    async (path) => {
      expect(await serve(site, { path, headers: {} }, { connect: [] })).toBeUndefined();
    },
  );
});

describe('the policy', () => {
  const policyOf = (connect: readonly string[]) => {
    const policy = consoleHeaders(connect)['content-security-policy']!;
    const directives = policy.split('; ').map((directive) => directive.split(' '));
    return new Map(directives.map(([name, ...values]) => [name, values]));
  };

  test('says of each thing where it may come from, which is nowhere else', () => {
    expect(Object.fromEntries(policyOf(['https://id.example', 'https://id.example']))).toEqual({
      'default-src': ["'none'"],
      'script-src': ["'self'", "'wasm-unsafe-eval'"],
      'worker-src': ["'self'"],
      'style-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'", 'https://id.example'],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
      'require-trusted-types-for': ["'script'"],
      'trusted-types': ["'none'"],
    });
  });

  test('lets nothing inline run, no text be evaluated, and no other origin be asked', () => {
    const all = [...policyOf([]).values()].flat();
    for (const value of all) expect(value).not.toMatch(/unsafe-inline|'unsafe-eval'|\*|https?:/);
  });
});
