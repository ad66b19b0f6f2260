/** A recording of any size, and what it takes a browser to verify it. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsoleBrowser, Visitor } from '#test/support/console-browser.ts';
import type { LocalGateway } from '#test/support/local-gateway.ts';
import { judgementOf, recorded, storedFolder } from './evidence.ts';

export interface Large {
  readonly session: string;
  /** As they are stored. */
  readonly bytes: number;
}

/** Rows of 128 characters, of which zstd makes half. */
export async function largeRecording(gateway: LocalGateway, rows: number): Promise<Large> {
  const md5s = [1, 7, 13, 17].map((factor) => `md5((i * ${factor}::bigint)::text)`).join(' || ');
  const session = await recorded(gateway, `select ${md5s} from generate_series(1, ${rows}) i;`);
  const folder = storedFolder(gateway, session);
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  return { session, bytes };
}

export interface Taken {
  readonly findings: readonly string[];
  /** From the page's own clock. */
  readonly words: string;
  /** The most that scripts and their buffers held at once, beyond what they held when it was done. */
  readonly heldBytes: number;
}

/** Twice: for its time, and for its memory, which is looked at after garbage is collected each time. */
export async function verifiedIn(browser: ConsoleBrowser, { session }: Large): Promise<Taken> {
  const ada = await browser.visitor('auditor');
  try {
    await ada.open(`/sessions/${session}/proof`);
    const { findings } = await judgementOf(ada.page);
    const words = await ada.page.locator('.verdict .hint').innerText();
    const held = await heldBy(ada);
    const after = await held();
    await ada.page.getByRole('button', { name: 'Verify again' }).click();
    await ada.page.locator('.verdict progress').waitFor();
    let most = 0;
    while ((await ada.page.locator('.verdict progress').count()) > 0) most = Math.max(most, await held());
    return { findings, words, heldBytes: most - after };
  } finally {
    await ada.close();
  }
}

/** What the page's scripts hold: garbage is not counted. */
async function heldBy({ page }: Visitor): Promise<() => Promise<number>> {
  const devtools = await page.context().newCDPSession(page);
  return async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    const usage = await devtools.send('Runtime.getHeapUsage');
    const { usedSize, backingStorageSize = 0 } = usage as { usedSize: number; backingStorageSize?: number };
    return usedSize + backingStorageSize;
  };
}
