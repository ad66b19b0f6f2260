/** How two checkpoints of a ledger stand to each other, computed here from its tiles. */
import { asCustodyError } from '#core/errors.ts';
import type { Checkpoint } from '#core/ledger/checkpoint.ts';
import { proveConsistency } from '#core/ledger/reader.ts';
import type { FetchTile } from '#core/ledger/tree.ts';

export type Comparison =
  | { readonly is: 'same' }
  | { readonly is: 'grown'; readonly by: number }
  | { readonly is: 'rolled-back'; readonly by: number }
  | { readonly is: 'forked' }
  /** The tiles could not be had, or lead nowhere: nothing is proved either way. */
  | { readonly is: 'unknown'; readonly why: string };

/** `now`: the newest, of which `fetch` gives the tiles. */
export async function compareCheckpoints(
  kept: Checkpoint,
  now: Checkpoint,
  fetch: FetchTile,
): Promise<Comparison> {
  if (kept.size > now.size) return { is: 'rolled-back', by: kept.size - now.size };
  if (kept.size === now.size) return { is: kept.root.equals(now.root) ? 'same' : 'forked' };
  try {
    await proveConsistency(kept, now, fetch);
    return { is: 'grown', by: now.size - kept.size };
  } catch (thrown) {
    const { code, message } = asCustodyError(thrown);
    return code === 'ledger-altered' ? { is: 'forked' } : { is: 'unknown', why: message };
  }
}

export function isBad({ is }: Comparison): boolean {
  return is === 'rolled-back' || is === 'forked';
}

export function comparisonText(comparison: Comparison): string {
  switch (comparison.is) {
    case 'same':
      return 'It is the newest still: no leaf has come since.';
    case 'grown':
      return `The ledger only grew since: by ${comparison.by} ${comparison.by === 1 ? 'leaf' : 'leaves'}, and everything before is as it was.`;
    case 'rolled-back':
      return `ROLLED BACK: the ledger has ${comparison.by} ${comparison.by === 1 ? 'leaf' : 'leaves'} less than it had then. What was entered is gone.`;
    case 'forked':
      return 'FORKED: the leaves of then are not those of now. You were shown another ledger, or its past was rewritten.';
    case 'unknown':
      return `It cannot be said: ${comparison.why}`;
  }
}
