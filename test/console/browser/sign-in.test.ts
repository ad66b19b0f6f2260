import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keptKeys, peopleKeys, signedBy } from '#adapters/local/demo-keys.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { accessibilityFaults, ConsoleBrowser, faultsOfLooks, signIn } from '#test/support/console-browser.ts';
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

  test('has a page that everybody can use', async () => {
    const dana = await browser.visitor('developer');
    await dana.page.goto(`${gateway.addresses.api}/runs`);
    await dana.page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await faultsOfLooks(dana.page)).toEqual([]);
    expect(dana.complaints).toEqual([]);
    await dana.close();
  });

  test('given up at the provider says so at the page that was asked for, from where it can be begun again', async () => {
    const { page, complaints, close } = await browser.visitor('developer');
    const { api, issuer } = gateway.addresses;
    await page.goto(`${api}/runs?state=failed`);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    const [request] = await Promise.all([
      page.waitForRequest((one) => one.url().startsWith(`${issuer}/auth?`)),
      page.getByRole('button', { name: 'Sign in' }).click(),
    ]);
    const asked = new URL(request.url());
    await page.locator('button[name="person"]').first().waitFor();
    const state = asked.searchParams.get('state')!;
    await page.goto(`${api}/callback?error=access_denied&state=${state}&iss=${encodeURIComponent(issuer)}`);
    await page.getByText('the sign-in was refused or given up').waitFor();
    expect(page.url()).toBe(`${api}/runs?state=failed`);
    expect(await accessibilityFaults(page)).toEqual([]);
    await signIn(page, 'developer');
    expect(page.url()).toBe(`${api}/runs?state=failed`);
    expect(complaints).toEqual([]);
    await close();
  });

  test('that was not begun in this tab is none: a code of somebody else signs nobody in (security case 13)', async () => {
    const { page, close } = await browser.visitor('developer');
    const { api } = gateway.addresses;
    await page.goto(`${api}/callback?code=stolen&state=x`);
    await page.getByText('this sign-in was not begun in this tab').waitFor();
    expect(page.url()).toBe(`${api}/`);
    await close();
  });

  test('is renewed with refresh tokens that rotate, and ends at the provider when one signs out', async () => {
    const { page, complaints, close } = await browser.visitor('developer');
    const answers = tokensOf(page);
    await page.goto(`${gateway.addresses.api}/requests`);
    await signIn(page, 'developer');
    await expect.poll(() => answers.length).toBe(1);
    await renewed(page, answers);
    await renewed(page, answers);
    expect(new Set(answers.map(({ refresh_token }) => refresh_token)).size).toBe(3);
    expect(await keptBy(page)).not.toContain(answers.at(-1)!.refresh_token);
    await page.locator('.account > button').click();
    const [revocation] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith('/token/revocation')),
      page.getByRole('button', { name: 'Sign out' }).click(),
    ]);
    expect(revocation.status()).toBe(200);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect((await refresh(answers.at(-1)!.refresh_token)).status).toBe(400);
    expect(complaints).toEqual([]);
    await close();
  });

  test('that can be renewed no more leads back to the very page, in one click', async () => {
    const { page, close } = await browser.visitor('developer');
    const answers = tokensOf(page);
    await page.goto(`${gateway.addresses.api}/sessions?target=orders-db`);
    await signIn(page, 'developer');
    await expect.poll(() => answers.length).toBe(1);
    // Somebody else used it: whoever comes second has none (RFC 9700).
    await refresh(answers[0]!.refresh_token);
    await page.clock.setFixedTime(expiryOf(answers[0]!) + 1_000);
    await page.locator('.account > button').click();
    await page.getByText('your sign-in is over').waitFor();
    expect(page.url()).toBe(`${gateway.addresses.api}/sessions?target=orders-db`);
    await page.clock.setFixedTime(Date.now());
    await signIn(page, 'developer');
    expect(page.url()).toBe(`${gateway.addresses.api}/sessions?target=orders-db`);
    await close();
  });

  test('ends with the gateway’s words when the provider logs somebody out', async () => {
    const { config, api } = gateway.addresses;
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace(
        '    audience: custody',
        '    audience: custody\n    backchannelLogout: true',
      ),
    );
    const { page, close } = await browser.visitor('reviewer');
    await page.goto(`${api}/ledger?from=10`);
    await signIn(page, 'reviewer');
    await expect.poll(loggedOut, { timeout: 30_000 }).toBe(200);
    const told = page.getByText('you were logged out at the identity provider');
    // What the page asks by itself may have told it already.
    await page.locator('.account > button').or(told).click();
    await told.waitFor();
    expect(page.url()).toBe(`${api}/ledger?from=10`);
    await close();
  });

  test('where the provider is gone says so', async () => {
    const { page, close } = await browser.visitor('developer');
    await page.goto(gateway.addresses.api);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.route(`${gateway.addresses.issuer}/**`, (route) => route.abort());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('cannot be asked').waitFor();
    await page.unroute(`${gateway.addresses.issuer}/**`);
    await signIn(page, 'developer');
    expect(new URL(page.url()).origin).toBe(gateway.addresses.api);
    await close();
  });

  /** Rui's logout, as the provider tells it (OpenID Connect Back-Channel Logout). */
  const loggedOut = async (): Promise<number> => {
    const { issuer, api } = gateway.addresses;
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, aud: 'custody', iat, exp: iat + 60, jti: randomUUID(), sub: 'rev-1' };
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    const token = await signedBy(keptKeys(gateway.dataDir, peopleKeys), { ...claims, events });
    const body = new URLSearchParams({ logout_token: token });
    return (await fetch(`${api}/v1/logout/people`, { method: 'POST', body })).status;
  };
  const refresh = (refresh_token: string): Promise<Response> => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'custody', refresh_token });
    return fetch(`${gateway.addresses.issuer}/token`, { method: 'POST', body });
  };
});

interface TokenAnswer {
  readonly id_token: string;
  readonly refresh_token: string;
}

/** What the provider gives the page, in this order. */
function tokensOf(page: Page): TokenAnswer[] {
  const answers: TokenAnswer[] = [];
  page.on('requestfinished', (request) => {
    if (!request.url().endsWith('/token')) return;
    void request
      .response()
      .then((response) => response!.json() as Promise<TokenAnswer>)
      .then((answer) => answers.push(answer));
  });
  return answers;
}

/** At the end of the token's time, a call of the page has another one. */
async function renewed(page: Page, answers: readonly TokenAnswer[]): Promise<void> {
  const many = answers.length;
  const nearly = expiryOf(answers.at(-1)!) - 30_000;
  // The provider says times in whole seconds: one that is of another second is over later.
  await expect.poll(() => Date.now() + 3_600_000 - 31_000, { timeout: 20_000 }).toBeGreaterThan(nearly);
  await page.clock.setFixedTime(nearly);
  await page.locator('.account > button').click();
  await page.getByText('Signed in at').waitFor();
  await expect.poll(() => answers.length, { timeout: 20_000 }).toBe(many + 1);
  await page.keyboard.press('Escape');
}

function expiryOf({ id_token }: TokenAnswer): number {
  const payload = Buffer.from(id_token.split('.')[1]!, 'base64url').toString();
  return (JSON.parse(payload) as { exp: number }).exp * 1000;
}

function keptBy(page: Page): Promise<string> {
  return page.evaluate(() =>
    JSON.stringify([localStorage, sessionStorage].map((store) => Object.entries(store))),
  );
}
