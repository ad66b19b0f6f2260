import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { custody } from '#test/cli/support.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { hasClient } from '#test/support/clients.ts';
import {
  accessibilityFaults,
  ConsoleBrowser,
  faultsOfLooks,
  type Visitor,
} from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { judgementOf, recorded, storedFolder } from './evidence.ts';
import { oracle } from './proof-support.ts';

/** Rows that zstd makes half of: some segments of 8 MiB. */
const LARGE = `select md5(i::text) || md5((i * 7)::text) || md5((i * 13)::text) from generate_series(1, 450000) i;`;

/** A heading's words for each verdict of the verifier. */
const WORDS: Readonly<Record<string, string>> = {
  verified: 'Verified',
  failed: 'Failed',
  incomplete: 'Incomplete',
};

describe.runIf(hasChromium() && hasClient('psql'))('proof in the browser', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  let session: string;
  let ada: Visitor;
  /** The store's objects as they were recorded. */
  let kept: string;
  let ledgerProof: string;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    browser = await ConsoleBrowser.start(() => gateway.addresses);
    session = await recorded(gateway, LARGE);
    kept = mkdtempSync(join(tmpdir(), 'custody-kept-'));
    cpSync(storedFolder(gateway, session), kept, { recursive: true });
    ledgerProof = await proofOf(session);
    ada = await browser.visitor('auditor');
    await ada.open(`/sessions/${session}/proof`);
  });
  afterEach(async () => {
    await ada.page.unrouteAll();
    const folder = storedFolder(gateway, session);
    rmSync(folder, { recursive: true });
    cpSync(kept, folder, { recursive: true });
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
    if (kept !== undefined) rmSync(kept, { recursive: true });
  });

  async function proofOf(id: string): Promise<string> {
    const headers = { authorization: `Bearer ${await gateway.token('auditor')}` };
    const answer = await fetch(`${gateway.addresses.api}/v1/sessions/${id}/ledger`, { headers });
    return `${JSON.stringify(await answer.json())}\n`;
  }

  async function verifyAgain(): Promise<void> {
    await ada.page.getByRole('button', { name: 'Verify again' }).click();
  }

  test('is the gateway’s own word until somebody compares and pins; then it is proof, and the evidence says whose session it was', async () => {
    const { page } = ada;
    const before = await judgementOf(page);
    expect(before.verdict).toBe('Consistent, not yet proof');
    expect(before.findings).toEqual(['signer-unanchored signer.pem', 'ledger-unanchored ledger.json']);
    const der = createPublicKey(readFileSync(gateway.addresses.signer)).export({
      type: 'spki',
      format: 'der',
    });
    const fingerprint = createHash('sha256').update(der).digest('hex');
    expect(await page.locator('.fingerprint').evaluate((code) => code.textContent)).toBe(fingerprint);
    await page.getByRole('button', { name: 'I compared both: pin them' }).click();
    await page.getByText('The gateway signs with the key that you pinned.').waitFor();
    expect(await judgementOf(page)).toEqual({ verdict: 'Verified', findings: [] });
    const stated = await page.locator('table.stated').innerText();
    expect(stated).toContain('dana@example.com');
    expect(stated).toContain('orders-db');
    await page.getByText('the same').first().waitFor();
    expect(await page.getByText('The API says otherwise').count()).toBe(0);
    expect(await page.locator('.checks li.holds').allInnerTexts()).toHaveLength(6);
    const { api, issuer } = gateway.addresses;
    expect([...ada.origins].sort()).toEqual([api, issuer].map((url) => new URL(url).origin).sort());
    expect(ada.complaints).toEqual([]);
    await page.reload();
    await ada.open(`/sessions/${session}/proof`);
    expect(await judgementOf(page)).toEqual({ verdict: 'Verified', findings: [] });
  });

  const segment = (number: number): string => `${String(number).padStart(8, '0')}.seg`;
  function flipByte(file: string, at: number): void {
    const bytes = readFileSync(file);
    bytes[at]! ^= 1;
    replace(file, bytes);
  }
  /** The store makes what it has read-only. */
  function replace(file: string, bytes: Uint8Array): void {
    chmodSync(file, 0o600);
    writeFileSync(file, bytes);
  }

  test.each<[what: string, alter: (folder: string) => void]>([
    ['a byte of a segment’s content', (folder) => flipByte(join(folder, segment(1)), 1000)],
    [
      'a byte of a segment’s head',
      (folder) => flipByte(join(folder, segment(0)), statSync(join(folder, segment(0))).size - 300),
    ],
    [
      'a byte of a segment’s signature',
      (folder) => flipByte(join(folder, segment(0)), statSync(join(folder, segment(0))).size - 10),
    ],
    [
      'two segments swapped',
      (folder) => {
        const [one, other] = [segment(0), segment(1)].map((name) => readFileSync(join(folder, name)));
        replace(join(folder, segment(0)), other!);
        replace(join(folder, segment(1)), one!);
      },
    ],
    ['a segment missing', (folder) => rmSync(join(folder, segment(1)))],
    [
      'the last segment cut off',
      (folder) => {
        const file = join(
          folder,
          readdirSync(folder)
            .filter((name) => name.endsWith('.seg'))
            .sort()
            .at(-1)!,
        );
        chmodSync(file, 0o600);
        truncateSync(file, statSync(file).size - 100);
      },
    ],
    ['a segment more', (folder) => cpSync(join(folder, segment(0)), join(folder, segment(77)))],
    ['an object that does not belong there', (folder) => writeFileSync(join(folder, 'extra.txt'), 'x')],
    [
      'an opening of somebody else, signed with another key',
      (folder) => {
        const text = readFileSync(join(folder, 'open.json'), 'utf8').replaceAll(
          'dana@example.com',
          'eve@example.com',
        );
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        replace(join(folder, 'open.json'), Buffer.from(text));
        replace(join(folder, 'open.json.sig'), sign('sha256', Buffer.from(text), privateKey));
      },
    ],
    ['an opening without its signature', (folder) => rmSync(join(folder, 'open.json.sig'))],
    [
      'an end that counts less',
      (folder) => {
        const file = join(folder, 'close.json');
        replace(file, Buffer.from(readFileSync(file, 'utf8').replace(/"frames": ?\d+/, '"frames": 1')));
      },
    ],
  ])('%s is found, by the names that custody verify has for it', async (_what, alter) => {
    alter(storedFolder(gateway, session));
    await verifyAgain();
    const found = await judgementOf(ada.page);
    const expected = await oracle(gateway, session, ledgerProof);
    expect(found.findings).toEqual(expected.findings);
    expect(found.findings).not.toEqual([]);
    expect(found.verdict).toBe(WORDS[expected.verdict]);
  });

  test('another key than the pinned one is a loud failure, and nothing pins it by itself', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    await ada.page.route('**/v1/signer', (route) =>
      route.fulfill({ json: { pem, fingerprint: 'a'.repeat(64) } }),
    );
    await ada.open(`/sessions/${session}/proof`);
    expect(await judgementOf(ada.page)).toMatchObject({
      verdict: 'Failed',
      findings: expect.arrayContaining(['signer-untrusted signer.pem']) as string[],
    });
    expect(await ada.page.locator('.trust [role=alert]').innerText()).toContain(
      'THE SIGNING KEY OF THE GATEWAY HAS CHANGED',
    );
    expect(await accessibilityFaults(ada.page)).toEqual([]);
    await ada.open('/ledger');
    await ada.page.getByRole('heading', { name: 'The checkpoint is refused' }).waitFor();
    await ada.page.unroute('**/v1/signer');
    await ada.open(`/sessions/${session}/proof`);
    expect((await judgementOf(ada.page)).verdict).toBe('Verified');
  });

  test('an API that lies about the session is contradicted by the evidence', async () => {
    await ada.page.route(`**/v1/sessions/${session}`, async (route) => {
      const told = (await (await route.fetch()).json()) as { principal: object; outcome: object };
      await route.fulfill({
        json: { ...told, principal: { ...told.principal, email: 'eve@example.com' }, target: 'other-db' },
      });
    });
    await ada.open(`/sessions/${session}/proof`);
    expect((await judgementOf(ada.page)).verdict).toBe('Verified');
    await ada.page.getByText('The API says otherwise in 2 places').waitFor();
    const differing = await ada.page.locator('tr.differs').allInnerTexts();
    expect(differing.join(' ')).toMatch(/dana@example\.com\s+eve@example\.com.*orders-db\s+other-db/s);
  });

  test('what is saved is what custody verify takes', async () => {
    await ada.open(`/sessions/${session}/proof`);
    const [download] = await Promise.all([
      ada.page.waitForEvent('download'),
      ada.page.getByRole('button', { name: 'Save the evidence (.tar)' }).click(),
    ]);
    const folder = mkdtempSync(join(tmpdir(), 'custody-saved-'));
    const tar = join(folder, 'evidence.tar');
    await download.saveAs(tar);
    const { execFileSync } = await import('node:child_process');
    execFileSync('tar', ['-xf', tar, '-C', folder]);
    const { stdout, code } = await custody([
      'verify',
      join(folder, `evidence-${session}`),
      '--key',
      gateway.addresses.signer,
      '--origin',
      'custody.local/ledger',
    ]);
    expect([code, stdout.trim().split('\n').at(-1)]).toEqual([
      0,
      expect.stringContaining('VERIFIED') as string,
    ]);
    rmSync(folder, { recursive: true });
  });

  test('a verification is paused, taken up again, and ended', async () => {
    const { page } = ada;
    /** Opens the page, whose second segment was asked for, and does not come before it is let go. */
    const held = async (): Promise<() => Promise<void>> => {
      const asked = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      const done = Promise.withResolvers<void>();
      await page.route('**/objects/**/00000001.seg*', async (route) => {
        asked.resolve();
        await gate.promise;
        await route.continue().catch(() => undefined);
        done.resolve();
      });
      await ada.open(`/sessions/${session}/proof`);
      await asked.promise;
      return async () => {
        gate.resolve();
        await done.promise;
      };
    };
    const letGo = await held();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('heading', { name: 'Paused' }).waitFor();
    await letGo();
    await page.getByRole('button', { name: 'Go on' }).click();
    expect((await judgementOf(page)).verdict).toBe('Verified');
    await page.unrouteAll();
    const letGoAgain = await held();
    await page.getByRole('button', { name: 'End' }).click();
    await page.getByRole('heading', { name: 'Not verified' }).waitFor();
    await letGoAgain();
    await page.getByRole('button', { name: 'Verify again' }).click();
    expect((await judgementOf(page)).verdict).toBe('Verified');
  });

  test.each([`/sessions/:id/proof`, '/ledger'])(
    'axe finds nothing at %s, and nothing scrolls sideways',
    async (address) => {
      const { page, complaints, open, close } = await browser.visitor('auditor');
      await open(address.replace(':id', session));
      await page.locator('.verdict, table.leaves').first().waitFor();
      await page.locator('progress').waitFor({ state: 'detached' });
      expect(await faultsOfLooks(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    },
  );
});
