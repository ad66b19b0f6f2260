import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '#test/support/chromium.ts';
import { ConsoleBrowser } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

describe.runIf(hasChromium())('the keyboard', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  let ids: readonly string[];
  beforeAll(async () => {
    gateway = await startLocalGateway();
    browser = await ConsoleBrowser.start(() => gateway.addresses);
    ids = [await asked('first'), await asked('second')];
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
  });

  test('goes to every page of the navigation by g and a letter', async () => {
    const { page, open, close } = await browser.visitor('developer');
    await open('/ledger');
    for (const [key, path] of [
      ['a', '/ask'],
      ['r', '/requests'],
      ['s', '/sessions'],
      ['u', '/runs'],
      ['l', '/ledger'],
      ['g', '/gateway'],
    ] as const) {
      await page.locator('h1').first().waitFor();
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await expect.poll(() => new URL(page.url()).pathname, { timeout: 20_000 }).toBe(path);
    }
    await close();
  });

  test('means nothing while one types, with another key held, or in a dialog', async () => {
    const { page, open, close } = await browser.visitor('developer');
    await open('/requests');
    const search = page.locator('main [data-search]').first();
    await search.waitFor();
    await page.keyboard.press('/');
    await expect.poll(() => page.evaluate('document.activeElement.matches("[data-search]")')).toBe(true);
    await page.keyboard.type('g r?');
    expect(await page.locator('dialog').count()).toBe(0);
    await page.locator('h1').click();
    await page.keyboard.press('g');
    await page.keyboard.press('Alt+l');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('l');
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(new URL(page.url()).pathname).toBe('/requests');
    await close();
  });

  test('goes through a list by j and k, opens by Enter, and says so in its help', async () => {
    const { page, open, close } = await browser.visitor('reviewer');
    await open('/requests');
    await page.locator('[data-item]').nth(1).waitFor();
    const items = await page
      .locator('[data-item]')
      .evaluateAll((all) => all.map((one) => one.getAttribute('href')!));
    await page.keyboard.press('j');
    expect(await focused(page)).toBe(items[0]);
    await page.keyboard.press('j');
    expect(await focused(page)).toBe(items[1]);
    await page.keyboard.press('k');
    expect(await focused(page)).toBe(items[0]);
    await page.keyboard.press('k');
    expect(await focused(page)).toBe(items[0]);
    await page.keyboard.press('?');
    const help = page.getByRole('dialog', { name: 'Keys' });
    expect(await help.innerText()).toMatch(/Next in the list[^]*Go to: Sessions/);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(await focused(page)).toBe(items[0]);
    await page.keyboard.press('Enter');
    await at(page, items[0] ?? 'nowhere');
    await close();
  });

  test('goes anywhere by a name or an id, also while one types', async () => {
    const { page, open, close } = await browser.visitor('reviewer');
    await open('/requests');
    await page.locator('main [data-search]').first().click();
    await page.keyboard.press('Control+k');
    await page.locator('dialog [role=combobox]').waitFor();
    await page.keyboard.type('led');
    await page.keyboard.press('Enter');
    await at(page, '/ledger');
    await page.keyboard.press('Control+k');
    await page.locator('dialog [role=combobox]').waitFor();
    await page.keyboard.type(ids[0]!);
    expect(await page.locator('dialog [role=option]').allInnerTexts()).toEqual(
      ['session', 'request', 'run'].map((what) => `Open the ${what} ${ids[0]}`),
    );
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await at(page, `/requests/${ids[0]}`);
    await close();
  });

  const asked = async (reason: string): Promise<string> => {
    const response = await fetch(`${gateway.addresses.api}/v1/requests`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await gateway.token('developer')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ target: 'orders-prod', reason }),
    });
    return ((await response.json()) as { id: string }).id;
  };
});

async function at(page: Page, path: string): Promise<void> {
  await expect.poll(() => new URL(page.url()).pathname, { timeout: 20_000 }).toBe(path);
}

function focused(page: Page): Promise<string | null> {
  return page.evaluate<string | null>('document.activeElement.getAttribute("href")');
}
