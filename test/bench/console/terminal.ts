/** `npm run bench:console` runs it with others; alone: `node test/bench/console/terminal.ts`. What the console's terminals cost a real browser. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import { CUSTODY } from '#test/cli/support.ts';
import { ConsoleBrowser, type Visitor } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { lastSession } from '#test/support/recorded.ts';
import {
  everyCell,
  FRAMES_A_SECOND,
  framesOf,
  HOUR_SECONDS,
  hourOf,
  PLAYED_SECONDS,
  sixLines,
} from './made-tape.ts';

const RECORDED_BYTES = 40_000_000;
const ID = '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f';
const GREEN = '\u001b[32m';

const folder = mkdtempSync(join(tmpdir(), 'custody-bench-terminal-'));
chmodSync(folder, 0o711);
const gateway = await startLocalGateway({ args: ['--demo-ssh'] });
const browser = await ConsoleBrowser.start(() => gateway.addresses);
try {
  say({ what: 'a screen of which six lines change', ...(await played(sixLines)) });
  say({ what: 'a screen of which every cell changes', ...(await played(everyCell)) });
  say(await recordedLarge(gateway));
  say(await hourLong());
} finally {
  await browser.stop();
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
}

function say(figures: object): void {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

/** Tens of megabytes that OpenSSH brought, by the API as it is. */
async function recordedLarge(from: LocalGateway): Promise<object> {
  const env = await from.cliEnvironment('developer', join(folder, 'developer'));
  const text = `seq -f '${GREEN}line %.0f of a log' 1 9999999 | head -c ${RECORDED_BYTES}; printf after`;
  const args = ['connect', 'web-1', '--', 'ssh', '-tt', text];
  const child = spawn(CUSTODY, args, {
    env: { PATH: process.env['PATH'], HOME: folder, ...env },
    stdio: 'ignore',
  });
  await once(child, 'close');
  const { id } = await lastSession(from);
  const one = await signedIn();
  const firstMs = await msOf(async () => {
    await goTo(one.page, id);
    await one.page.locator('.terminal', { hasText: 'of a log' }).waitFor({ timeout: 120_000 });
  });
  const loadedMs = await msOf(() =>
    one.page.locator('.hint', { hasText: 'loading' }).waitFor({ state: 'detached', timeout: 300_000 }),
  );
  const endMs = await shownAfter(one.page, 'End', 'after');
  const startMs = await msOf(async () => {
    await one.page.keyboard.press('Home');
    await one.page.locator('.terminal', { hasNotText: 'after' }).waitFor();
  });
  const againMs = await shownAfter(one.page, 'End', 'after');
  const heapMB = await heapOf(one.page);
  await one.close();
  return {
    what: 'recorded over SSH',
    MB: RECORDED_BYTES / 1e6,
    firstMs,
    loadedMs,
    endMs,
    startMs,
    againMs,
    heapMB,
  };
}

/** An hour, in which something happens ten times a second. */
async function hourLong(): Promise<object> {
  const one = await signedIn();
  await one.page.route(`**/v1/sessions/${ID}/live?*`, (route) =>
    route.fulfill({ contentType: 'text/event-stream', body: hourOf() }),
  );
  await made(one.page);
  const firstMs = await msOf(async () => {
    await goTo(one.page, ID);
    await one.page.locator('.terminal', { hasText: 'second 0 ' }).waitFor();
  });
  await one.page.locator('.hint', { hasText: 'loading' }).waitFor({ state: 'detached', timeout: 60_000 });
  const endMs = await shownAfter(one.page, 'End', `second ${HOUR_SECONDS - 1} `);
  const middleMs = await msOf(async () => {
    await one.page.locator('.seek input').fill(String((HOUR_SECONDS / 2) * 1e6));
    await one.page.locator('.terminal', { hasText: `second ${HOUR_SECONDS / 2 - 1} ` }).waitFor();
  });
  const heapMB = await heapOf(one.page);
  await one.close();
  return { what: 'an hour, made', MB: hourOf().length / 1e6, firstMs, endMs, middleMs, heapMB };
}

/** How much of a core the page takes while it plays, by the browser's own account. */
async function played(frame: (n: number) => string): Promise<object> {
  const one = await signedIn();
  await one.page.route(`**/v1/sessions/${ID}/live?*`, (route) =>
    route.fulfill({ contentType: 'text/event-stream', body: framesOf(frame) }),
  );
  await made(one.page);
  await goTo(one.page, ID);
  await one.page.locator('.terminal', { hasText: 'frame' }).waitFor();
  const cdp = await one.page.context().newCDPSession(one.page);
  // Of the processor, not of the clock: others may run beside.
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  await one.page.locator('.terminal').focus();
  const before = await costOf(cdp);
  const startedAt = performance.now();
  await one.page.keyboard.press(' ');
  await one.page
    .locator('.terminal', { hasText: `frame ${FRAMES_A_SECOND * PLAYED_SECONDS - 1} ` })
    .waitFor({ timeout: 10 * PLAYED_SECONDS * 1000 });
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await costOf(cdp);
  const heapMB = await heapOf(one.page);
  await one.close();
  const share = (name: string): number => Math.round(((after[name]! - before[name]!) / seconds) * 1000) / 10;
  return {
    seconds: Math.round(seconds * 10) / 10,
    taskPercent: share('TaskDuration'),
    scriptPercent: share('ScriptDuration'),
    stylePercent: share('RecalcStyleDuration'),
    layoutPercent: share('LayoutDuration'),
    heapMB,
  };
}

async function costOf(cdp: CDPSession): Promise<Readonly<Record<string, number>>> {
  const { metrics } = await cdp.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

/** A session of an SSH client that nobody recorded. */
async function made(page: Page): Promise<void> {
  const session = {
    id: ID,
    state: 'closed',
    startedAt: '2026-11-29T09:00:00.000Z',
    principal: { issuer: 'https://idp.example', subject: 'dev' },
    target: 'web-1',
    protocol: 'ssh',
    login: 'app',
    rule: 'made',
    client: { address: '127.0.0.1:1' },
  };
  await page.route(`**/v1/sessions/${ID}`, (route) => route.fulfill({ json: session }));
  await page.route(`**/v1/sessions/${ID}/steps?*`, (route) =>
    route.fulfill({
      json: {
        session: ID,
        protocol: 'ssh',
        verdict: 'verified',
        findings: [],
        steps: [],
        total: { steps: 0, errors: 0, writes: 0, until: 1 },
        checked: { segments: 0, of: 0 },
      },
    }),
  );
}

async function signedIn(): Promise<Visitor> {
  const one = await browser.visitor('auditor');
  await one.open('/sessions');
  return one;
}

/** Within the page, which is signed in. */
async function goTo(page: Page, id: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', '/sessions/${id}/terminal')`);
  await page.evaluate("dispatchEvent(new PopStateEvent('popstate'))");
}

async function shownAfter(page: Page, key: string, text: string): Promise<number> {
  await page.locator('.terminal').focus();
  return msOf(async () => {
    await page.keyboard.press(key);
    await page.locator('.terminal', { hasText: text }).waitFor({ timeout: 120_000 });
  });
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return Math.round(performance.now() - from);
}

async function heapOf(page: Page): Promise<number> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  return Math.round(usedSize / 1e6);
}
