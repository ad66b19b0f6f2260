import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '#test/support/chromium.ts';
import { accessibilityFaults, ConsoleBrowser, faultsOfLooks } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

describe.runIf(hasChromium())('the shell', () => {
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

  test('has no fault in any of its dialogs', async () => {
    const { page, open, close, complaints } = await browser.visitor('developer');
    await open('/gateway');
    await page.locator('h1').waitFor();
    for (const key of ['?', 'Control+k']) {
      await page.keyboard.press(key);
      await page.locator('dialog').waitFor();
      expect([key, await faultsOfLooks(page)]).toEqual([key, []]);
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
    }
    await page.locator('.account > button').click();
    await page.getByText('Signed in at').waitFor();
    expect(await faultsOfLooks(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('says who one is, gives the focus back, and keeps the colours that one chose', async () => {
    const { page, open, close, complaints } = await browser.visitor('developer');
    await open('/requests');
    await page.locator('.account > button').click();
    const dialog = page.getByRole('dialog', { name: 'Your account' });
    expect(await dialog.innerText()).toMatch(/dana@example.com[^]*developers[^]*people[^]*UTC/);
    await dialog.getByLabel('Dark').check();
    expect(await themeOf(page)).toBe('dark');
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.closest(".account") !== null')).toBe(true);
    const loaded = page.waitForEvent('domcontentloaded');
    // Without its scripts that come later, the page is dark already.
    await page.route('**/assets/main-*.js', (route) => route.abort());
    await page.reload();
    await loaded;
    expect(await themeOf(page)).toBe('dark');
    expect(complaints.filter((one) => !one.includes('net::ERR_FAILED'))).toEqual([]);
    await close();
  });

  test('names each page in the tab, and moves the focus to its heading', async () => {
    const { page, open, close } = await browser.visitor('developer');
    await open('/ledger');
    await page.getByRole('heading', { level: 1, name: 'Ledger' }).waitFor();
    expect(await page.title()).toBe('Ledger · Custody');
    await page.getByRole('link', { name: 'Gateway', exact: true }).click();
    await expect.poll(() => page.title()).toBe('Gateway · Custody');
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('H1');
    await page.goBack();
    await expect.poll(() => page.title()).toBe('Ledger · Custody');
    await close();
  });

  test('begins with a way past the navigation', async () => {
    const { page, open, close } = await browser.visitor('developer');
    await open('/ledger');
    await page.locator('h1').waitFor();
    await page.locator('.skip').focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('main');
    await close();
  });

  test('goes back to where one was on the page', async () => {
    const { page, open, close } = await browser.visitor('developer', { screen: { width: 900, height: 160 } });
    await open('/ledger');
    await page.locator('h1').waitFor();
    await page.mouse.wheel(0, 90);
    await expect.poll(() => scrolled(page)).toBe(90);
    await page.evaluate('document.querySelector(".nav a[href=\'/runs\']").click()');
    await expect.poll(() => page.title()).toBe('Runs · Custody');
    await expect.poll(() => scrolled(page)).toBe(0);
    await page.goBack();
    await expect.poll(() => page.title()).toBe('Ledger · Custody');
    await expect.poll(() => scrolled(page)).toBe(90);
    await close();
  });

  test('says that there is no network, and offers to load what another version took away', async () => {
    const { page, open, close } = await browser.visitor('developer');
    await open('/ledger');
    await page.context().setOffline(true);
    await page.getByText('There is no network').waitFor();
    await page.getByRole('link', { name: 'Gateway', exact: true }).click();
    await page.getByRole('heading', { name: 'This page cannot be loaded' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.context().setOffline(false);
    await page.getByText('There is no network').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Load the console again' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/gateway');
    await close();
  });

  test('says where there is no such page', async () => {
    const { page, open, close } = await browser.visitor('developer');
    await open('/requests/a/b/c');
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await close();
  });

  test('opens with requests where one is to decide about some, else with sessions', async () => {
    const opened = async (role: 'developer' | 'reviewer', path: string): Promise<void> => {
      const { page, open, close } = await browser.visitor(role);
      await open('/');
      await expect.poll(() => new URL(page.url()).pathname, { timeout: 20_000 }).toBe(path);
      await close();
    };
    await opened('reviewer', '/sessions');
    const asked = await fetch(`${gateway.addresses.api}/v1/requests`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await gateway.token('developer')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ target: 'orders-prod', reason: 'a bug' }),
    });
    expect(asked.status).toBe(201);
    await opened('reviewer', '/requests');
    await opened('developer', '/sessions');
  });
});

function scrolled(page: Page): Promise<number> {
  return page.evaluate<number>('scrollY');
}

function themeOf(page: Page): Promise<string | undefined> {
  return page.evaluate<string | undefined>('document.documentElement.dataset.theme');
}
