/** Terminals of real programs over a real OpenSSH, played by the console, held against what another's terminal showed. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { CUSTODY } from '#test/cli/support.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { hasClient } from '#test/support/clients.ts';
import {
  accessibilityFaults,
  ConsoleBrowser,
  faultsOfLooks,
  type Visitor,
} from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { lastSession, sessions } from '#test/support/recorded.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { Tmux, trimmed } from './tmux.ts';

const SIZE = { columns: 90, rows: 26 };
/** The shell's, where it waits. */
const PROMPT = /\$$/;
/** Between what a gateway saw and what a terminal showed of it. */
const BEHIND_US = 40_000;

describe.runIf(hasChromium() && hasOpenSsh() && hasClient('tmux'))('a terminal', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'custody-terminal-'));
    // What lies in it is read by the demo's own user.
    chmodSync(folder, 0o711);
    gateway = await startLocalGateway({ args: ['--demo-ssh'] });
    browser = await ConsoleBrowser.start(() => gateway.addresses);
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Somebody at a terminal, connected to web-1. */
  async function connected(): Promise<Tmux> {
    const env = await gateway.cliEnvironment('developer', join(folder, 'developer'));
    const shell = "PS1='$ ' exec bash --norc";
    const command = [CUSTODY, 'connect', 'web-1', '--', 'ssh', '-t', shell];
    const tmux = new Tmux(command, { HOME: folder, ...env }, SIZE);
    await tmux.until(/^\$$/m);
    await enter(tmux, 'clear', /^\$$/);
    return tmux;
  }

  async function enter(tmux: Tmux, line: string, until: RegExp): Promise<void> {
    tmux.type(line);
    tmux.keys('Enter');
    await tmux.until(until);
  }

  /** Their session, once it is over. */
  async function left(tmux: Tmux): Promise<SessionRecord> {
    tmux.type('exit 3');
    tmux.keys('Enter');
    await tmux.ended();
    tmux.stop();
    return lastSession(gateway);
  }

  async function opened(visitor: Visitor, { id }: SessionRecord, at?: number): Promise<Page> {
    await visitor.open(`/sessions/${id}/terminal${at === undefined ? '' : `?at=${at}`}`);
    await visitor.page.locator('.player').waitFor();
    return visitor.page;
  }

  function screenOf(page: Page): Promise<string> {
    return page.locator('.terminal').innerText().then(trimmed);
  }

  /** Nobody has a range of a browser drag to a microsecond. */
  function goTo(page: Page, us: number): Promise<void> {
    return page.locator('.seek input').fill(String(us));
  }

  test('of vim, less, top and tmux shows at each moment what another terminal showed', async () => {
    const tmux = await connected();
    const file = join(folder, 'story.txt');
    writeFileSync(file, Array.from({ length: 200 }, (_, at) => `line ${at} of a story\tcol`).join('\n'), {
      mode: 0o644,
    });
    const seen: { readonly at: number; readonly screen: string }[] = [];
    const look = async (): Promise<void> => void seen.push(await tmux.still());

    await enter(tmux, `vim -u NONE -N ${file}`, /line 1 of a story/);
    tmux.keys('5', 'G', 'd', 'd', 'i');
    tmux.type('日本語 wide é');
    tmux.keys('Escape');
    tmux.type(':set number hlsearch');
    tmux.keys('Enter');
    tmux.type('/story');
    tmux.keys('Enter', 'C-d');
    await look();
    tmux.type(':vsplit');
    tmux.keys('Enter');
    await look();
    tmux.resize(70, 20);
    await look();
    tmux.type(':qa!');
    tmux.keys('Enter');
    await tmux.until(PROMPT);
    await look();
    await enter(tmux, `less ${file}`, /line 3 of/);
    tmux.keys('Space', 'b', 'j', 'j');
    await look();
    tmux.keys('q');
    // Before it has read the key, another size would have it drop it.
    await tmux.until(PROMPT);
    tmux.resize(SIZE.columns, SIZE.rows);
    // With -u its lines are characters as any other: tmux does not tell those of another character set.
    const inner = `tmux -u -L custody-${process.pid} -f /dev/null`;
    await enter(tmux, `top -b -n 1 | head -5; TERM=screen ${inner} new-session -x 90 -y 26`, /\[0\]/);
    tmux.keys('C-b', '%');
    await look();
    tmux.type('echo in a pane; exit');
    tmux.keys('Enter');
    tmux.keys('C-b', 'd');
    await tmux.until(/detached/);
    await look();
    await enter(tmux, `${inner} kill-server; echo killed`, /^killed/m);
    const session = await left(tmux);

    const auditor = await browser.visitor('auditor');
    const page = await opened(auditor, session);
    const startedAt = Date.parse(session.startedAt);
    // Backwards as well, by keyframes or from the start.
    for (const { at, screen } of [...seen, ...seen.toReversed()]) {
      await goTo(page, (at - startedAt) * 1000 - BEHIND_US);
      await expect.poll(() => screenOf(page), { timeout: 10_000 }).toBe(screen);
    }
    expect(auditor.complaints).toEqual([]);
    await auditor.close();
  }, 240_000);

  describe('that is over', () => {
    let session: SessionRecord;
    beforeAll(async () => {
      const tmux = await connected();
      await enter(tmux, "printf '\\033[31mred needle\\033[0m \\033[7mback\\033[0m\\n'", /red needle back\n/);
      await enter(tmux, 'stty -echo; read -r secret; stty echo; echo taken', /\$ stty.*\n?$/);
      await enter(tmux, 'hunter2', /taken/);
      await enter(tmux, 'ls /nowhere', /cannot access/);
      session = await left(tmux);
    });

    test('is gone through by keys, markers and words, and its moment is in the address, also through a sign-in', async () => {
      const auditor = await browser.visitor('auditor', {
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      const page = await opened(auditor, session);
      await page.locator('.terminal').focus();
      await page.keyboard.press('Home');
      await expect.poll(() => screenOf(page)).not.toContain('needle');
      await page.keyboard.press(']');
      await page.keyboard.press('End');
      await page.locator('.terminal', { hasText: 'cannot access' }).waitFor();
      const addressed = (): number => Number(new URL(page.url()).searchParams.get('at'));
      await expect.poll(addressed).toBeGreaterThan(0);
      const end = addressed();
      await page.getByRole('button', { name: 'Copy screen' }).click();
      await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toContain('red needle back');

      await page.keyboard.press('/');
      await page.getByLabel('Find in the output').fill('RED NEEDLE');
      await page.locator('.hits button').first().click();
      await expect.poll(() => screenOf(page)).not.toContain('cannot access');
      await page.locator('.terminal span', { hasText: 'red needle' }).waitFor();
      await expect.poll(addressed).toBeLessThan(end);
      const at = addressed();
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(auditor.complaints).toEqual([]);
      await auditor.close();

      const other = await browser.visitor('auditor');
      const linked = await opened(other, session, at);
      await linked.locator('.terminal', { hasText: 'red needle' }).waitFor();
      expect(await screenOf(linked)).not.toContain('cannot access');
      await other.close();
    });

    test('lets go whoever goes on at once, also while the next page is still loaded', async () => {
      const auditor = await browser.visitor('auditor');
      const page = await opened(auditor, session);
      const asked = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      await page.route('**/assets/*.js', async (route) => {
        asked.resolve();
        await gate.promise;
        await route.continue();
      });
      await page.locator('.terminal').waitFor();
      // Both at once, as nobody's hands are: the player tells its moment 300 ms after a key.
      await page.evaluate(`
        document.querySelector('.terminal').dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
        document.querySelector('.nav a[href="/ledger"]').click();
      `);
      await asked.promise;
      // Begun after the player's, and longer: it ends after it.
      await page.evaluate('new Promise((done) => setTimeout(done, 400))');
      gate.resolve();
      await page.getByRole('heading', { level: 1, name: 'Ledger' }).waitFor();
      expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/ledger');
      await page.unrouteAll();
      await auditor.close();
    });

    test('plays to its end at sixteen times its speed, and says so', async () => {
      const auditor = await browser.visitor('auditor');
      const page = await opened(auditor, session);
      await page.locator('.terminal').focus();
      for (let press = 0; press < 4; press += 1) await page.keyboard.press('>');
      expect(await page.getByLabel('Speed').inputValue()).toBe('16');
      await page.keyboard.press(' ');
      await page.getByRole('status').filter({ hasText: 'Paused' }).waitFor({ state: 'attached' });
      await page.locator('.terminal', { hasText: 'cannot access' }).waitFor();
      await page.getByRole('button', { name: 'Play' }).waitFor();
      await auditor.close();
    });

    test('shows what was typed behind a warning alone: no screen showed it', async () => {
      const auditor = await browser.visitor('auditor');
      const page = await opened(auditor, session);
      await page.locator('.terminal').focus();
      await page.keyboard.press('End');
      await page.locator('.terminal', { hasText: 'taken' }).waitFor();
      expect(await page.locator('body').innerText()).not.toContain('hunter2');
      await page.getByRole('button', { name: 'Typed' }).click();
      expect(await page.locator('body').innerText()).not.toContain('hunter2');
      await page.getByRole('button', { name: 'Show what was typed' }).click();
      await page.locator('.typed pre', { hasText: 'hunter2' }).waitFor();
      expect(await accessibilityFaults(page)).toEqual([]);
      await auditor.close();
    });

    test('fits each screen', async () => {
      const auditor = await browser.visitor('auditor');
      const page = await opened(auditor, session);
      await page.locator('.terminal').focus();
      await page.keyboard.press('End');
      await page.locator('.terminal', { hasText: 'cannot access' }).waitFor();
      expect(await faultsOfLooks(page)).toEqual([]);
      expect(auditor.complaints).toEqual([]);
      const { api, issuer } = gateway.addresses;
      const own = [api, issuer].map((url) => new URL(url).origin);
      expect([...auditor.origins].filter((origin) => !own.includes(origin))).toEqual([]);
      await auditor.close();
    });
  });

  test('that runs is followed, rewound while it goes on, and seen to its end', async () => {
    const tmux = await connected();
    await enter(tmux, 'echo first words', /\nfirst words/);
    const session = (await sessions(gateway))[0]!;
    expect(session.state).toBe('open');
    const auditor = await browser.visitor('auditor');
    const page = await opened(auditor, session);
    await page.locator('.terminal', { hasText: 'first words' }).waitFor();
    await page.locator('.badge', { hasText: 'live' }).waitFor();
    await page.getByRole('button', { name: 'Following' }).waitFor();
    await enter(tmux, 'echo second words', /\nsecond words/);
    await page.locator('.terminal', { hasText: 'second words' }).waitFor();

    await page.locator('.terminal').focus();
    await page.keyboard.press('Home');
    await page.getByRole('button', { name: 'Go live' }).waitFor();
    await enter(tmux, 'echo third words', /\nthird words/);
    await expect.poll(() => page.locator('.seek input').getAttribute('max').then(Number)).toBeGreaterThan(0);
    expect(await screenOf(page)).not.toContain('words');
    await page.getByRole('button', { name: 'Go live' }).click();
    await page.locator('.terminal', { hasText: 'third words' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);

    await left(tmux);
    await page.locator('.badge', { hasText: 'exit 3' }).waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Following' }).count()).toBe(0);
    expect(auditor.complaints).toEqual([]);
    await auditor.close();
  });
});
