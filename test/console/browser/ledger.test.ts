import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { type Checkpoint, openCheckpoint, signCheckpoint } from '#core/ledger/checkpoint.ts';
import { LOCAL_ORIGIN } from '#core/ledger/layout.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { hasClient } from '#test/support/clients.ts';
import { ConsoleBrowser, type Visitor } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { recorded, storedFolder } from './evidence.ts';

describe.runIf(hasChromium() && hasClient('psql'))('the ledger in the browser', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  let session: string;
  let ada: Visitor;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    browser = await ConsoleBrowser.start(() => gateway.addresses);
    session = await recorded(gateway, 'select 1;');
    ada = await browser.visitor('auditor');
    await ada.open('/ledger');
    await ada.page.getByRole('button', { name: 'I compared both: pin them' }).click();
  });
  afterEach(() => ada.page.unrouteAll());
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
  });

  /** What the gateway's own signer could have signed. */
  function signed(checkpoint: Omit<Checkpoint, 'origin'>): Promise<string> {
    return signCheckpoint({ origin: LOCAL_ORIGIN, ...checkpoint }, fileSigner(gateway.dataDir));
  }

  async function newest(): Promise<Checkpoint> {
    const headers = { authorization: `Bearer ${await gateway.token('auditor')}` };
    const answer = await fetch(`${gateway.addresses.api}/v1/ledger/checkpoint`, { headers });
    return openCheckpoint(await answer.text(), LOCAL_ORIGIN, await fileSigner(gateway.dataDir).publicKey());
  }

  async function compared(note: string): Promise<string> {
    await ada.page.getByLabel('Or its text').fill(note);
    await ada.page.getByRole('button', { name: 'Compare with the newest' }).click();
    const words = ada.page.locator('section:has(> #compare) .badge');
    await words.waitFor();
    return words.innerText();
  }

  test('shows what it is under the pinned signer, and each of the newest leaves proved', async () => {
    const { page } = ada;
    await page.getByText('signed by the key that you pinned').waitFor();
    await page.locator('table.leaves tbody tr').first().waitFor();
    expect(await page.locator('table.leaves').innerText()).toContain('Session opened');
    expect(await page.locator(`table.leaves a[href="/sessions/${session}"]`).count()).toBeGreaterThan(1);
    expect(
      await page.getByText(/^All \d+ of these, of \d+, are proved to be under the checkpoint\.$/).count(),
    ).toBe(1);
    expect(ada.complaints).toEqual([]);
  });

  test('a checkpoint that is kept is held against the newest: the ledger only grew', async () => {
    const { page } = ada;
    await page.getByRole('button', { name: 'Keep this checkpoint' }).click();
    await page.locator('ul.kept').getByText('same').waitFor();
    await recorded(gateway, 'select 2;');
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.locator('ul.kept').getByText('grown').waitFor();
    await ada.open('/ledger');
    await page.locator('ul.kept').getByText('grown').waitFor();
  });

  test('one from elsewhere: rolled back, forked, or none of this ledger', async () => {
    const { size, root } = await newest();
    const other = Buffer.from(root).fill(7);
    expect(await compared(await signed({ size: size + 10, root: other }))).toBe('rolled back');
    expect(await compared(await signed({ size: size - 1, root: other }))).toBe('forked');
    expect(
      await compared(`${LOCAL_ORIGIN}\n1\n${other.toString('base64')}\n\n— ${LOCAL_ORIGIN} AAAAAAAA\n`),
    ).toBe('refused');
  });

  test('a tile that was altered is no proof', async () => {
    await ada.page.route('**/v1/ledger/tile/0/**', async (route) => {
      const body = await (await route.fetch()).body();
      body[3]! ^= 1;
      await route.fulfill({ body, contentType: 'application/octet-stream' });
    });
    await ada.open('/ledger');
    await ada.page.getByText('are not under the checkpoint').waitFor();
  });

  test('the newest sessions are audited, and what the API leaves out is found', async () => {
    const { page } = ada;
    await ada.open('/ledger');
    const audit = async (): Promise<void> => page.getByRole('button', { name: 'Audit', exact: true }).click();
    await audit();
    await page.getByText('nothing found').waitFor();

    await page.route(`**/v1/sessions/${session}/ledger`, (route) =>
      route.fulfill({ status: 404, json: { code: 'not-found', detail: 'not yet', status: 404 } }),
    );
    await page.route('**/v1/sessions?*', async (route) => {
      const text = await (await route.fetch()).text();
      await route.fulfill({
        contentType: 'application/json',
        body: text.replaceAll(/"startedAt":"\d{4}/g, '"startedAt":"2020'),
      });
    });
    await audit();
    await page.locator('.audited code.finding').waitFor();
    expect(await page.locator('.audited code.finding').allInnerTexts()).toEqual(['session-unlisted']);
    await page.unrouteAll();

    const file = join(storedFolder(gateway, session), 'open.json');
    const kept = readFileSync(file);
    chmodSync(file, 0o600);
    writeFileSync(file, kept.toString().replaceAll('dana@', 'eve@'));
    await page.getByRole('checkbox').check();
    await audit();
    await page.getByText('statement-replaced').waitFor();
    writeFileSync(file, kept);
  });

  test('whoever may not see what leaves say sees the checkpoint, and why not more', async () => {
    const dana = await browser.visitor('developer');
    await dana.open('/ledger');
    await dana.page.getByText('is for who may replay every session').waitFor();
    await dana.page.getByRole('button', { name: 'Keep this checkpoint' }).click();
    await dana.page.locator('ul.kept').getByText('same').waitFor();
    await dana.close();
  });
});
