/** What somebody may say of a verification who has pinned nobody, or pinned since. */
import { LEDGER_PROOF, SIGNER_KEY } from '#core/recording/layout.ts';
import { type Finding, type VerifyReport, verdictOf } from '#core/recording/verify/report.ts';
import type { Trust } from '../player/trust.ts';
import type { Offered } from './offered.ts';
import type { Pins } from './pins.ts';

/**
 * Whom to verify under: what is pinned; before the first comparison what the gateway says of itself, so that a pin that
 * agrees with it needs no second reading.
 */
export function trustOf(pins: Pins | undefined, { fingerprint, ledger }: Offered): Trust {
  if (pins !== undefined) return { fingerprint: pins.fingerprint, ledger: pins.ledger };
  return { fingerprint, ...(ledger !== undefined && { ledger }) };
}

/** Without pins, nothing of it is proof: the gateway could have made its key and its ledger up. */
export function judged(report: VerifyReport, pins: Pins | undefined): VerifyReport {
  if (pins !== undefined) return report;
  const findings = [...gaps(report), ...report.findings];
  return { ...report, findings, verdict: verdictOf(findings) };
}

function gaps({ facts }: VerifyReport): readonly Finding[] {
  const signer: Finding = {
    code: 'signer-unanchored',
    object: SIGNER_KEY,
    message: `${SIGNER_KEY} is the key that the gateway says is its own, and nobody has compared it yet`,
  };
  if (facts?.ledger === undefined) return [signer];
  const ledger: Finding = {
    code: 'ledger-unanchored',
    object: LEDGER_PROOF,
    message: `${LEDGER_PROOF} is of the ledger that the gateway says is its own, and nobody has compared its name yet`,
  };
  return [signer, ledger];
}
