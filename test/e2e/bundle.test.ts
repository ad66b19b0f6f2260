/** Bundles for an outside auditor, made by the real command of real sessions, opened by a real browser without a network. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CUSTODY } from '#test/cli/support.ts';
import { ask, login, ptyRequest, session } from '#test/core/replay/ssh/support.ts';
import { accessibilityFaults, hasChromium, OfflineChromium } from '#test/support/chromium.ts';
import { eventually, hasClient, psql } from '#test/support/clients.ts';
import { buildEvidence, type Files, makeKeys, sha256, spki } from '#test/support/evidence-builder.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { lastSession } from '#test/support/recorded.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const streams = { client: 0, target: 1, gateway: 2, note: 3 } as const;

let folder: string;
let browser: OfflineChromium;

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}, file = CUSTODY) {
  const child = spawn(file, args, { env: { PATH: process.env['PATH']!, HOME: folder, ...env }, cwd: folder });
  child.stdin.end();
  const code = new Promise<number | null>((done) => child.once('close', done));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

async function opened(file: string): Promise<Page> {
  const page = await browser.open(file);
  await page.waitForSelector('.verdict');
  return page;
}

function verdictOf(page: Page): Promise<string> {
  return page.innerText('.verdict');
}

async function trust(page: Page, key: string, ledger = ''): Promise<void> {
  await page.fill('.trust textarea', key);
  await page.fill('.trust input', ledger);
  await page.click('.trust button');
  await page.waitForSelector('.verdict');
}

describe.runIf(hasChromium() && hasClient('psql') && hasOpenSsh())('a bundle', () => {
  let gateway: LocalGateway;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'custody-bundle-'));
    [gateway, browser] = await Promise.all([
      startLocalGateway({ args: ['--demo-ssh'] }),
      OfflineChromium.start(),
    ]);
  });
  afterAll(async () => {
    await Promise.all([gateway?.stop(), browser?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Of the newest session, once its end is in the ledger. */
  async function bundled(out: string): Promise<string> {
    const { id } = await lastSession(gateway);
    const env = await gateway.cliEnvironment('auditor', join(folder, 'auditor'));
    const authorization = `Bearer ${env['CUSTODY_TOKEN']}`;
    await eventually('the end to be in the ledger', async () => {
      const proof = await fetch(`${gateway.addresses.api}/v1/sessions/${id}/ledger`, {
        headers: { authorization },
      });
      return /session-(?:closed|recovered)/.test(await proof.text()) ? true : undefined;
    });
    const { code, stderr } = await run(['export', id, '--bundle', '--out', out], env);
    expect(code, stderr).toBe(0);
    return join(folder, out);
  }

  test('of a PostgreSQL session: verified under the key that is pasted, played, searched, saved', async () => {
    const sql = `create table bundled (n int, word text);
      insert into bundled values (1, 'first'), (2, '<b>second</b>');
      select * from bundled order by n;
      \\set ON_ERROR_STOP 0
      select 1/0;
      drop table bundled;`;
    await psql(gateway, sql);
    const page = await opened(await bundled('session.html'));
    expect(await verdictOf(page)).toContain('unanchored');
    await trust(page, readFileSync(gateway.addresses.signer, 'utf8'), 'custody.local/ledger');
    expect(await verdictOf(page)).toMatch(/^verified/);
    expect(await page.innerText('dl')).toContain('dana@example.com');
    expect(await page.innerText('main')).toContain('by the command tag alone');

    await page.fill('[type=search]', 'SECOND');
    await page.locator('.search', { hasText: /\d step/ }).waitFor();
    await page.waitForSelector('.detail pre');
    await page.click('text=Next hit');
    await page.waitForSelector('table');
    expect(await page.innerText('table')).toContain('<b>second</b>');
    await page.fill('.controls input', '1');
    await page.press('.controls input', 'Enter');
    await page.click('text=Next error');
    await page.locator('.detail', { hasText: 'division by zero' }).waitFor();
    await page.click('text=Next write');
    await page.locator('.detail', { hasText: 'drop table' }).waitFor();
    await page.fill('.controls input', '1');
    await page.press('.controls input', 'Enter');
    await page.selectOption('select >> nth=0', '50');
    await page.getByRole('button', { name: 'Play' }).click();
    await expect.poll(async () => Number(await page.inputValue('.controls input'))).toBeGreaterThan(3);
    expect(await accessibilityFaults(page)).toEqual([]);

    const saved = page.waitForEvent('download', (download) => download.suggestedFilename().endsWith('.tar'));
    await page.click('text=Save the evidence');
    const tar = join(folder, 'saved.tar');
    await (await saved).saveAs(tar);
    expect(await run(['-xf', tar], {}, 'tar')).toMatchObject({ code: 0 });
    const [, id] = /Session\s+(\S+)/.exec(await page.innerText('dl'))!;
    const verified = await run(['verify', `evidence-${id}`, '--key', gateway.addresses.signer]);
    expect(verified).toMatchObject({ code: 0 });

    const html = readFileSync(join(folder, 'session.html'), 'utf8');
    writeFileSync(join(folder, 'tampered.html'), tampered(html));
    const wrong = await opened(join(folder, 'tampered.html'));
    expect(await verdictOf(wrong)).toMatch(/^FAILED[^]*content-hash-mismatch/);
  });

  test('of an SSH session: its terminal is played as it was', async () => {
    const env = await gateway.cliEnvironment('developer', join(folder, 'developer'));
    await run(
      [
        'connect',
        'web-1',
        '--',
        'ssh',
        '-tt',
        "printf '\\033[31mred words\\033[0m\\n'; sleep 0.1; printf 'later\\n'; exit 3",
      ],
      env,
    );
    const page = await opened(await bundled('terminal.html'));
    await trust(page, readFileSync(gateway.addresses.signer, 'utf8'), 'custody.local/ledger');
    expect(await verdictOf(page)).toMatch(/^verified/);
    await page.waitForSelector('.terminal');
    await page.press('.steps', 'End');
    // Each line of a screen is an element: only as it is seen is there anything between them.
    await expect.poll(() => page.locator('.terminal').innerText()).toMatch(/red words\s+later/);
    expect(await page.locator('.terminal span', { hasText: 'red words' }).getAttribute('style')).toContain(
      'color',
    );
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  test('as a folder: the evidence is picked, since a page may read nothing by itself', async () => {
    const { id } = await lastSession(gateway);
    const env = await gateway.cliEnvironment('auditor', join(folder, 'auditor'));
    expect(await run(['export', id, '--bundle', '--out', 'folder'], env)).toMatchObject({ code: 0 });
    const page = await browser.open(join(folder, 'folder/index.html'));
    await page.setInputFiles('[type=file] >> nth=0', join(folder, 'folder/evidence'));
    await page.waitForSelector('.verdict');
    await trust(page, sha256OfSigner(gateway), 'custody.local/ledger');
    expect(await verdictOf(page)).toMatch(/^verified/);
    const verified = await run(['verify', 'folder/evidence', '--key', gateway.addresses.signer]);
    expect(verified).toMatchObject({ code: 0 });
  });

  test('security case 18 (browser): no text of a session, a statement or a name is anything but text', async () => {
    const { files, trusted } = hostile();
    const evidence = mkdtempSync(join(folder, 'hostile-'));
    for (const [name, bytes] of files) writeFileSync(join(evidence, name), bytes);
    writeFileSync(join(evidence, `<!--<script>${'x'.repeat(9)}`), ATTACK);
    expect(await run(['export', evidence, '--bundle', '--out', 'hostile.html'])).toMatchObject({ code: 1 });
    const page = await opened(join(folder, 'hostile.html'));
    expect(await verdictOf(page)).toMatch(/^FAILED[^]*object-unlisted/);
    await trust(page, trusted);
    for (let step = 0; step < 12; step += 1) await page.press('.steps', 'ArrowDown');
    await page.press('.steps', 'End');
    await page.locator('.terminal', { hasText: '<img src=x' }).waitFor();
    expect(await page.innerText('dl')).toContain('<img src=x');
    expect(await page.evaluate(() => (globalThis as { pwned?: unknown }).pwned)).toBeUndefined();
    expect(await page.locator('img').count()).toBe(0);
    // Nothing that turns the direction of what is read.
    expect(await page.innerText('main')).not.toMatch(/[\p{Cf}\p{Cc}](?<![\n\t])/u);
  });

  test('asked no network for anything, and broke no rule of its page', () => {
    expect(browser.requests.filter((url) => !url.startsWith('blob:file:'))).toEqual([]);
    expect(browser.complaints).toEqual([]);
  });
});

const ATTACK = '<img src=x onerror="pwned=1"></script><script>pwned=1</script>';

/** A shell that prints markup and what terminals act on, by somebody whose name is markup. */
function hostile(): { readonly files: Files; readonly trusted: string } {
  const peers = session();
  const { frames } = login(peers.tape);
  peers.run(ptyRequest(100, 30));
  peers.run(ask('shell').done());
  peers.print('$ ');
  peers.type(`${ATTACK}\r`);
  peers.print(`${ATTACK}\r\n\u001b]0;owned\u0007\u202eturned\u2066\r\n`);
  peers.close(3);
  const keys = makeKeys();
  const open = {
    target: { name: ATTACK, protocol: 'ssh', address: 'web-1:22' },
    principal: {
      issuer: 'http://127.0.0.1',
      subject: ATTACK,
      email: `${ATTACK}\u202e`,
      groups: [],
      groupsOmitted: 0,
    },
  };
  const input = frames.map(({ stream, timeUs, payload }) => ({ stream: streams[stream], timeUs, payload }));
  return { files: buildEvidence(keys, [[input]], { open }), trusted: sha256(spki(keys.signer)) };
}

function sha256OfSigner(gateway: LocalGateway): string {
  const pem = readFileSync(gateway.addresses.signer, 'utf8');
  return sha256(Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64'));
}

/** One byte of the recording is another one. */
function tampered(html: string): string {
  const [, manifest] = /id="custody-bundle">([^<]*)</.exec(html)!;
  const { files } = JSON.parse(manifest!) as { files: { name: string }[] };
  const at = files.findIndex(({ name }) => name.endsWith('.seg'));
  return html.replace(new RegExp(`(id="evidence-${at}">)([^<]*)`), (_, start: string, base64: string) => {
    const bytes = Buffer.from(base64, 'base64');
    bytes[20] = bytes[20]! ^ 1;
    return start + bytes.toString('base64');
  });
}
