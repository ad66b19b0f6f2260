/** A session whose evidence tests alter, in the browser and at the command line. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { CUSTODY, custody } from '#test/cli/support.ts';
import { eventually, psql } from '#test/support/clients.ts';
import type { LocalGateway } from '#test/support/local-gateway.ts';
import { lastSession } from '#test/support/recorded.ts';

export { CUSTODY };

/** Records what `sql` does; its id, once its end is in the ledger. */
export async function recorded(gateway: LocalGateway, sql: string): Promise<string> {
  const { code, stderr } = await psql(gateway, sql, { args: ['-o', '/dev/null'] });
  if (code !== 0) throw new Error(stderr);
  const { id } = await lastSession(gateway);
  const headers = { authorization: `Bearer ${await gateway.token('auditor')}` };
  await eventually('the end to be in the ledger', async () => {
    const proof = await fetch(`${gateway.addresses.api}/v1/sessions/${id}/ledger`, { headers });
    return /session-(?:closed|recovered)/.test(await proof.text()) ? true : undefined;
  });
  return id;
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

/** `custody verify`'s, of a copy of the folder as it is in the store, with the signer and the ledger's proof that belong to it. */
export async function oracle(
  gateway: LocalGateway,
  session: string,
  ledgerProof: string,
): Promise<Judgement> {
  const folder = mkdtempSync(join(tmpdir(), 'custody-oracle-'));
  try {
    cpSync(storedFolder(gateway, session), folder, { recursive: true });
    cpSync(gateway.addresses.signer, join(folder, 'signer.pem'));
    writeFileSync(join(folder, 'ledger.json'), ledgerProof);
    const { stdout } = await custody(
      ['verify', folder, '--key', gateway.addresses.signer, '--origin', 'custody.local/ledger', '--json'],
      { env: { CUSTODY_HOME: join(folder, '..', 'no-home') } },
    );
    const { verdict, findings } = JSON.parse(stdout) as {
      verdict: string;
      findings: { code: string; object: string }[];
    };
    return { verdict, findings: findings.map(({ code, object }) => `${code} ${object}`) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
