import { asCustodyError } from '../../errors.ts';
import { openSessionProof, PROOF_MAX_BYTES, type ProvedSession } from '../../ledger/session-proof.ts';
import { CLOSE, LEDGER_PROOF, OPEN } from '../layout.ts';
import type { Objects } from './objects.ts';
import type { Report } from './report.ts';
import type { SignerKey } from './signer.ts';

/** SHA-256 of the statements that were found. */
export interface StatementHashes {
  readonly session: string | undefined;
  readonly open: string | undefined;
  readonly close: string | undefined;
}

/** What the evidence proves about the ledger. */
export interface LedgerFacts {
  readonly origin: string;
  /** Leaves under the checkpoint. */
  readonly size: number;
  readonly opened: boolean;
  readonly ended: boolean;
}

/** Checks `ledger.json`, where there is one (FORMAT.md, "The ledger's proof"). */
export async function checkLedgerProof(
  hashes: StatementHashes,
  signer: SignerKey | undefined,
  objects: Objects,
  report: Report,
): Promise<LedgerFacts | undefined> {
  if (!objects.names.has(LEDGER_PROOF) || signer === undefined) return undefined;
  const bytes = await objects.read(LEDGER_PROOF, PROOF_MAX_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const proved = openSessionProof(bytes, signer.key.export({ type: 'spki', format: 'der' }));
    return compare(proved, hashes, report);
  } catch (error) {
    report('ledger-proof-invalid', LEDGER_PROOF, `${LEDGER_PROOF}: ${asCustodyError(error).message}`);
    return undefined;
  }
}

function compare(proved: ProvedSession, hashes: StatementHashes, report: Report): LedgerFacts {
  const { origin, size, leaves } = proved;
  for (const leaf of leaves) {
    const name = leaf.kind === 'session-opened' ? OPEN : CLOSE;
    const found = leaf.kind === 'session-opened' ? hashes.open : hashes.close;
    if (leaf.session !== hashes.session)
      report('ledger-proof-mismatch', LEDGER_PROOF, `${LEDGER_PROOF} is of session ${leaf.session}`);
    else if (leaf.statement !== found) {
      const message = `the ledger has a ${name} with SHA-256 ${leaf.statement}, but ${name} ${found === undefined ? 'is missing' : `has ${found}`}`;
      report('ledger-proof-mismatch', name, message);
    }
  }
  const opened = leaves.some(({ kind }) => kind === 'session-opened');
  return { origin, size, opened, ended: leaves.some(({ kind }) => kind !== 'session-opened') };
}
