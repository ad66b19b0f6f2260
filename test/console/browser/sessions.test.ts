import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiAs, reconfigure } from '#test/support/access-story.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { accessibilityFaults, ConsoleBrowser, SCREENS, type Visitor } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { openPsql, recordedPsql } from '#test/support/recorded-psql.ts';

const BIDI = '\u202e';
const MIXED = `create temp table t(n int, words text);
insert into t select g, 'row ' || g from generate_series(1, 500) g;
select g as id, 'customer ' || g as name, case when g % 3 = 0 then null else g * 2 end as amount from generate_series(1, 100000) g;
select * from nowhere;
select count(*) from t where words like '%zebra%';
update t set words = 'changed' where n < 10;
select 1 / 0;
`;
const HOSTILE = `select '<img src=x onerror=alert(1)>' as "<script>alert(2)</script>", '${BIDI}gnirts' as "${BIDI}name", E'\\x1b[2J\\x1b]0;owned\\x07' as escapes, repeat('x', 1000000) as line;
select '<svg/onload=alert(3)>${BIDI}' /* <script>alert(4)</script> ${BIDI} */ as y;
`;
/** Each notification is a step. */
const STEPS = 200_000;
const MANY = `listen l; select count(pg_notify('l', g::text)) from generate_series(1, ${STEPS}) g; select 'the last of all';`;

describe.runIf(hasChromium())('sessions', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  let [mixed, hostile] = ['', ''];
  beforeAll(async () => {
    gateway = await startLocalGateway();
    browser = await ConsoleBrowser.start(() => gateway.addresses);
    await reconfigure(gateway, (text) => text.replace('allow: [terminate]', 'allow: [terminate, replay]'));
    mixed = await recordedPsql(gateway, MIXED);
    hostile = await recordedPsql(gateway, HOSTILE);
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
  });

  async function visited(path: string, options = {}, role: 'auditor' | 'reviewer' = 'auditor') {
    const visitor = await browser.visitor(role, options);
    await visitor.open(path);
    return visitor;
  }

  /** Nothing was complained of, and nobody else was asked for anything. */
  async function left({ page, complaints, origins, close }: Visitor): Promise<void> {
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(complaints).toEqual([]);
    const own = [gateway.addresses.api, gateway.addresses.issuer].map((url) => new URL(url).origin);
    expect([...origins].filter((origin) => !own.includes(origin))).toEqual([]);
    await close();
  }

  test('are listed, the newest first, gone through by keys, and filtered by the address', async () => {
    const ada = await visited('/sessions');
    const { page } = ada;
    const rows = page.locator('.session-row');
    await rows.nth(1).waitFor();
    expect(await rows.count()).toBe(2);
    expect(await rows.first().getAttribute('href')).toBe(`/sessions/${hostile}`);
    expect(await rows.first().innerText()).toMatch(
      /dana@example\.com[\s\S]*orders-db[\s\S]*ended[\s\S]*psql/,
    );
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/sessions/${mixed}`);
    await page.goBack();
    await page.getByLabel('Person').fill('nobody@example.com');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'No session is like this' }).waitFor();
    expect(new URL(page.url()).search).toBe('?person=nobody%40example.com');
    await page.getByRole('link', { name: 'Clear' }).click();
    await rows.first().waitFor();
    await left(ada);
  });

  test('open at a step by the address, with its statement, values and result', async () => {
    const ada = await visited(`/sessions/${mixed}?step=4`);
    const { page } = ada;
    await page.getByRole('heading', { name: /^Step 4/ }).waitFor();
    const detail = page.locator('.step-detail');
    expect(await detail.locator('.sql-keyword').first().innerText()).toBe('select');
    await detail.getByText('100,000 rows, 3 columns').waitFor();
    const grid = page.locator('.grid');
    expect(await grid.locator('tbody tr').first().innerText()).toMatch(/1\s+1\s+customer 1\s+2/);
    expect(await grid.locator('td.null').first().innerText()).toBe('NULL');
    await grid.evaluate((box) => (box.scrollTop = box.scrollHeight));
    await grid.getByText('customer 100000').waitFor();
    expect(await grid.locator('tbody tr').count()).toBeLessThan(60);
    await grid.evaluate((box) => (box.scrollTop = box.scrollHeight / 2));
    await grid.getByText('customer 50001', { exact: true }).waitFor();
    await left(ada);
  });

  test('are gone through by keys: the next step, error, write', async () => {
    const ada = await visited(`/sessions/${mixed}`);
    const { page } = ada;
    const at = (step: number) => page.getByRole('heading', { name: new RegExp(`^Step ${step} `) }).waitFor();
    await at(1);
    await page.keyboard.press('n');
    await at(2);
    await page.keyboard.press('e');
    await at(5);
    expect(await page.locator('.report.error').innerText()).toContain('relation "nowhere" does not exist');
    expect(new URL(page.url()).searchParams.get('step')).toBe('5');
    await page.keyboard.press('w');
    await at(7);
    await page.keyboard.press('e');
    await at(8);
    await page.keyboard.press('E');
    await at(5);
    await page.getByRole('link', { name: /^Errors/ }).click();
    await page.waitForURL('**show=errors**');
    await page.locator('.step', { hasText: 'select 1 / 0' }).waitFor();
    expect(await page.locator('.step').count()).toBe(2);
    await left(ada);
  });

  test('are searched, and what is found leads to its step', async () => {
    const ada = await visited('/sessions');
    const { page } = ada;
    await expect.poll(() => foundBy(gateway, 'zebra'), { timeout: 30_000 }).toBe(1);
    await page.getByLabel('Search what was done in sessions').fill('zebra');
    await page.keyboard.press('Enter');
    await page.locator('.hit mark', { hasText: 'zebra' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'Sessions', exact: true }).last().click();
    await page.locator('.hit', { hasText: '1 step' }).waitFor();
    await page.goBack();
    await page.locator('.hit a').first().click();
    await page.getByRole('heading', { name: /^Step 6/ }).waitFor();
    await left(ada);
  });

  test('that are hostile are text everywhere, and break no layout (security case 18)', async () => {
    const ada = await visited(`/sessions/${hostile}?step=2`);
    const { page } = ada;
    const grid = page.locator('.grid');
    await grid.getByText('<script>alert(2)</script>').waitFor();
    expect(await grid.innerText()).toContain('<img src=x onerror=alert(1)>');
    expect(await grid.innerText()).toContain(String.raw`\x1b[2J\x1b]0;owned\x07`);
    expect(await grid.innerText()).toContain(String.raw`\u202ename`);
    await grid.getByRole('button', { name: 'See all of the value' }).click();
    await page.getByRole('dialog').getByText('the first 4.0 KiB').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    await page.locator('.step-detail .sql-comment', { hasText: '<script>alert(4)</script>' }).waitFor();
    await page.getByText('As JSON').click();
    const text = await page.locator('body').innerText();
    expect(text).not.toContain(BIDI);
    expect(text).not.toContain('\u001b');
    expect(await page.locator('main img, main script, main svg[onload]').count()).toBe(0);
    expect(await sideways(page)).toBe(0);
    await left(ada);
  });

  test('are watched while they go on, and ended with a reason that psql sees', async () => {
    const running = await openPsql(gateway);
    running.type("select 'first of all';");
    const rui = await visited('/sessions', {}, 'reviewer');
    const { page } = rui;
    await page.locator('.session-row', { hasText: 'live' }).first().click();
    await page.locator('.step', { hasText: 'first of all' }).waitFor();
    await page.getByText('watching').waitFor();
    running.type("select 'and then this' from generate_series(1, 3);");
    await page.locator('.step', { hasText: 'and then this' }).click();
    await page.locator('.grid').getByText('and then this').first().waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'End session' }).click();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByLabel('Reason').fill('seen enough');
    await page.getByRole('button', { name: 'End it' }).click();
    running.type('select 3;');
    expect(await running.done).toMatch(/seen enough/);
    await page.getByText('It is over. An operator ended it.').waitFor();
    await page.locator('.live-bar', { hasText: 'evidence verified' }).waitFor();
    await page.getByRole('button', { name: 'See the recording' }).click();
    await page.locator('.evidence', { hasText: 'evidence verified' }).waitFor();
    await left(rui);
  });

  test(`of ${STEPS} steps scroll to the end, and are gone to by number and by time`, async () => {
    const many = await recordedPsql(gateway, MANY, 60_000);
    const ada = await visited(`/sessions/${many}`);
    const { page } = ada;
    const box = page.locator('.steps-box');
    await box.locator('.step').first().waitFor();
    await box.evaluate((element) => (element.scrollTop = element.scrollHeight));
    await box.locator('.step', { hasText: 'the last of all' }).waitFor();
    expect(await box.locator('.step').count()).toBeLessThan(80);
    await page.getByLabel('Go to a step or a time').fill('100000');
    await page.getByRole('button', { name: 'Go', exact: true }).click();
    await page.getByRole('heading', { name: /^Step 100000 / }).waitFor();
    await box.locator('#step-100000[aria-selected=true]').waitFor();
    await left(ada);
  });

  const SCREENSHOTS = [
    { screen: SCREENS.wide, scheme: 'dark' },
    { screen: SCREENS.narrow, scheme: 'light' },
    { screen: SCREENS.narrow, scheme: 'dark' },
  ] as const;

  test.each(SCREENSHOTS)('are for everybody at $screen.width, $scheme', async (options) => {
    const ada = await visited('/sessions', options);
    const { page } = ada;
    await page.locator('.session-row').first().waitFor();
    await looksRight(page);
    await ada.open(`/sessions/${mixed}?step=4`);
    await page.locator('.grid').getByText('customer 2', { exact: true }).waitFor();
    await page.locator('.density svg').waitFor();
    await looksRight(page);
    await ada.open('/search?text=customer&target=orders-db');
    await page.locator('.hit, .empty').first().waitFor();
    await looksRight(page);
    await left(ada);
  });
});

async function looksRight(page: Page): Promise<void> {
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(await sideways(page)).toBe(0);
}

function sideways(page: Page): Promise<number> {
  return page.evaluate<number>('Math.max(0, document.documentElement.scrollWidth - innerWidth)');
}

async function foundBy(gateway: LocalGateway, text: string): Promise<number> {
  const path = `/v1/search?text=${text}`;
  return (await apiAs(gateway, 'auditor').get<{ hits: unknown[] }>(path)).hits.length;
}
