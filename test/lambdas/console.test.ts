import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildSite } from '#cdk/console-site.ts';
import { consoleHandler } from '#lambdas/console/handler.ts';
import { siteIn } from '#lambdas/console/site.ts';
import type { ApiEvent, ApiResult } from '#lambdas/http.ts';
import { consoleHeaders } from '../../console/build/headers.ts';

const BUCKET = 'https://evidence.s3.eu-central-1.amazonaws.com';
const dist = mkdtempSync(join(tmpdir(), 'custody-dist-'));
const issuers = [{ kind: 'person', issuer: 'https://id.example/tenant' }];
let ask: (path: string, headers?: Readonly<Record<string, string>>, query?: string) => Promise<ApiResult>;

beforeAll(async () => {
  await buildSite(dist);
  const handle = consoleHandler({
    policy: () => ({ issuers }) as never,
    site: siteIn(join(dist, 'lambdas/console/site')),
    evidence: BUCKET,
    log: () => undefined,
  });
  ask = async (rawPath, headers = {}, rawQueryString = '') =>
    handle({ rawPath, rawQueryString, headers, requestContext: {} } as unknown as ApiEvent, {} as Context);
});
afterAll(() => rmSync(dist, { recursive: true, force: true }));

const textOf = ({ body }: ApiResult): string => Buffer.from(body!, 'base64').toString('utf8');

describe('the console as the API serves it', () => {
  test('is the page for every address, and the parts that it names, compressed', async () => {
    const page = await ask('/sessions/1');
    expect(page.statusCode).toBe(200);
    expect(page.headers).toMatchObject(consoleHeaders(['https://id.example', BUCKET]));
    expect(page.headers!['strict-transport-security']).toContain('max-age=');
    const [, script] = /src="([^"]+)"/.exec(textOf(page))!;
    const plain = await ask(script!);
    const small = await ask(script!, { 'accept-encoding': 'gzip, br' });
    expect(small.headers).toMatchObject({ 'content-encoding': 'br', etag: plain.headers!['etag'] });
    expect(brotliDecompressSync(Buffer.from(small.body!, 'base64')).toString()).toBe(textOf(plain));
    expect((await ask('/', { 'if-none-match': String(page.headers!['etag']) })).statusCode).toBe(304);
  });

  test('goes by the identity providers of the moment', async () => {
    issuers[0] = { kind: 'person', issuer: 'https://other.example' };
    const { headers } = await ask('/');
    expect(headers!['content-security-policy']).toContain(
      `connect-src 'self' https://other.example ${BUCKET};`,
    );
  });

  test('sends links to evidence on to the bucket, and nowhere else (security case 19)', async () => {
    const { statusCode, headers } = await ask('/evidence/sessions/1/open.json', {}, 'X-Amz-Signature=a%2Fb');
    expect([statusCode, headers!['location']]).toEqual([
      307,
      `${BUCKET}/sessions/1/open.json?X-Amz-Signature=a%2Fb`,
    ]);
    for (const path of ['/evidence/@evil.example/', '/evidence//evil.example/x', '/evidence/.evil.example'])
      expect(new URL(String((await ask(path)).headers!['location'])).origin).toBe(BUCKET);
  });

  test('sends nobody anywhere where it is not said where evidence is (security case 19)', async () => {
    const handle = consoleHandler({
      policy: () => ({ issuers }) as never,
      site: () => undefined,
      log: () => undefined,
    });
    const rawPath = '/evidence//evil.example/x';
    const event = { rawPath, rawQueryString: '', headers: {}, requestContext: {} };
    const { statusCode, headers } = await handle(event as unknown as ApiEvent, {} as Context);
    expect([statusCode, headers!['location']]).toEqual([404, undefined]);
  });

  test.each(['/assets/../files.json', '/assets/main-AAAAAAAA.js', '/files.json', '/v1/sessions', '/x'])(
    'has nothing under %s',
    async (path) => {
      expect((await ask(path)).statusCode).toBe(404);
    },
  );
});
