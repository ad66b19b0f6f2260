import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchBounded, patience } from '#adapters/oidc/fetch-bounded.ts';
import { startIssuer, type TestIssuer } from '#test/support/issuer.ts';

const LIMIT = 256 << 10;

let server: TestIssuer;
beforeEach(async () => {
  server = await startIssuer();
});
afterEach(() => server.close());

describe('fetchBounded', () => {
  it('gives the whole answer, up to the limit', async () => {
    server.answers.set('/x', (_request, response) => response.end(Buffer.alloc(LIMIT, 7)));
    expect(Buffer.from(await fetchBounded(`${server.url}/x`, true))).toEqual(Buffer.alloc(LIMIT, 7));
  });

  it('takes not one byte more', async () => {
    server.answers.set('/x', (_request, response) => response.end(Buffer.alloc(LIMIT + 1)));
    await expect(fetchBounded(`${server.url}/x`, true)).rejects.toThrow('too large');
  });

  it('counts what is unpacked (security case 21)', async () => {
    const bomb = gzipSync(Buffer.alloc(LIMIT * 8));
    expect(bomb.byteLength).toBeLessThan(LIMIT / 10);
    server.answers.set('/x', (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    );
    await expect(fetchBounded(`${server.url}/x`, true)).rejects.toThrow('too large');
  });

  it('stops reading an answer without end', async () => {
    const closed = new Promise<void>((resolve) => {
      server.answers.set('/x', (_request, response) => {
        response.on('close', resolve);
        const more = (): void => {
          while (response.write(Buffer.alloc(1 << 16)));
          response.once('drain', more);
        };
        more();
      });
    });
    await expect(fetchBounded(`${server.url}/x`, true)).rejects.toThrow('too large');
    await closed;
  });

  it('gives up on an answer that does not come, or does not end (security case 16)', async () => {
    server.answers.set('/never', () => undefined);
    server.answers.set('/half', (_request, response) => void response.write('{'));
    await expect(fetchBounded(`${server.url}/never`, true, patience(20))).rejects.toThrow(/timeout/);
    await expect(fetchBounded(`${server.url}/half`, true, patience(200))).rejects.toThrow(/timeout/);
  });

  it.each(['ftp://127.0.0.1/x', 'file:///etc/passwd', 'data:,{}', 'http://10.0.0.1/x', 'http://0.0.0.0/x'])(
    'asks nothing of %s (security case 9)',
    async (uri) => {
      await expect(fetchBounded(uri, true)).rejects.toThrow('is not https');
    },
  );
});
