/** A session whose evidence tests alter, in the browser and at the command line. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { custody } from '#test/cli/support.ts';
import type { LocalGateway } from '#test/support/local-gateway.ts';
import { type Judgement, storedFolder } from './evidence.ts';

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
