/** How what the gateway offers stands to what somebody pinned. */
import type { Offered } from './offered.ts';
import type { Pins } from './pins.ts';

export type Standing =
  /** Nothing is pinned yet: the person has still to compare. */
  | 'new'
  | 'as-pinned'
  /** Another key signs than the one that is pinned. */
  | 'signer-changed'
  | 'ledger-changed';

export function standingOf(
  pins: Pins | undefined,
  { fingerprint, ledger }: Pick<Offered, 'fingerprint' | 'ledger'>,
): Standing {
  if (pins === undefined) return 'new';
  if (pins.fingerprint !== fingerprint) return 'signer-changed';
  return ledger !== undefined && ledger !== pins.ledger ? 'ledger-changed' : 'as-pinned';
}
