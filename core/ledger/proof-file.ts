/** What of the ledger's proof goes into an evidence folder: core/recording/FORMAT.md, "The ledger's proof". */
import { parseLeaf } from './leaf.ts';
import type { SessionProof } from './session-proof.ts';

/**
 * The text of `ledger.json`; undefined when it would not prove all that it must. A session may have ended after its objects
 * were listed, and its end may be on its way into the ledger for a minute. `isSealed`: its close statement is in the folder.
 */
export function proofFile(proof: SessionProof, isSealed: boolean): string | undefined {
  const openings = proof.leaves.filter(({ leaf }) => kindOf(leaf) === 'session-opened');
  const hasEnd = openings.length < proof.leaves.length;
  if (isSealed && !hasEnd) return undefined;
  const leaves = isSealed ? proof.leaves : openings;
  return leaves.length === 0 ? undefined : `${JSON.stringify({ ...proof, leaves })}\n`;
}

/** What cannot be read is for the verifier to say. */
function kindOf(leaf: string): string | undefined {
  try {
    return parseLeaf(Buffer.from(leaf))?.kind;
  } catch {
    return undefined;
  }
}
