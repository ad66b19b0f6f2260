import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Download } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CUSTODY } from '#test/cli/support.ts';
import { apiAs, reconfigure } from '#test/support/access-story.ts';
import { hasChromium } from '#test/support/chromium.ts';
import {
  accessibilityFaults,
  ConsoleBrowser,
  faultsOfLooks,
  sideways,
  type Visitor,
} from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { lastSession } from '#test/support/recorded.ts';
import { openPsql, recordedPsql } from '#test/support/recorded-psql.ts';
import { startClient } from '#test/support/clients.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

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

/** Reviewers may watch what they may end, and one target runs only while they do. */
const RULES = `  - name: only-watched
    groups: [developers]
    targets: [ledger-db]
    allow: [connect]
    moderated: { by: { any: [reviewers] }, wait: 60s }
`;

function withWatchers(yaml: string): string {
  const target = /^  orders-db:.*\n(?:    .*\n)+/m.exec(yaml)![0].replace('orders-db', 'ledger-db');
  return yaml
    .replace('targets:\n', `$&${target}`)
    .replace('  - name: auditors\n', `${RULES}$&`)
    .replace('allow: [terminate]', 'allow: [terminate, replay]');
}

/** As the API refuses who may not replay. */
const REFUSED = {
  status: 403,
  contentType: 'application/problem+json',
  body: JSON.stringify({
    code: 'access-denied',
    detail: 'you may not replay this session',
    hint: 'see what you may use: custody targets',
  }),
};

describe.runIf(hasChromium())('sessions', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  let [mixed, hostile] = ['', ''];
  beforeAll(async () => {
    gateway = await startLocalGateway({ args: ['--demo-ssh'] });
    browser = await ConsoleBrowser.start(() => gateway.addresses);
    await reconfigure(gateway, withWatchers);
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
    await page.route(/\/live\?/, (route) => route.fulfill(REFUSED), { times: 1 });
    await page.locator('.session-row', { hasText: 'live' }).first().click();
    await page.locator('.failure', { hasText: 'is on the page Ask' }).waitFor();
    expect(await page.getByText('watching').count()).toBe(0);
    expect(rui.complaints.splice(0)).toEqual([expect.stringContaining('status of 403')]);
    await page.getByRole('button', { name: 'Try again' }).click();
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
    await page.getByText('It is over. An operator ended it.').waitFor();
    // psql reads what it is told before it looks at its connection.
    running.type('select 3;');
    expect(await running.done).toMatch(/seen enough/);
    await page.locator('.live-bar', { hasText: 'evidence verified' }).waitFor();
    await page.getByRole('button', { name: 'See the recording' }).click();
    await page.locator('.evidence', { hasText: 'evidence verified' }).waitFor();
    await left(rui);
  });

  test('that wait for a watcher begin by a decision, not by a page that was opened', async () => {
    const running = await openPsql(gateway, 'ledger-db');
    running.type("select 'behind glass';");
    const rui = await visited('/sessions?state=waiting', {}, 'reviewer');
    const { page } = rui;
    await page.locator(`.session-row[href$="${running.session}"]`).click();
    await page.getByRole('heading', { name: 'It waits for somebody to watch' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await waiting(gateway)).toEqual([running.session]);
    await page.getByRole('button', { name: 'Watch, and let it begin' }).click();
    await page.locator('.step', { hasText: 'behind glass' }).waitFor();
    expect(await waiting(gateway)).toEqual([]);
    running.leave();
    await running.done;
    await page.locator('.live-bar', { hasText: 'It is over.' }).waitFor();
    await left(rui);
  });

  test('are taken away as files', async () => {
    const ada = await visited(`/sessions/${mixed}?step=6`);
    const { page } = ada;
    const taken = async (button: string): Promise<string> => {
      const coming = page.waitForEvent('download');
      await page.getByRole('button', { name: button }).click();
      return textOf(await coming);
    };
    expect((await taken('Download as CSV')).trimEnd().split(/\r?\n/)).toEqual(['count', '0']);
    await page.getByRole('button', { name: 'Export…' }).click();
    expect(await accessibilityFaults(page)).toEqual([]);
    const steps = (await taken('Download Steps')).trimEnd().split('\n');
    expect(
      steps.some((line) =>
        (JSON.parse(line) as { statement?: { text: string } }).statement?.text.includes('nowhere'),
      ),
    ).toBe(true);
    expect(await taken('Download Script')).toContain("update t set words = 'changed' where n < 10");
    expect(JSON.parse((await taken('Download Events')).split('\n')[0]!)).toHaveProperty('class_uid');
    await left(ada);
  });

  test.runIf(hasOpenSsh())('of SSH show their terminal beside their steps, at the same place', async () => {
    const session = await recordedSsh(gateway);
    const ada = await visited(`/sessions/${session}`);
    const { page } = ada;
    const parts = page.getByRole('navigation', { name: 'Parts of the session' });
    await page.locator('.step').first().waitFor();
    await parts.getByRole('link', { name: 'Terminal' }).click();
    await page.locator('.player').waitFor();
    // The end of what has come so far would be another.
    await page.locator('.player .hint', { hasText: 'loading' }).waitFor({ state: 'detached' });
    await page.locator('.terminal').focus();
    await page.keyboard.press('End');
    await page.locator('.terminal', { hasText: 'the last words' }).waitFor();
    await page.waitForURL(/[?&]at=[1-9]\d*/);
    expect(new URL(page.url()).searchParams.get('at')).toBe(await page.locator('.seek input').inputValue());
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await sideways(page)).toBe(0);
    await parts.getByRole('link', { name: 'Steps' }).click();
    await page.waitForURL(/[?&]step=\d+/);
    const last = Number(new URL(page.url()).searchParams.get('step'));
    expect(last).toBeGreaterThan(1);
    expect(new URL(page.url()).searchParams.get('at')).toBeNull();
    await page.getByRole('heading', { name: new RegExp(`^Step ${last} `) }).waitFor();
    await page.keyboard.press('p');
    await page.waitForURL(new RegExp(`[?&]step=${last - 1}(?:&|$)`));
    const { steps } = await apiAs(gateway, 'auditor').get<{ steps: { at: number }[] }>(
      `/v1/sessions/${session}/steps?from=${last - 1}&limit=1`,
    );
    await parts.getByRole('link', { name: 'Terminal' }).click();
    await expect.poll(() => page.locator('.seek input').inputValue()).toBe(String(steps[0]!.at));
    await left(ada);
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

  test('are for everybody, on every screen', async () => {
    const ada = await visited('/sessions');
    const { page } = ada;
    await page.locator('.session-row').first().waitFor();
    expect(await faultsOfLooks(page)).toEqual([]);
    await ada.go(`/sessions/${mixed}?step=4`);
    await page.locator('.grid').getByText('customer 2', { exact: true }).waitFor();
    await page.locator('.density svg').waitFor();
    expect(await faultsOfLooks(page)).toEqual([]);
    await ada.go('/search?text=customer&target=orders-db');
    await page.locator('.hit, .empty').first().waitFor();
    expect(await faultsOfLooks(page)).toEqual([]);
    await left(ada);
  });
});

async function textOf(download: Download): Promise<string> {
  return readFileSync(await download.path(), 'utf8');
}

/** Ids of sessions that wait for somebody to watch. */
async function waiting(gateway: LocalGateway): Promise<string[]> {
  const path = '/v1/sessions?state=waiting';
  const { sessions } = await apiAs(gateway, 'reviewer').get<{ sessions: { id: string }[] }>(path);
  return sessions.map(({ id }) => id);
}

/** A command that had a terminal. */
async function recordedSsh(gateway: LocalGateway): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'custody-sessions-'));
  const env = { PATH: process.env['PATH'], HOME: home, ...(await gateway.cliEnvironment('developer', home)) };
  const command = 'echo the first words; ls /nowhere; echo the last words';
  const { code, stderr } = await startClient(CUSTODY, ['connect', 'web-1', '--', 'ssh', '-tt', command], env)
    .done;
  rmSync(home, { recursive: true, force: true });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return (await lastSession(gateway)).id;
}

async function foundBy(gateway: LocalGateway, text: string): Promise<number> {
  const path = `/v1/search?text=${text}`;
  return (await apiAs(gateway, 'auditor').get<{ hits: unknown[] }>(path)).hits.length;
}
