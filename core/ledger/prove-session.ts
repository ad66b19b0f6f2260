import { asCustodyError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { parseLeaf } from './leaf.ts';
import { proveInclusion, visitEntries } from './reader.ts';
import { LEAVES_MAX, type SessionProof } from './session-proof.ts';
import type { FetchTile } from './tree.ts';

/** Proofs of all leaves about a session's opening and end. Reads the ledger from its beginning; undefined when it has none. */
export async function proveSession(
  note: string,
  checkpoint: Checkpoint,
  fetch: FetchTile,
  session: string,
): Promise<SessionProof | undefined> {
  const found: { readonly index: number; readonly entry: Buffer }[] = [];
  await visitEntries(checkpoint, fetch, (entry, index) => {
    // Most entries are of other sessions: only those that name this one are parsed.
    if (Buffer.from(entry).includes(session) && isStatementOf(entry, session))
      found.push({ index, entry: Buffer.from(entry) });
  });
  if (found.length === 0) return undefined;
  const leaves = [];
  for (const { index, entry } of found.slice(0, LEAVES_MAX)) {
    const proof = await proveInclusion(checkpoint, fetch, index, entry);
    leaves.push({ index, leaf: entry.toString(), proof: proof.map((hash) => hash.toString('base64')) });
  }
  return { type: 'custody/ledger-proof/1', checkpoint: note, leaves };
}

function isStatementOf(entry: Uint8Array, session: string): boolean {
  try {
    const leaf = parseLeaf(entry);
    return leaf !== undefined && 'statement' in leaf && leaf.session === session;
  } catch (error) {
    // A leaf that cannot be read is the audit's business.
    if (asCustodyError(error).code !== 'format-invalid') throw error;
    return false;
  }
}
