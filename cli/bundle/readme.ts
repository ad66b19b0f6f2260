/** What an auditor reads who has no custody, and does not want to believe the page. */
import { readFile } from 'node:fs/promises';
import type { EvidenceFacts } from '#core/recording/verify/report.ts';

const README = new URL('../../README.md', import.meta.url);
const SECTION = '## Verify without Custody';

/** The words of the project's own README, which its tests run. */
export async function bundleReadme(facts: EvidenceFacts | undefined, player: string): Promise<string> {
  const text = await readFile(README, 'utf8');
  const from = text.indexOf(SECTION);
  const to = text.indexOf('\n## ', from + SECTION.length);
  return `Evidence of session ${facts?.session ?? '(no readable opening)'}, recorded by a Custody gateway.

The folder holds what was recorded (*.seg), the signed statements that open and close the session (open.json, close.json and their
signatures), the proof that both are in the gateway's ledger (ledger.json, with the signed checkpoint), the public key that they are
signed with (signer.pem) and, where the session was a task of a run, its signed result (task.json).

signer.pem came with the evidence and proves nothing by itself: get the key, or its SHA-256 fingerprint, and the name of the ledger
from the gateway's operator by another way.

By this page: open index.html (or the .html file) in a browser, offline if you like; paste the key or fingerprint and the ledger's
name. The script in it can be compared: its SHA-256 is
  ${player}
and the sources of Custody give the same script: npm ci && npm run player -- --sha256

By custody: custody verify FOLDER --key trusted.pem --origin LEDGER

By plain tools:

${text.slice(from + SECTION.length, to < 0 ? undefined : to).trim()}
`;
}
