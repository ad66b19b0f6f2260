/** Pictures of pages, of a size that they can be kept with the source. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { accessibilityFaults } from '#test/support/console-browser.ts';
import { withPalette } from './palette.ts';

const FOLDER =
  process.env['CUSTODY_PICTURES'] ?? fileURLToPath(new URL('../../../docs/console', import.meta.url));
const PHONE = { width: 390, height: 780 };
const WIDE = { width: 1120, height: 720 };

const LOOKS = [
  { name: 'light', scheme: 'light', screen: WIDE },
  { name: 'dark', scheme: 'dark', screen: WIDE },
  { name: 'phone', scheme: 'light', screen: PHONE },
] as const;

/** Of the page as it stands: wide in light and in dark, and on a phone. What axe finds against each is told, and answered. */
export async function pictures(page: Page, name: string): Promise<readonly string[]> {
  mkdirSync(FOLDER, { recursive: true });
  const faults: string[] = [];
  for (const look of LOOKS) {
    await page.emulateMedia({ colorScheme: look.scheme, reducedMotion: 'reduce' });
    await page.setViewportSize(look.screen);
    const found = await accessibilityFaults(page);
    const path = `${FOLDER}/${name}-${look.name}.png`;
    const picture = withPalette(await page.screenshot({ animations: 'disabled', caret: 'hide' }));
    writeFileSync(path, picture);
    process.stdout.write(
      `${name}-${look.name}: axe found ${found.length}, ${Math.ceil(picture.byteLength / 1024)} KB\n`,
    );
    faults.push(...found.map((fault) => `${name}-${look.name}: ${fault}`));
  }
  await page.setViewportSize(WIDE);
  return faults;
}
