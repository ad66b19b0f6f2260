import type { Checkpoint } from './checkpoint.ts';
import { subjectOf } from './places.ts';
import { type FindLeaves, proveLeavesOf } from './prove-session.ts';
import { RUN_LEAVES_MAX, type RunProof } from './run-proof.ts';
import type { FetchTile } from './tree.ts';

/**
 * Proofs of all leaves of a run, and of the access requests whose approvals its results name; undefined when the ledger has none.
 * `subjects`: their ids. Without `find` it reads the ledger from its beginning.
 */
export async function proveRun(
  note: string,
  checkpoint: Checkpoint,
  fetch: FetchTile,
  subjects: readonly string[],
  find?: FindLeaves,
): Promise<RunProof | undefined> {
  const wanted = new Set(subjects);
  const isOfIt = (entry: Uint8Array): boolean => wanted.has(subjectOf(entry) ?? '');
  const ledger = { checkpoint, fetch };
  const leaves = await proveLeavesOf(subjects, ledger, isOfIt, {
    atMost: RUN_LEAVES_MAX,
    ...(find && { find }),
  });
  return leaves.length === 0 ? undefined : { type: 'custody/run-proof/1', checkpoint: note, leaves };
}
