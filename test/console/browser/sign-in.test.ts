import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '#test/support/chromium.ts';
import { accessibilityFaults, ConsoleBrowser } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

describe.runIf(hasChromium())('signing in', () => {
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

  test('leads to the page that was asked for, asks nobody but the gateway and the identity provider, and keeps no token', async () => {
    const dana = await browser.visitor('developer');
    await dana.open('/sessions?target=orders-db');
    expect(new URL(dana.page.url()).pathname + new URL(dana.page.url()).search).toBe(
      '/sessions?target=orders-db',
    );
    await dana.page.getByRole('heading', { name: 'Sessions' }).waitFor();
    expect(await dana.page.locator('.account .person').innerText()).toContain('dana@example.com');
    const { api, issuer } = gateway.addresses;
    expect([...dana.origins].sort()).toEqual([api, issuer].map((url) => new URL(url).origin).sort());
    const kept = await dana.page.evaluate(() =>
      JSON.stringify([localStorage, sessionStorage].map((store) => Object.entries(store))),
    );
    expect(kept).not.toContain('eyJ');
    const page = await fetch(api);
    expect([page.status, page.headers.getSetCookie()]).toEqual([200, []]);
    expect(dana.complaints).toEqual([]);
    expect(await accessibilityFaults(dana.page)).toEqual([]);
    await dana.close();
  });
});
