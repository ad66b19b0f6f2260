/** A recording that no tab may hold in memory as a whole. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '#test/support/chromium.ts';
import { hasClient } from '#test/support/clients.ts';
import { ConsoleBrowser } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { judgementOf, recorded, storedFolder } from './proof-support.ts';

const MIB = 1 << 20;
const SQL = `select md5(i::text) || md5((i * 7)::text) || md5((i * 13)::text) || md5((i * 17)::text)
  from generate_series(1, 2000000) i;`;

interface HeapUsage {
  readonly usedSize: number;
  readonly backingStorageSize?: number;
}

describe.runIf(hasChromium() && hasClient('psql'))('the proof of a large recording', () => {
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

  test('more than 100 MB are verified with a few segments in memory', { timeout: 300_000 }, async () => {
    const session = await recorded(gateway, SQL);
    const folder = storedFolder(gateway, session);
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(bytes).toBeGreaterThan(100 * MIB);
    const ada = await browser.visitor('auditor');
    const devtools = await ada.page.context().newCDPSession(ada.page);
    const heap = async (): Promise<number> => {
      const { usedSize, backingStorageSize = 0 } = (await devtools.send('Runtime.getHeapUsage')) as HeapUsage;
      return usedSize + backingStorageSize;
    };
    await ada.open(`/sessions/${session}/proof`);
    let most = 0;
    while ((await ada.page.locator('.verdict progress').count()) > 0) most = Math.max(most, await heap());
    expect((await judgementOf(ada.page)).findings).toEqual([
      'signer-unanchored signer.pem',
      'ledger-unanchored ledger.json',
    ]);
    const words = await ada.page.locator('.verdict .hint').innerText();
    process.stderr.write(
      `${Math.round(bytes / 1e6)} MB: ${words} At most ${Math.round(most / MIB)} MiB of memory.\n`,
    );
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(bytes / 2 + 20 * MIB);
    await ada.close();
  });
});
