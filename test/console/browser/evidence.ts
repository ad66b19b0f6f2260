/** Evidence that is recorded by psql, where it is stored, and what the page of its proof says of it. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { eventually, psql } from '#test/support/clients.ts';
import type { LocalGateway } from '#test/support/local-gateway.ts';
import { lastSession } from '#test/support/recorded.ts';

/** Records what `sql` does; its id, once its end is in the ledger. */
export async function recorded(gateway: LocalGateway, sql: string): Promise<string> {
  const { code, stderr } = await psql(gateway, sql, { args: ['-o', '/dev/null'] });
  if (code !== 0) throw new Error(stderr);
  const { id } = await lastSession(gateway);
  await untilProved(gateway, id);
  return id;
}

/** Until a session's end is in the ledger. */
export async function untilProved(gateway: LocalGateway, session: string): Promise<void> {
  const headers = { authorization: `Bearer ${await gateway.token('auditor')}` };
  await eventually('the end to be in the ledger', async () => {
    const proof = await fetch(`${gateway.addresses.api}/v1/sessions/${session}/ledger`, { headers });
    return /session-(?:closed|recovered)/.test(await proof.text()) ? true : undefined;
  });
}

export function storedFolder(gateway: LocalGateway, session: string): string {
  return join(gateway.dataDir, 'store', 'sessions', session);
}

export interface Judgement {
  readonly verdict: string;
  /** "code object", in the order of the report. */
  readonly findings: readonly string[];
}

/** The page's, once there is one. */
export async function judgementOf(page: Page): Promise<Judgement> {
  await page.locator('.verdict:not(:has(progress))').waitFor();
  const word = (await page.locator('.verdict h2').innerText()).trim();
  const findings = await page
    .locator('.findings li')
    .evaluateAll((items) =>
      items.map((item) =>
        ['code.finding', '.object'].map((part) => item.querySelector(part)!.textContent).join(' '),
      ),
    );
  return { verdict: word, findings };
}
