/** The newest checkpoint, opened under whom the person believes, else under the gateway's own word, which is said. */
import { asCustodyError } from '#core/errors.ts';
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import type { Offered } from '../offered.ts';
import type { Pins } from '../pins.ts';
import { standingOf } from '../standing.ts';

export type Opened =
  | { readonly is: 'signed'; readonly checkpoint: Checkpoint; readonly isPinned: boolean }
  | { readonly is: 'refused'; readonly why: string };

export function openedCheckpoint(note: string, offered: Offered, pins: Pins | undefined): Opened {
  const standing = standingOf(pins, offered);
  if (standing === 'signer-changed')
    return { is: 'refused', why: 'another key signs it than the one that you pinned' };
  const ledger = pins?.ledger ?? offered.ledger ?? '';
  try {
    return {
      is: 'signed',
      checkpoint: openCheckpoint(note, ledger, offered.der),
      isPinned: standing === 'as-pinned',
    };
  } catch (thrown) {
    return { is: 'refused', why: asCustodyError(thrown).message };
  }
}
