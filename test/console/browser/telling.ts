/** A test that fails says what its pages showed then. */
import { afterEach } from 'vitest';
import { type Visitor, visitors } from '#test/support/console-browser.ts';

const TOLD_MAX = 4_000;

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  for (const visitor of visitors) process.stderr.write(`${await told(visitor)}\n`);
});

async function told({ page, complaints }: Visitor): Promise<string> {
  const shown = await page.locator('body').ariaSnapshot({ timeout: 5_000 }).catch(String);
  return [`--- ${page.url()}`, ...complaints, shown.slice(0, TOLD_MAX), '---'].join('\n');
}
