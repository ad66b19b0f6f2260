/** Security cases 18 and 21: recordings that try to run script, to break out of the terminal, or to keep the page busy. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { custody } from '#test/cli/support.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { accessibilityFaults, ConsoleBrowser, type Visitor } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { lastSession } from '#test/support/recorded.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const MARKUP = `<img src=x onerror="pwned=1"></script><script>pwned=1</script><a href="javascript:pwned=1">x</a>`;
const ID = '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f';
const [ESC, BEL, ST] = ['\u001b', '\u0007', '\u001b\\'];

/** Each is put out between words that are looked for. */
const ATTACKS: Readonly<Record<string, string | Uint8Array>> = {
  markup: MARKUP,
  titles: `${ESC}]0;owned${BEL}${ESC}]1;owned${BEL}${ESC}]2;owned${ST}${ESC}[22t${ESC}[21t`,
  links: `${ESC}]8;;javascript:pwned=1${ST}click${ESC}]8;;${ST}${ESC}]8;id=a;http://evil.example/${BEL}click${ESC}]8;;${BEL}`,
  clipboard: `${ESC}]52;c;b3duZWQ=${BEL}${ESC}]52;p;?${BEL}${ESC}]5522;type=write${ST}`,
  files: `${ESC}]1337;File=name=eA==;inline=1:PHNjcmlwdD4=${BEL}${ESC}]1337;OpenURL=:aHR0cDovL2V2aWw=${BEL}`,
  notifications: `${ESC}]9;owned${BEL}${ESC}]777;notify;owned;owned${BEL}${ESC}]99;;owned${ST}`,
  colours: `${ESC}]4;1;rgb:00/00/00${BEL}${ESC}]10;#000000${BEL}${ESC}]11;url(http://evil.example)${BEL}`,
  sixel: `${ESC}Pq"1;1;9999;9999#0;2;0;0;0!99999999~-${ST}`,
  'device control': `${ESC}P$q"p${ST}${ESC}P+q544e${ST}${ESC}P1000p%begin${ST}`,
  'APC, PM, SOS': `${ESC}_Gf=24,s=9999,v=9999;AAAA${ST}${ESC}^owned${ST}${ESC}Xowned${ST}`,
  questions: `${ESC}[c${ESC}[>c${ESC}[=c${ESC}[5n${ESC}[6n${ESC}[?15n${ESC}[18t${ESC}Z\u0005`,
  modes: `${ESC}[?1000;1002;1003;1006;2004;1004h${ESC}[?2026h${ESC}[?25l`,
  parameters: `${ESC}[${'9'.repeat(5_000)};${';'.repeat(5_000)}m${ESC}[${'1:'.repeat(5_000)}m`,
  repeats: ['b', 'S', 'T', 'L', 'M', 'I', 'Z', '@', 'P', 'X', 'A', 'B', 'C', 'D', 'E', 'F']
    .map((final) => `${ESC}[1000000000${final}${ESC}[2147483647${final}`)
    .join('x'),
  'an endless line': 'x'.repeat(3 << 20),
  marks: `z${'\u0301\u0489\u20dd'.repeat(60_000)}`,
  directions: 'user\u202egnp.exe\u2066\u2067\u200f\u061c',
  'nothing to be seen': '\u200b\u200c\u2060\u00ad\u{e0041}\u3164\u2800',
  'no UTF-8': Uint8Array.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0xf8, 0x88, 0x80, 0x80, 0x80]),
  'all bytes': Uint8Array.from({ length: 4096 }, (_, at) => (at * 7) & 255),
  'strings without an end': `${ESC}]0;${'x'.repeat(1 << 20)}${BEL}${ESC}P${'y'.repeat(1 << 20)}${ST}`,
  'character sets': `${ESC}(0qqq${ESC}(B${ESC}%G\u000eqqq\u000f${ESC}N${ESC}O`,
};

describe.runIf(hasChromium())('a hostile recording', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  /** One page sees all of it: what it held before is gone, or it would not be a page that can be used. */
  let one: Visitor;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'custody-hostile-'));
    // What lies in it is read by the demo's own user.
    chmodSync(folder, 0o711);
    gateway = await startLocalGateway({ args: ['--demo-ssh'] });
    browser = await ConsoleBrowser.start(() => gateway.addresses);
    one = await browser.visitor('auditor', { permissions: ['clipboard-read', 'clipboard-write'] });
    await one.open('/sessions');
    await one.page.evaluate("navigator.clipboard.writeText('mine')");
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The page took none of it for anything but text. */
  async function expectUnharmed({ page, complaints, origins }: Visitor): Promise<void> {
    const { api, issuer } = gateway.addresses;
    const own = [api, issuer].map((url) => new URL(url).origin);
    expect([...origins].filter((origin) => !own.includes(origin))).toEqual([]);
    expect(complaints).toEqual([]);
    expect(await page.evaluate('globalThis.pwned')).toBeUndefined();
    expect(await page.title()).toMatch(/^Terminal of a session · Custody$/);
    expect(await page.locator('img, iframe, canvas, main script, main style').count()).toBe(0);
    expect(await page.locator('.player a').count()).toBe(0);
    expect(await page.locator('.terminal').innerText()).not.toMatch(/[\p{Cf}\p{Cc}](?<![\n\t])/u);
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('mine');
  }

  /** What the API answers of a session that nobody recorded; within the page, without signing in anew. */
  async function openMade(page: Page, events: readonly string[]): Promise<void> {
    const json = (body: object) => ({
      status: 200,
      contentType: 'application/json',
      body: JSON.stringify(body),
    });
    const path = `**/v1/sessions/${ID}`;
    await page.unrouteAll();
    await page.route(path, (route) => route.fulfill(json(madeSession())));
    await page.route(`${path}/steps?*`, (route) => route.fulfill(json(madeSteps())));
    await page.route(`${path}/live?*`, (route) =>
      route.fulfill({ status: 200, contentType: 'text/event-stream', body: events.join('') }),
    );
    await openTerminal(page, ID);
  }

  test.each(Object.entries(ATTACKS))('with %s is text', async (_, attack) => {
    const tape = new Made();
    tape.print(`${ESC}cbefore `).print(attack).print(`${ST}${BEL}${ESC}[?25h${ESC}[m\r\nafter`);
    await openMade(one.page, tape.end());
    await one.page.locator('.terminal').focus();
    await one.page.keyboard.press('End');
    await one.page.locator('.terminal', { hasText: 'after' }).waitFor();
    await expectUnharmed(one);
  });

  test('with windows of any size stays a page that can be used', async () => {
    const tape = new Made();
    for (const [columns, rows] of [
      [65_535, 65_535],
      [0, 0],
      [1, 65_535],
      [65_535, 1],
      [2 ** 32, 3],
      [80, 24],
    ] as const)
      tape.resize(columns, rows).print(`at ${columns}×${rows}\r\n${'#'.repeat(3_000)}${ESC}[H${ESC}#8`);
    tape.print(`${ESC}[2J${ESC}[Hafter`);
    await openMade(one.page, tape.end());
    for (const key of ['Home', ']', ']', ']', ']', '[', 'End']) {
      await one.page.locator('.terminal').focus();
      await one.page.keyboard.press(key);
    }
    await one.page.locator('.terminal', { hasText: 'after' }).waitFor();
    await expectUnharmed(one);
  });

  test('by names, logins, commands and channels of markup is text, and axe finds nothing', async () => {
    await openMade(one.page, new Made().print(MARKUP).end());
    await one.page.locator('.player .hint', { hasText: '<img src=x' }).waitFor();
    await one.page
      .getByLabel('Terminal', { exact: true })
      .locator('option', { hasText: '</script>' })
      .first()
      .waitFor({ state: 'attached' });
    await one.page.locator('.terminal').focus();
    await one.page.keyboard.press('/');
    await one.page.getByLabel('Find in the output').fill('onerror');
    await one.page.locator('.hits mark').first().waitFor();
    await expectUnharmed(one);
    expect(await accessibilityFaults(one.page)).toEqual([]);
  });

  test.runIf(hasOpenSsh())('that a real program put out over SSH is text', async () => {
    const file = join(folder, 'attack');
    const all = Object.values(ATTACKS).map((attack) =>
      Buffer.concat([Buffer.from(attack), Buffer.from(`${ST}${BEL}`)]),
    );
    writeFileSync(file, Buffer.concat([...all, Buffer.from(`${ESC}c${MARKUP}\r\nafter`)]), { mode: 0o644 });
    await openTerminal(one.page, await recorded(`cat ${file}; echo '${MARKUP}' >/dev/null`));
    await whole(one.page);
    await one.page.locator('.terminal').focus();
    await one.page.keyboard.press('End');
    await one.page.locator('.terminal', { hasText: 'after' }).waitFor();
    await expectUnharmed(one);
  });

  test.runIf(hasOpenSsh())(
    'of tens of megabytes is gone through in bounded memory, and its end and start are shown',
    async () => {
      await openTerminal(one.page, await recorded('printf start; yes | head -c 30000000; printf after'));
      await whole(one.page);
      await one.page.locator('.terminal').focus();
      await one.page.keyboard.press('End');
      await one.page.locator('.terminal', { hasText: 'after' }).waitFor({ timeout: 100_000 });
      await one.page.keyboard.press('Home');
      await expect.poll(() => one.page.locator('.terminal').innerText()).not.toContain('after');
      await expectUnharmed(one);
      const { jsHeap } = await heapOf(one.page);
      expect(jsHeap).toBeLessThan(150e6);
    },
    240_000,
  );

  async function recorded(command: string): Promise<string> {
    const env = await gateway.cliEnvironment('developer', join(folder, 'developer'));
    await custody(['connect', 'web-1', '--', 'ssh', '-tt', command], { env });
    return (await lastSession(gateway)).id;
  }
});

/** Within the page, by way of one that asks the API for nothing. */
async function openTerminal(page: Page, id: string): Promise<void> {
  const goTo = async (path: string): Promise<void> => {
    await page.evaluate(`history.pushState(null, '', '${path}')`);
    await page.evaluate("dispatchEvent(new PopStateEvent('popstate'))");
  };
  await goTo('/nowhere');
  await page.locator('.player').waitFor({ state: 'detached' });
  await goTo(`/sessions/${id}/terminal`);
  await page.locator('.player').waitFor();
}

/** Once all of it has come: until then its end is another. */
function whole(page: Page): Promise<void> {
  const loading = page.locator('.hint', { hasText: 'loading' });
  return loading.waitFor({ state: 'detached', timeout: 100_000 });
}

async function heapOf(page: Page): Promise<{ readonly jsHeap: number }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  return { jsHeap: usedSize };
}

/** A terminal’s events as the API tells them. */
class Made {
  readonly #events: string[] = [];
  #n = 0;

  constructor() {
    this.#add({ kind: 'start', columns: 80, rows: 24, isTerminal: true });
  }

  print(output: string | Uint8Array): this {
    return this.#add({ kind: 'output', bytes: Buffer.from(output as string).toString('base64') });
  }

  resize(columns: number, rows: number): this {
    return this.#add({ kind: 'resize', columns, rows });
  }

  end(): readonly string[] {
    const end = { of: 'session', reason: MARKUP, verdict: 'verified' };
    return [...this.#events, `event: end\ndata: ${JSON.stringify(end)}\n\n`];
  }

  #add(event: object): this {
    this.#n += 1;
    const data = { n: this.#n, at: this.#n * 1_000_000, ...event };
    this.#events.push(`id: ${this.#n}\nevent: terminal\ndata: ${JSON.stringify(data)}\n\n`);
    return this;
  }
}

function madeSession() {
  return {
    id: ID,
    state: 'closed',
    startedAt: '2026-11-29T09:00:00.000Z',
    principal: { issuer: MARKUP, subject: MARKUP, email: `${MARKUP}\u202e` },
    target: MARKUP,
    protocol: 'ssh',
    login: `${MARKUP}\u202e`,
    rule: MARKUP,
    task: MARKUP,
    client: { address: MARKUP },
  };
}

function madeSteps() {
  const value = { text: `${MARKUP}\u202e`, bytes: 9, cut: false };
  const step = { at: 1_000_000, took: 1, marks: ['error'], command: value, program: { pty: {} } };
  return {
    session: ID,
    protocol: 'ssh',
    verdict: 'verified',
    findings: [],
    total: { steps: 2, errors: 2, writes: 0, until: 1 },
    checked: { segments: 0, of: 0 },
    steps: [1, 2].map((channel) => ({ ...step, number: channel, kind: 'exec', channel })),
  };
}
