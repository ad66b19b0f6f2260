import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '#test/support/chromium.ts';
import { ConsoleBrowser } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

/** A page of somebody else, which shows the console in a frame of its own. */
function framing(url: string): Server {
  return createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<iframe src="${url}"></iframe>`);
  }).listen(0, '127.0.0.1');
}

describe.runIf(hasChromium())('the console at the address of the API', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  beforeAll(async () => {
    gateway = await startLocalGateway();
    browser = await ConsoleBrowser.start(() => gateway.addresses);
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
  });

  const get = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
    fetch(gateway.addresses.api + path, { method, headers });
  const scriptOf = (page: string): string => /type="module" src="(\/assets\/[^"]+\.js)"/.exec(page)![1]!;

  test('is compressed, is not sent twice, and answers HEAD without its bytes', async () => {
    const page = await get('/sessions');
    expect(page.status).toBe(200);
    const again = await get('/', { 'if-none-match': page.headers.get('etag')! });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const script = scriptOf(await page.text());
    const plain = await get(script, { 'accept-encoding': 'identity' });
    const small = await get(script, { 'accept-encoding': 'br' });
    expect(small.headers.get('content-encoding')).toBe('br');
    const length = ({ headers }: Response): number => Number(headers.get('content-length'));
    expect(length(small)).toBeLessThan(length(plain) / 2);
    expect(await small.text()).toBe(await plain.text());
    const head = await get(script, { 'accept-encoding': 'br' }, 'HEAD');
    expect([head.status, length(head), await head.text()]).toEqual([200, length(small), '']);
  });

  test('sends its policy with everything, also with what is not there; sets no cookie', async () => {
    const policy = (await get('/')).headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    for (const path of ['/requests/1', '/assets/main-AAAAAAAA.js', scriptOf(await (await get('/')).text())]) {
      const { headers } = await get(path);
      expect([path, headers.get('content-security-policy')]).toEqual([path, policy]);
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.getSetCookie()).toEqual([]);
    }
    const none = await get('/nothing');
    expect(none.status).toBe(404);
    expect(none.headers.get('content-security-policy')).toBe(
      "default-src 'none'; frame-ancestors 'none'; sandbox",
    );
    expect((await get('/', {}, 'POST')).status).toBe(404);
  });

  test('is shown in nobody’s frame', async () => {
    const server = framing(`${gateway.addresses.api}/sessions`);
    const visitor = await browser.visitor('developer');
    try {
      const refused = visitor.page.waitForEvent('console', (message) => /frame/i.test(message.text()));
      await visitor.page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await refused;
      const [, frame] = visitor.page.frames();
      expect(frame!.url()).toMatch(/^chrome-error:/);
      expect(await frame!.locator('#app, .shell, .sign-in').count()).toBe(0);
    } finally {
      await visitor.close();
      server.close();
    }
  });
});
